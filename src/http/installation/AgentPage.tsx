import { Effect, Option } from "effect"
import type { VNode } from "preact"
import type { Mode } from "../../domain/catalog/Mode.ts"
import type { OwnIdentity } from "../../domain/identity/Identity.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import type { History } from "../../domain/installation/History.ts"
import type { PlannedRow } from "../../domain/installation/Plan.ts"
import type { AgentWatcher } from "../../domain/installation/Watcher.ts"
import { TemplateOffers } from "../../services/catalog/TemplateOffers.ts"
import { makeInstallCode } from "../../services/identity/MakeInstallCode.ts"
import { listIdentities } from "../../services/identity/OwnIdentities.ts"
import { changeMode } from "../../services/installation/ChangeMode.ts"
import { chooseUpdates } from "../../services/installation/ChooseUpdates.ts"
import { listWatchers, setWatcher } from "../../services/installation/ManageWatchers.ts"
import { viewHistory } from "../../services/installation/ViewAgents.ts"
import { type RowsView, viewRows } from "../../services/installation/ViewRows.ts"
import { forgetLink, rememberedLink, rememberLink } from "../identity/ChatLink.ts"
import { Phone } from "../identity/Phones.tsx"
import { QrCode } from "../identity/QrCode.tsx"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Action } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { noticeOf, withNotice } from "../pages/Notice.ts"
import { form, page, type Visit } from "../pages/PageRoutes.tsx"
import { Time } from "../pages/Time.tsx"
import { agentAt } from "./AgentAt.ts"
import { HistoryList } from "./HistoryList.tsx"
import { NotesList } from "./NotesList.tsx"
import { rowPath } from "./RowPage.tsx"
import { differenceOf, Row } from "./Rows.tsx"
import { kindsOf, kindWords, modeWords, scheduleWords } from "./Words.ts"

interface AgentPageProps {
  readonly visitor: Visitor | undefined
  readonly notice?: string | undefined
  readonly agent: InstalledAgent
  /** The page's own path. */
  readonly path: `/${string}`
  /**
   * Its rows; undefined if they are not known: the publisher no longer offers the template, or the visitor may not
   * change it.
   */
  readonly view: RowsView | undefined
  readonly watchers: ReadonlyArray<AgentWatcher>
  readonly history: History
  readonly phones: ReadonlyArray<OwnIdentity>
  /** Whether there is a bot to write to. */
  readonly hasBotPhone: boolean
  /** The link that opens a chat with a code in it, while the code is valid. */
  readonly link: string | undefined
}

const isThere = ({ verdict }: PlannedRow) => verdict === "unchanged" || verdict === "customized" || verdict === "update"

/** The slug a row has in the organization: it differs from the plan's where the person or the publisher gave it another. */
const slugOf = ({ differences }: RowsView, row: PlannedRow): string =>
  String(differenceOf(differences, row)?.fields.find(({ field }) => field === "slug")?.own ?? row.slug)

const isNews = ({ verdict }: RowsView["plan"]["rows"][number]) =>
  verdict === "create" || verdict === "update" || verdict === "retire" || verdict === "collision"

const Newest = ({ agent, path, view }: AgentPageProps): VNode => {
  const { newestRevision, pinned, revision, template, updates } = agent
  const news = view?.plan.rows.filter(isNews) ?? []
  const isBehind = newestRevision !== null && newestRevision > revision
  const goesBack = agent.broken !== null && newestRevision !== null && newestRevision < revision && !pinned
  return (
    <section>
      <h2>Revision</h2>
      <p>
        Yours is revision {revision}
        {newestRevision !== null && newestRevision !== revision && <>, the publisher’s newest is {newestRevision}</>}.{" "}
        {pinned
          ? "It stays at this revision until you say otherwise."
          : isBehind
            ? updates === "automatic"
              ? "It changes when you say yes, or when the publisher brings everybody up to date."
              : "Nothing changes until you have looked at it and said yes."
            : news.length === 0 && !goesBack && "That is the newest."}
      </p>
      {agent.broken !== null && (
        <div class="next" id="broken">
          <h2>The publisher found a fault in revision {revision}</h2>
          <p class="prose" dir="auto">
            {agent.broken}
          </p>
          <p>
            {goesBack
              ? `An update takes yours back to revision ${newestRevision}, which has it not.`
              : isBehind && !pinned
                ? `An update takes yours to revision ${newestRevision}, which has it not.`
                : "Yours stays as it is until you say otherwise."}
          </p>
        </div>
      )}
      {template.deprecated !== null && (
        <p id="deprecated">
          The publisher advises others against this: <span dir="auto">{template.deprecated.reason}</span>
          {template.deprecated.successor !== null && (
            <>
              {" "}
              Instead there is <a href={`/install/${template.deprecated.successor}`}>{template.deprecated.successor}</a>
              .
            </>
          )}{" "}
          Yours keeps working.
        </p>
      )}
      {!template.available && (
        <p>The publisher no longer offers this. Yours keeps working, but there will be no updates.</p>
      )}
      {view !== undefined && (
        <>
          {news.length > 0 && !pinned && (
            <div class="next">
              <h2>{isBehind ? `What is new in revision ${newestRevision}` : "What an update would do"}</h2>
              <ul>
                {news.slice(0, 8).map((row) => (
                  <li>
                    <span dir="auto">{row.name ?? row.slug}</span>:{" "}
                    {row.verdict === "create"
                      ? "new"
                      : row.verdict === "update"
                        ? "changed by the publisher"
                        : row.verdict === "collision"
                          ? "a name of yours is in the way"
                          : "withdrawn"}
                  </li>
                ))}
                {news.length > 8 && <li>and {news.length - 8} more</li>}
              </ul>
              <NotesList notes={view.plan.notes} />
            </div>
          )}
          <p>
            <a href={`${path}/update`}>
              {news.length > 0 && !pinned ? "See the update, row by row" : "Review my changes, row by row"}
            </a>
            {pinned && (
              <>
                {" "}
                · <a href={`${path}/update?revision=newest`}>Follow the publisher again</a>
              </>
            )}
          </p>
          {newestRevision !== null && newestRevision > 1 && (
            <form action={`${path}/update`}>
              <label for="revision">Go to another revision</label>
              <span class="why" id="revision-why">
                You are shown what would change first. It then stays there until you follow the publisher again.
              </span>
              <select id="revision" name="revision" aria-describedby="revision-why">
                {revisionsBut(newestRevision, revision).map((number) => (
                  <option value={String(number)}>Revision {number}</option>
                ))}
              </select>
              <button type="submit" class="plain">
                See what would change
              </button>
            </form>
          )}
        </>
      )}
    </section>
  )
}

const mostRevisions = 100

/** Whether the publisher's roll-outs bring it up to date, and what one left out. */
const Updates = ({ agent: { offered, pinned, revision, template, updates }, path }: AgentPageProps): VNode | null => {
  if (!template.available) return null
  const isAutomatic = updates === "automatic"
  return (
    <section id="updates">
      <h2>Updates</h2>
      {offered !== null && offered !== revision && (
        <p>
          The publisher has brought everybody to revision {offered}. Yours was left as it is, since you update it
          yourself. <a href={`${path}/update`}>See the update, row by row</a>
        </p>
      )}
      <p>
        {pinned
          ? "It stays at its revision, so the publisher’s updates leave it as it is."
          : isAutomatic
            ? "When the publisher brings everybody up to date, yours is too. What you changed or deleted stays as you left it."
            : "You update it yourself: the publisher leaves it as it is."}
      </p>
      <Action
        action={`${path}/updates`}
        label={isAutomatic ? "Update it myself instead" : "Let the publisher update it"}
        fields={{ updates: isAutomatic ? "manual" : "automatic" }}
        class="plain"
      />
    </section>
  )
}

/** The newest hundred revisions, without one of them. */
const revisionsBut = (newest: number, one: number): ReadonlyArray<number> =>
  Array.from({ length: Math.min(newest, mostRevisions) }, (_, at) => newest - at).filter((number) => number !== one)

const WatcherItem = ({ path, watcher }: { path: string; watcher: AgentWatcher }): VNode => {
  const { description, name, nextRunAt, pausedAt, schedule, slug } = watcher
  const action = `${path}/watchers/${slug}`
  return (
    <li>
      <strong dir="auto">{name}</strong> {pausedAt !== null && <span class="mark changed">paused</span>}
      {description !== "" && <div dir="auto">{description}</div>}
      <div class="quiet">
        {schedule !== null && <>Runs {scheduleWords(schedule)}. </>}
        {pausedAt !== null ? (
          <>
            Paused since <Time at={pausedAt} />.
          </>
        ) : nextRunAt === null ? (
          "It is not due."
        ) : (
          <>
            Next run: <Time at={nextRunAt} />.
          </>
        )}
      </div>
      {pausedAt === null ? (
        <Action action={action} label={`Pause ${name}`} fields={{ do: "pause" }} class="plain" />
      ) : (
        <Action action={action} label={`Resume ${name}`} fields={{ do: "resume" }} />
      )}
    </li>
  )
}

const Chat = ({ hasBotPhone, link, path, phones }: AgentPageProps): VNode | null => {
  const asked = phones.filter(({ state }) => state === "confirm_session" || state === "claimed")
  const linked = phones.filter(({ state }) => state === "verified")
  if (!hasBotPhone && asked.length === 0) return null
  return (
    <section id="chat" {...(link !== undefined || asked.length > 0 ? { "data-watch": "/api/identities" } : {})}>
      <h2>On WhatsApp</h2>
      {linked.length > 0 && (
        <p>
          Linked:{" "}
          {linked.map((one, at) => (
            <>
              {at > 0 && ", "}
              <bdi>{one.identifier.split("@")[0]}</bdi>
            </>
          ))}
          . Messages from there are yours. <a href="/agents#phones">See my phones</a>
        </p>
      )}
      {asked.length > 0 && (
        <ul class="cards">
          {asked.map((identity) => (
            <li>
              <Phone identity={identity} back={`${path}#chat`} />
            </li>
          ))}
        </ul>
      )}
      {link !== undefined && (
        <div class="next">
          <h2>Next: say hello from your phone</h2>
          <p>
            Send the message that is ready in this chat. It holds a code that says the phone is yours; it works once,
            for 15 minutes. Then answer YES to the question that comes.
          </p>
          <p>
            <a href={link} rel="noreferrer">
              Open WhatsApp with the message
            </a>
          </p>
          <p>Or scan this with your phone:</p>
          <QrCode text={link} label="QR code that opens WhatsApp with the message" />
          <p class="quiet">This page updates by itself when the message has arrived.</p>
        </div>
      )}
      {hasBotPhone && link === undefined && (
        <>
          <p>{linked.length === 0 ? "You can talk to this agent from your phone." : "You can link another phone."}</p>
          <Action action={`${path}/chat`} label="Link a phone on WhatsApp" class="plain" />
          <span class="why">
            You get a message to send from that phone, with a code. Nothing is linked before you reply YES there.
          </span>
        </>
      )}
    </section>
  )
}

const otherMode = { copy: "reference", reference: "copy" } as const satisfies Record<Mode, Mode>

/** Everything of one installed agent. */
export const AgentPage = (props: AgentPageProps): VNode => {
  const { agent, history, link, notice, path, phones, view, visitor, watchers } = props
  const waits = link !== undefined || phones.some(({ state }) => state === "claimed")
  const rows = view?.plan.rows ?? []
  return (
    <Layout title={agent.name} visitor={visitor} notice={notice} refreshTo={waits ? path : undefined}>
      <h1 dir="auto">{agent.name}</h1>
      {agent.description !== "" && (
        <p class="lead" dir="auto">
          {agent.description}
        </p>
      )}
      <p class="quiet">
        Installed into <strong>{agent.organizationSlug}</strong> from{" "}
        {agent.template.available && agent.template.slug !== null ? (
          <a href={`/install/${agent.template.slug}`}>
            <bdi>{agent.template.name}</bdi>
          </a>
        ) : (
          <bdi>{agent.template.name}</bdi>
        )}
        , published by <bdi>{agent.template.publisher}</bdi>.
      </p>
      <Chat {...props} />
      {watchers.length > 0 && (
        <section id="watchers">
          <h2>What it does by itself</h2>
          <ul class="rows">
            {watchers.map((watcher) => (
              <WatcherItem watcher={watcher} path={path} />
            ))}
          </ul>
        </section>
      )}
      <Newest {...props} />
      <Updates {...props} />
      {view !== undefined && (
        <section id="rows">
          <h2>What it consists of</h2>
          <p class="quiet">
            All of it is yours to change. Your changes are kept through updates, and what you delete stays deleted.
          </p>
          {kindsOf(rows).map((kind) => {
            const own = rows.filter((row) => row.kind === kind)
            const changed = own.filter(({ verdict }) => verdict !== "unchanged").length
            return (
              <details open={changed > 0 && changed <= 10}>
                <summary>
                  {kindWords(kind).heading} ({own.length}){changed > 0 && `: ${changed} not as published`}
                </summary>
                <ul class="rows">
                  {[
                    ...own.filter(({ verdict }) => verdict !== "unchanged"),
                    ...own.filter(({ verdict }) => verdict === "unchanged")
                  ].map((row) => (
                    <Row row={row} difference={differenceOf(view.differences, row)}>
                      {isThere(row) && (
                        <a href={rowPath(path, row.kind, slugOf(view, row))}>
                          Change or delete <bdi>{row.name ?? row.slug}</bdi>
                        </a>
                      )}
                    </Row>
                  ))}
                </ul>
              </details>
            )
          })}
        </section>
      )}
      {history.entries.length > 0 && (
        <section id="history">
          <h2>What was done</h2>
          <HistoryList history={history} path={path} />
        </section>
      )}
      {agent.template.modes.some((mode) => mode !== agent.mode) && (
        <section id="mode">
          <h2>How it is kept</h2>
          <p>{modeWords[agent.mode].now}</p>
          <Action
            action={`${path}/mode`}
            fields={{ mode: otherMode[agent.mode] }}
            label={modeWords[otherMode[agent.mode]].change}
            class="plain"
          />
        </section>
      )}
      <section>
        <h2>Uninstall</h2>
        <p>
          Removes the agent, and everything it brought that you neither changed nor use. You are shown what is removed
          and what stays before you confirm. <a href={`${path}/uninstall`}>See what would go</a>
        </p>
      </section>
    </Layout>
  )
}

const saidYes = ({ state }: OwnIdentity) => state === "verified" || state === "confirm_session"

/** Gathers what the page of an agent shows, from the workflows that programs use too. */
const show = (visit: Visit) =>
  Effect.gen(function* () {
    const offers = yield* TemplateOffers
    const { credential, query, request, visitor } = visit
    const { agent, path } = yield* agentAt(visit)
    const { agentId, organizationId, template } = agent
    const withoutRows = () => Effect.succeedNone
    const view = yield* viewRows(credential, agentId).pipe(
      Effect.asSome,
      Effect.catchTags({
        NotOrgAdmin: withoutRows,
        RevisionBroken: withoutRows,
        TemplateNotFound: withoutRows,
        TemplateNotPublic: withoutRows,
        TemplateIsInstalled: withoutRows,
        SelfInstall: withoutRows
      })
    )
    const watchers = yield* listWatchers(credential, agentId)
    const before = query.get("before")
    const history = yield* viewHistory(
      credential,
      agentId,
      Effect.succeed({
        limit: 10,
        rows: "changed" as const,
        ...(before !== null && /^\d{1,18}$/.test(before) ? { before } : {})
      })
    )
    const phones = yield* listIdentities(credential).pipe(Effect.catchTag("NoPersonalOrg", () => Effect.succeed([])))
    const { hasBotPhone } = yield* offers.statusIn(organizationId, template.templateAgentId)
    const link = rememberedLink(request)
    // Once another phone has said yes, the code is used.
    const isUsed = Option.exists(link, ({ known }) => phones.filter(saidYes).length > known)
    const answer = yield* answerPage(
      <AgentPage
        visitor={visitor}
        notice={noticeOf(query)}
        agent={agent}
        path={path}
        view={Option.getOrUndefined(view)}
        watchers={watchers}
        history={history}
        phones={phones}
        hasBotPhone={hasBotPhone && template.available}
        link={isUsed ? undefined : Option.getOrUndefined(link)?.link}
      />,
      { compress: Option.isNone(link) || isUsed }
    )
    return isUsed ? forgetLink(answer, path) : answer
  })

/** Makes a code to send from a phone, and shows it on the agent's page. */
const chat = (visit: Visit) =>
  Effect.gen(function* () {
    const { agent, path } = yield* agentAt(visit)
    const phones = yield* listIdentities(visit.credential)
    const { link } = yield* makeInstallCode({
      credential: visit.credential,
      body: Effect.succeed({ templateAgentId: agent.template.templateAgentId })
    })
    const there = seeOther(`${path}#chat`)
    return link === undefined ? there : rememberLink(there, path, { link, known: phones.filter(saidYes).length })
  })

/** An agent's own page. */
export const agentPages = [
  page("/:organization/agents/:id", show),
  form("/:organization/agents/:id/chat", chat),
  form("/:organization/agents/:id/mode", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      const mode = visit.form.get("mode") === "reference" ? "reference" : "copy"
      const body = Effect.succeed({ mode } as const)
      yield* changeMode({ credential: visit.credential, agentId: agent.agentId, body })
      return seeOther(withNotice(path, mode === "copy" ? "copied" : "referenced"))
    })
  ),
  form("/:organization/agents/:id/updates", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      const updates = visit.form.get("updates") === "manual" ? "manual" : "automatic"
      const body = Effect.succeed({ updates } as const)
      yield* chooseUpdates({ credential: visit.credential, agentId: agent.agentId, body })
      return seeOther(withNotice(path, `updates-${updates}`))
    })
  ),
  form("/:organization/agents/:id/watchers/:slug", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      const change = visit.form.get("do") === "resume" ? "resume" : "pause"
      yield* setWatcher(change, { credential: visit.credential, agentId: agent.agentId, slug: visit.part("slug") })
      return seeOther(withNotice(path, change === "pause" ? "paused" : "resumed"))
    })
  )
]
