import { HttpApiBuilder, HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Redacted, Schema } from "effect"
import { OwnIdentities } from "../src/domain/identity/Identity.ts"
import { History } from "../src/domain/installation/History.ts"
import { Plan } from "../src/domain/installation/Plan.ts"
import { AgentWatchers } from "../src/domain/installation/Watcher.ts"
import { OrgResolver } from "../src/services/account/OrgResolver.ts"
import { TemplateOffers } from "../src/services/catalog/TemplateOffers.ts"
import { listIdentities } from "../src/services/identity/OwnIdentities.ts"
import { listWatchers } from "../src/services/installation/ManageWatchers.ts"
import { TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import { viewHistory } from "../src/services/installation/ViewAgents.ts"
import { viewRows } from "../src/services/installation/ViewRows.ts"
import { newPeople } from "./database.ts"
import { compare, isSelected } from "./report.ts"
import { portOf, post, Services } from "./server.ts"

const AgentData = Schema.Struct({
  plan: Plan,
  watchers: AgentWatchers.fields.watchers,
  history: History,
  identities: OwnIdentities.fields.identities,
  hasBotPhone: Schema.Boolean
})

/** The reference: a route that asks the workflows that the page asks, as programs do, and answers with all they say as JSON. */
const DataHttp = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<
      | Effect.Effect.Context<ReturnType<typeof viewRows>>
      | Effect.Effect.Context<ReturnType<typeof listWatchers>>
      | Effect.Effect.Context<ReturnType<typeof listIdentities>>
      | TemplateOffers
    >()
    yield* router.get(
      "/bench/agent/:id",
      Effect.gen(function* () {
        const { cookie = "" } = (yield* HttpServerRequest.HttpServerRequest).headers
        const { id = "" } = yield* HttpRouter.params
        const offers = yield* TemplateOffers
        const credential = { cookie: Redacted.make(cookie) }
        const { plan } = yield* viewRows(credential, id)
        const watchers = yield* listWatchers(credential, id)
        const history = yield* viewHistory(credential, id, Effect.succeed({ limit: 10, rows: "changed" as const }))
        const identities = yield* listIdentities(credential)
        const { hasBotPhone } = yield* offers.statusIn(plan.organizationId, plan.templateAgentId)
        const value = { plan, watchers, history, identities, hasBotPhone }
        return yield* HttpServerResponse.schemaJson(AgentData)(value)
      }).pipe(Effect.provide(context))
    )
  })
)

/** The page of an agent of 89 rows, compressed as browsers ask for it, against the same data as JSON from the same server. */
export const benchPages = (slug: string) =>
  Effect.gen(function* () {
    const names = [1, 8].map((concurrency) => ({ name: `pages/agent/${concurrency}`, concurrency }))
    if (!names.some(({ name }) => isSelected(name))) return
    const [somebody] = yield* newPeople(1)
    const orgs = yield* OrgResolver
    const mirror = yield* TemplateMirror
    const person = yield* Effect.fromNullable(somebody)
    const { templateAgentId } = yield* orgs.resolve({ userId: person.userId, slug })
    const { agentId } = yield* mirror.apply({ ...person, templateAgentId })
    const port = yield* portOf(Services, DataHttp)
    const cookie = `better-auth.session_token=${encodeURIComponent(person.bearer.replace("Bearer ", ""))}`
    const asked = (path: string, concurrency: number) =>
      post({
        port,
        path,
        concurrency,
        posts: Array.from({ length: 40 }, () => ({ authorization: "" })),
        fields: { cookie, accept: "text/html", "accept-encoding": "gzip" }
      })
    for (const { concurrency, name } of names) {
      yield* compare(
        { name, unit: "pages/s", turns: 7, target: 0.7 },
        asked(`/${person.slug}/agents/${agentId}`, concurrency),
        asked(`/bench/agent/${agentId}`, concurrency)
      )
    }
  })
