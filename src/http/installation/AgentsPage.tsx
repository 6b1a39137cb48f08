import { Effect, Option, Schema } from "effect"
import type { VNode } from "preact"
import type { OwnIdentity } from "../../domain/identity/Identity.ts"
import type { AgentList, AgentOverview } from "../../domain/installation/Agent.ts"
import { AgentCursor, agentPath } from "../../domain/installation/Agent.ts"
import { listIdentities } from "../../services/identity/OwnIdentities.ts"
import { listAgents } from "../../services/installation/ViewAgents.ts"
import { PhoneFields } from "../identity/PhoneFields.tsx"
import { Phone } from "../identity/Phones.tsx"
import { answerPage } from "../pages/AnswerPage.ts"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { noticeOf } from "../pages/Notice.ts"
import { page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { count } from "./Words.ts"

interface AgentsPageProps {
  readonly visitor: Visitor | undefined
  readonly notice?: string | undefined
  readonly list: AgentList
  readonly phones: ReadonlyArray<OwnIdentity>
  readonly typed: URLSearchParams
  readonly problems?: ReadonlyArray<FormProblem>
}

const sum = (
  { counts }: AgentOverview,
  ...verdicts: ReadonlyArray<keyof AgentOverview["counts"]["watchers"]>
): number =>
  Object.values(counts).reduce(
    (total, ofKind) => total + verdicts.reduce((all, verdict) => all + ofKind[verdict], 0),
    0
  )

const stateOf = (agent: AgentOverview): string => {
  const news = sum(agent, "create", "update", "retire", "collision")
  const own = sum(agent, "customized", "deleted_by_owner")
  return [
    !agent.template.available
      ? "Its publisher no longer offers it; it keeps working."
      : agent.pinned
        ? `Stays at revision ${agent.revision}.`
        : news === 0
          ? "Up to date."
          : `An update is available: it would change ${count(news, "part")}.`,
    ...(own === 0 ? [] : [`${count(own, "change")} of yours kept.`])
  ].join(" ")
}

/** The person's agents and phones. */
export const AgentsPage = ({ list, notice, phones, problems = [], typed, visitor }: AgentsPageProps): VNode => (
  <Layout title="My agents" path="/agents" visitor={visitor} notice={notice} problems={problems}>
    <h1>My agents</h1>
    {list.agents.length === 0 ? (
      <p>
        You have none yet. <a href="/">See what you can install</a>
      </p>
    ) : (
      <ul class="cards">
        {list.agents.map((agent) => (
          <li>
            <h2 dir="auto">
              <a href={agentPath(agent.organizationSlug, agent.agentId)}>{agent.name}</a>
            </h2>
            <p>{stateOf(agent)}</p>
            <p class="quiet">
              In {agent.organizationSlug}, published by <bdi>{agent.template.publisher}</bdi>.
            </p>
          </li>
        ))}
      </ul>
    )}
    {list.next !== null && (
      <nav class="pages" aria-label="Pages">
        <a href={`/agents?before=${encodeURIComponent(list.next)}`}>Older agents</a>
      </nav>
    )}
    <section
      id="phones"
      {...(phones.some(({ state }) => state === "claimed") ? { "data-watch": "/api/identities" } : {})}
    >
      <h2>My phones</h2>
      <p class="quiet">Messages from a linked phone reach your agents as yours. Nobody else is shown its number.</p>
      {phones.length > 0 && (
        <ul class="cards">
          {phones.map((identity) => (
            <li>
              <Phone identity={identity} back="/agents" />
            </li>
          ))}
        </ul>
      )}
      <details open={problems.length > 0 || phones.length === 0}>
        <summary>Add a phone</summary>
        <form method="post" action="/agents/phones#problem">
          <PhoneFields
            name="phone"
            label="WhatsApp number"
            why="We ask once, on that phone, whether to link it to your account; it is linked only after a yes. It replaces a number that you added before and that has not been confirmed."
            typed={typed}
            required
            problems={problems}
          />
          <button type="submit">Add this phone to my account</button>
        </form>
      </details>
    </section>
  </Layout>
)

const nothing = new URLSearchParams()

/** Draws the page again, with what was typed and what is wrong with it. */
export const drawAgents = (visit: Visit, typed = nothing, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { credential, query, visitor } = visit
    const before = Schema.decodeOption(AgentCursor)(query.get("before") ?? "")
    const list = yield* listAgents(
      credential,
      Effect.succeed({ limit: 20, ...(Option.isSome(before) ? { before: before.value } : {}) })
    )
    const phones = yield* listIdentities(credential).pipe(Effect.catchTag("NoPersonalOrg", () => Effect.succeed([])))
    return yield* answerPage(
      <AgentsPage
        visitor={visitor}
        notice={noticeOf(query)}
        list={list}
        phones={phones}
        typed={typed}
        problems={problems}
      />,
      { status: problems.length > 0 ? 422 : 200 }
    )
  })

/** A person's agents. */
export const agentsPages = [page("/agents", (visit) => drawAgents(visit))]
