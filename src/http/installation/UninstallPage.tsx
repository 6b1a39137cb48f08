import { Effect } from "effect"
import type { VNode } from "preact"
import { type InstalledAgent, UninstallQuery } from "../../domain/installation/Agent.ts"
import type { UninstallPlan } from "../../domain/installation/Plan.ts"
import { planUninstall, uninstallAgent } from "../../services/installation/UninstallAgent.ts"
import { decode } from "../Body.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { withNotice } from "../pages/Notice.ts"
import { form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { agentAt } from "./AgentAt.ts"
import { count, keepReasonWords, kindWords } from "./Words.ts"

interface UninstallPageProps {
  readonly visitor: Visitor | undefined
  readonly agent: InstalledAgent
  readonly path: `/${string}`
  readonly plan: UninstallPlan
  readonly problems: ReadonlyArray<FormProblem>
}

interface ListProps {
  readonly rows: ReadonlyArray<
    Pick<UninstallPlan["kept"][number], "kind" | "name" | "slug"> & Partial<UninstallPlan["kept"][number]>
  >
}

const List = ({ rows }: ListProps): VNode => (
  <ul>
    {rows.map(({ because, kind, name }) => (
      <li>
        <span dir="auto">{name}</span> <span class="quiet">({kindWords(kind).heading.toLowerCase()})</span>
        {because !== undefined && `: ${keepReasonWords(because)}`}
      </li>
    ))}
  </ul>
)

/** What an uninstall would remove and what it would keep, and the button that does it. */
export const UninstallPage = ({ agent, path, plan, problems, visitor }: UninstallPageProps): VNode => {
  const { kept, passedOn, planHash, removed } = plan
  return (
    <Layout title={`Uninstall ${agent.name}`} visitor={visitor} problems={problems}>
      <p>
        <a href={path}>
          Back to <bdi>{agent.name}</bdi>
        </a>
      </p>
      <h1>
        Uninstall <bdi>{agent.name}</bdi>
      </h1>
      <p>Nothing has happened yet. This is what would:</p>
      <section>
        <h2>Goes</h2>
        <p>The agent itself, and {count(removed.length, "part")} it brought that you neither changed nor use.</p>
        {removed.length > 0 && (
          <details>
            <summary>See all {removed.length}</summary>
            <List rows={removed} />
          </details>
        )}
      </section>
      <section>
        <h2>Stays with you</h2>
        {kept.length === 0 ? (
          <p>None of its parts: you changed none, and none is in use. What you made yourself is not touched.</p>
        ) : (
          <>
            <p>{count(kept.length, "part")}, and everything you made yourself.</p>
            <List rows={kept} />
          </>
        )}
        {passedOn.length > 0 && (
          <>
            <p>Stays with another agent of the same publisher: {count(passedOn.length, "part")}.</p>
            <List rows={passedOn} />
          </>
        )}
      </section>
      <p>
        To undo it, install the agent again: what stayed is used again, with your changes. What was removed comes back
        as the publisher has it.
      </p>
      <form method="post" action={`${path}/uninstall#problem`}>
        <input type="hidden" name="expectedPlan" value={planHash} />
        <button type="submit" class="grave">
          Uninstall from {agent.organizationSlug}
        </button>
      </form>
      <p>
        <a href={path}>Keep it</a>
      </p>
    </Layout>
  )
}

const draw = (visit: Visit, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { agent, path } = yield* agentAt(visit)
    const plan = yield* planUninstall({ credential: visit.credential, agentId: agent.agentId })
    return yield* answerPage(
      <UninstallPage visitor={visit.visitor} agent={agent} path={path} plan={plan} problems={problems} />,
      { status: problems.length > 0 ? 409 : 200 }
    )
  })

/** Uninstalling an agent as the page showed it. */
export const uninstallPages = [
  page("/:organization/agents/:id/uninstall", (visit) => draw(visit)),
  form("/:organization/agents/:id/uninstall", (visit) =>
    Effect.gen(function* () {
      const { agent } = yield* agentAt(visit)
      yield* uninstallAgent({
        credential: visit.credential,
        agentId: agent.agentId,
        body: decode(UninstallQuery)({ expectedPlan: visit.form.get("expectedPlan") ?? "" })
      })
      return seeOther(withNotice("/agents", "uninstalled"))
    }).pipe(
      Effect.catchTag("PlanStale", () =>
        draw(visit, [
          {
            message:
              "Nothing was removed: something has changed since you were shown this page. This is the current state."
          }
        ])
      )
    )
  )
]
