import { Effect, Either, Schema } from "effect"
import type { VNode } from "preact"
import { type OfferPage, OffersQuery, usualOffers } from "../../domain/catalog/Offer.ts"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { answerPage } from "../pages/AnswerPage.ts"
import { Field } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { noticeOf } from "../pages/Notice.ts"
import { page } from "../pages/PageRoutes.tsx"

interface TemplatesPageProps {
  readonly visitor: Visitor | undefined
  readonly notice: string | undefined
  readonly query: OffersQuery
  readonly found: OfferPage
}

const addressOf = (query: Readonly<Record<string, string>>) => {
  const given = Object.entries(query).filter(([, value]) => value !== "")
  return given.length === 0 ? "/" : `/?${new URLSearchParams(given)}`
}

/** The templates that anybody can install, with a search. */
export const TemplatesPage = ({ notice, found, query, visitor }: TemplatesPageProps): VNode => (
  <Layout title="Agents you can install" path="/" visitor={visitor} notice={notice}>
    <h1>Agents you can install</h1>
    <p class="lead">
      A team publishes an agent. You press Install, and own a working copy of it, in an organization of your own. You
      see everything it brings before you install it, and you can take it away again.
    </p>
    <search>
      <form action="/">
        <Field name="q" label="Search" type="search" value={query.q} />
        <button type="submit" class="plain">
          Search
        </button>
      </form>
    </search>
    {found.templates.length === 0 ? (
      <p>
        {query.q === "" && query.after === "" ? (
          "No template is published yet."
        ) : (
          <>
            No template has all of these words. <a href="/">See all templates</a>
          </>
        )}
      </p>
    ) : (
      <ul class="cards">
        {found.templates.map(({ definitions, deprecated, description, name, publisher, slug }) => (
          <li>
            <h2 dir="auto">
              <a href={`/install/${slug}`}>{name}</a>
            </h2>
            <p dir="auto">{description}</p>
            {deprecated !== null && (
              <p>
                <span class="mark changed">deprecated</span> <span dir="auto">{deprecated.reason}</span>
              </p>
            )}
            <p class="quiet">
              From <bdi>{publisher.name}</bdi>. It brings {definitions} parts.
            </p>
          </li>
        ))}
      </ul>
    )}
    {(found.next !== null || query.after !== "") && (
      <nav class="pages" aria-label="Pages">
        {query.after !== "" && <a href={addressOf({ q: query.q })}>First page</a>}
        {found.next !== null && <a href={addressOf({ q: query.q, after: found.next })}>Next page</a>}
      </nav>
    )}
  </Layout>
)

/** The search in the address; an invalid one finds all templates. */
const queryOf = (given: URLSearchParams): OffersQuery =>
  Either.getOrElse(
    Schema.decodeUnknownEither(OffersQuery)({ q: given.get("q") ?? "", after: given.get("after") ?? "" }),
    () => ({ q: "", after: "", limit: usualOffers })
  )

/** The home page of the service. */
export const templatesPages = [
  page("/", ({ query: given, visitor }) =>
    Effect.gen(function* () {
      const offers = yield* TemplateOffers
      const query = queryOf(given)
      const found = yield* offers.search(query)
      return yield* answerPage(<TemplatesPage visitor={visitor} notice={noticeOf(given)} query={query} found={found} />)
    })
  )
]
