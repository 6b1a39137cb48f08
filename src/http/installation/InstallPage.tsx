import { DateTime, Effect, Option } from "effect"
import type { VNode } from "preact"
import type { Offer } from "../../domain/catalog/Offer.ts"
import { agentPath } from "../../domain/installation/Agent.ts"
import { type InstallAnswer, InstallRequest } from "../../domain/installation/Install.ts"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { makeInstallCode } from "../../services/identity/MakeInstallCode.ts"
import { install } from "../../services/installation/Install.ts"
import { type Preview, previewInstall } from "../../services/installation/PreviewInstall.ts"
import { SessionFields } from "../account/SessionForm.tsx"
import { decode } from "../Body.ts"
import { rememberLink } from "../identity/ChatLink.ts"
import { PhoneFields } from "../identity/PhoneFields.tsx"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Hidden } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { type Notice, noticeOf, withNotice } from "../pages/Notice.ts"
import { type FormVisit, form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { Collisions, rowsChosen } from "./Collisions.tsx"
import { Contents } from "./Contents.tsx"
import { count, modeWords } from "./Words.ts"

interface InstallPageProps {
  readonly offer: Offer
  readonly visitor: Visitor | undefined
  /** What an install would do for the visitor; undefined if nobody is signed in. */
  readonly preview: Preview | undefined
  /** Whether a visitor who is not signed in signs in or up. */
  readonly sign: "in" | "up"
  readonly typed: URLSearchParams
  readonly problems?: ReadonlyArray<FormProblem>
  readonly notice?: string | undefined
  readonly now: DateTime.Utc
}

const Installed = ({ agentId, preview }: { agentId: string; preview: Preview }): VNode => {
  const path = agentPath(preview.organization.slug, agentId)
  const news = preview.plan.rows.filter(
    ({ verdict }) => verdict !== "unchanged" && verdict !== "customized" && verdict !== "deleted_by_owner"
  )
  return (
    <div class="next">
      <h2>You have this already</h2>
      <p>
        <a href={path}>Go to your agent in {preview.organization.slug}</a>.{" "}
        {news.length === 0 ? (
          "It is up to date: installing it again would change nothing."
        ) : (
          <>
            An update would change {count(news.length, "part")}. <a href={`${path}/update`}>See what it would do</a>{" "}
            before you decide.
          </>
        )}
      </p>
    </div>
  )
}

const Untouched = (): VNode => (
  <section>
    <h2>What it never touches</h2>
    <ul>
      <li>
        What you made yourself. If something of yours already has a name that it needs, nothing is written before you
        decide.
      </li>
      <li>What you change later: your changes are kept through every update, and what you delete stays deleted.</li>
    </ul>
    <p>
      The publisher may bring everybody up to a new revision, and leaves what is yours as it is then, too. On your
      agent’s page you can choose to update it yourself instead, and go back to an earlier revision.
    </p>
    <p>
      The publisher sees neither your data nor that it is you who uses this. You can uninstall it: what it brought is
      removed, what is yours stays.
    </p>
  </section>
)

const InstallForm = ({ offer, preview, problems = [], sign, typed, visitor }: InstallPageProps): VNode => {
  const collisions = preview?.plan.rows.filter(({ verdict }) => verdict === "collision") ?? []
  const other = sign === "up" ? "in" : "up"
  return (
    <form method="post" action={`/install/${offer.slug}#problem`}>
      {preview === undefined ? (
        <Hidden fields={[...typed].filter(([name]) => name === "adopt" || name === "expectedPlan")} />
      ) : (
        <input type="hidden" name="expectedPlan" value={preview.plan.planHash} />
      )}
      {collisions.length > 0 && <Collisions rows={collisions} chosen={typed.getAll("adopt")} />}
      {visitor === undefined && (
        <fieldset>
          <legend>{sign === "up" ? "Your account" : "Sign in"}</legend>
          <p>
            {sign === "up"
              ? "What you install has to belong to somebody: with an account you get a private organization of your own. "
              : "It is installed into the organization of your account. "}
            <a href={`/install/${offer.slug}?sign=${other}#account`}>
              {sign === "up" ? "I have an account" : "I have no account yet"}
            </a>
          </p>
          <SessionFields sign={sign} typed={typed} problems={problems} />
        </fieldset>
      )}
      {offer.modes.length > 1 && (
        <fieldset>
          <legend>How it is kept</legend>
          <p>You can use and change it all the same either way, and change your mind later.</p>
          {offer.modes.map((mode, at) => (
            <label>
              <input
                type="radio"
                name="mode"
                value={mode}
                checked={typed.get("mode") === mode || (typed.get("mode") === null && at === 0)}
              />{" "}
              {modeWords[mode].choice}
            </label>
          ))}
        </fieldset>
      )}
      <fieldset>
        <legend>Your WhatsApp (optional)</legend>
        <PhoneFields
          name="whatsapp_phone"
          label="WhatsApp number"
          why="So that your agent knows that messages from this phone are yours. We ask once, on that phone, whether to link it; it is linked only after a yes. Leave this empty to do it later."
          typed={typed}
          problems={problems}
        />
      </fieldset>
      <button type="submit">
        {preview === undefined
          ? sign === "up"
            ? "Create my account and install"
            : "Sign in and install"
          : `Install into ${preview.organization.slug}`}
      </button>
    </form>
  )
}

/** Why it can't be installed, where that is so. */
const Closed = ({
  offer: { broken, deprecated },
  isInstalled
}: {
  offer: Offer
  isInstalled: boolean
}): VNode | null =>
  deprecated !== null ? (
    <section id="deprecated" class="next">
      <h2>The publisher advises against it</h2>
      <p>
        {isInstalled
          ? "It is not installed anew. Yours stays, and is brought up to date as before."
          : "It is deprecated, so it is not installed anew."}
      </p>
      <p class="prose" dir="auto">
        {deprecated.reason}
      </p>
      {deprecated.successor !== null && (
        <p>
          Instead, take <a href={`/install/${deprecated.successor}`}>{deprecated.successor}</a>.
        </p>
      )}
    </section>
  ) : broken === null ? null : (
    <section id="deprecated" class="next">
      <h2>It can’t be installed just now</h2>
      <p>The publisher has found a fault in it, and will publish it again:</p>
      <p class="prose" dir="auto">
        {broken}
      </p>
    </section>
  )

/** What a template brings, where it would be installed, and the button that installs it. */
export const InstallPage = (props: InstallPageProps): VNode => {
  const { notice, now, offer, preview, problems, visitor } = props
  const agentId = preview?.agentId ?? null
  return (
    <Layout title={`Install ${offer.name}`} visitor={visitor} problems={problems} notice={notice}>
      <h1 dir="auto">{offer.name}</h1>
      <p class="lead" dir="auto">
        {offer.description}
      </p>
      <p class="quiet">
        Published by <bdi>{offer.publisher.name}</bdi>. Revision {offer.revision}.
      </p>
      <Closed offer={offer} isInstalled={agentId !== null} />
      {preview !== undefined && agentId !== null && <Installed agentId={agentId} preview={preview} />}
      <section>
        <h2>What you get</h2>
        <p>
          {agentId === null ? "An agent of your own, with" : "It brings"} {count(offer.rows.length, "part")}
          {preview !== undefined && (
            <>
              , in your organization <strong>{preview.organization.slug}</strong>
            </>
          )}
          . Open any part to see what is in it.
        </p>
        <Contents rows={offer.rows} now={now} />
      </section>
      <Untouched />
      {agentId === null && offer.deprecated === null && offer.broken === null && (
        <section id="account">
          <h2>Install it</h2>
          <InstallForm {...props} />
        </section>
      )}
    </Layout>
  )
}

const nothing = new URLSearchParams()

/** The page for this visitor, with what they typed and what is wrong with it. */
const draw = (
  visit: Visit,
  typed: URLSearchParams,
  { problems = [], status = 200 }: { readonly problems?: ReadonlyArray<FormProblem>; readonly status?: number } = {}
) =>
  Effect.gen(function* () {
    const offers = yield* TemplateOffers
    const offer = yield* offers.find(visit.part("slug"))
    const preview =
      visit.visitor === undefined
        ? Option.none()
        : yield* previewInstall(visit.credential, offer).pipe(
            Effect.asSome,
            // The page says so itself.
            Effect.catchTag("TemplateDeprecated", "RevisionBroken", () => Effect.succeedNone)
          )
    const sign = (typed.get("sign") ?? visit.query.get("sign")) === "in" ? "in" : "up"
    return yield* answerPage(
      <InstallPage
        offer={offer}
        visitor={visit.visitor}
        preview={Option.getOrUndefined(preview)}
        sign={sign}
        typed={typed}
        problems={problems}
        notice={noticeOf(visit.query)}
        now={yield* DateTime.now}
      />,
      { status }
    )
  })

const ended =
  "You are not signed in any more. Nothing was installed yet, and what you typed is still here: sign in to go on."

/**
 * Draws the page again if a session could not be begun or has ended. A person who has an account is asked to sign in.
 */
const redraw = (visit: FormVisit, problems: ReadonlyArray<FormProblem>, status: 401 | 422) => {
  const typed = new URLSearchParams(visit.form)
  const hasAccount = status === 401 || problems.some(({ message }) => message.startsWith("There is an account"))
  if (hasAccount) typed.set("sign", "in")
  return draw({ ...visit, visitor: undefined, credential: {} }, typed, {
    problems: status === 401 ? [{ message: ended }] : problems,
    status
  })
}

const outcomeOf = ({ created, whatsappError }: InstallAnswer): Notice =>
  whatsappError !== undefined ? `phone-${whatsappError}` : created ? "installed" : "up-to-date"

/** A code to send from the person's phone, if there is a bot to send it to and the phone is not linked yet. */
const chatLink = ({ credential }: FormVisit, { slug }: Offer) =>
  makeInstallCode({ credential, body: Effect.succeed({ slug }) }).pipe(
    Effect.map(({ link }) => Option.fromNullable(link)),
    // The install has succeeded, and the agent's page offers the link again.
    Effect.catchAll(() => Effect.succeedNone)
  )

const act = (visit: FormVisit) =>
  Effect.gen(function* () {
    const offers = yield* TemplateOffers
    const offer = yield* offers.find(visit.part("slug"))
    const { form: sent } = visit
    const adopt = rowsChosen(sent, "adopt")
    const mode = sent.get("mode")
    const expected = sent.get("expectedPlan")
    // A person who signed in only now has not seen what would change in an existing agent, so nothing is changed.
    const before = expected === null ? yield* previewInstall(visit.credential, offer) : undefined
    if (before !== undefined && before.agentId !== null) {
      return seeOther(withNotice(agentPath(before.organization.slug, before.agentId), "already"))
    }
    const body = decode(InstallRequest)({
      slug: offer.slug,
      whatsapp_phone: sent.get("whatsapp_phone"),
      country: sent.get("country"),
      ...(mode === null ? {} : { mode }),
      ...(adopt.length === 0 ? {} : { adopt }),
      ...(expected === null ? {} : { expectedPlan: expected })
    })
    const answer = yield* install({ credential: visit.credential, body })
    const there = seeOther(withNotice(answer.redirectTo as `/${string}`, outcomeOf(answer)))
    if (!offer.hasBotPhone || answer.whatsapp?.verified === true) return there
    const link = yield* chatLink(visit, offer)
    return Option.match(link, {
      onNone: () => there,
      onSome: (link) => rememberLink(there, answer.redirectTo, { link, known: 0 })
    })
  }).pipe(
    Effect.catchTags({
      SchemaCollision: ({ collisions }) =>
        draw(visit, visit.form, {
          status: 409,
          problems: [
            {
              field: "collisions",
              message: `Nothing was installed: ${count(collisions.length, "name is", "names are")} taken. Decide for each what is to become of it.`
            }
          ]
        }),
      PlanStale: () =>
        draw(visit, visit.form, {
          status: 409,
          problems: [
            {
              message:
                "Nothing was installed: something has changed since you were shown this page. Look again, then press Install."
            }
          ]
        })
    })
  )

/** Installing. */
export const installPages = [
  page("/install/:slug", (visit) => draw(visit, nothing)),
  form("/install/:slug", act, redraw)
]
