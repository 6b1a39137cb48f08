import { Effect } from "effect"
import type { VNode } from "preact"
import { type InstalledAgent, ResyncRequest } from "../../domain/installation/Agent.ts"
import { latestRevision, type PlannedRow, type WantedRevision, type Wish } from "../../domain/installation/Plan.ts"
import { resyncAgent } from "../../services/installation/ResyncAgent.ts"
import { type RowsView, viewRows } from "../../services/installation/ViewRows.ts"
import { decode } from "../Body.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { type Notice, withNotice } from "../pages/Notice.ts"
import { form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { agentAt } from "./AgentAt.ts"
import { Collisions, rowsChosen, rowValue } from "./Collisions.tsx"
import { NotesList } from "./NotesList.tsx"
import { differenceOf, Row } from "./Rows.tsx"
import { count } from "./Words.ts"

interface UpdatePageProps {
  readonly visitor: Visitor | undefined
  readonly agent: InstalledAgent
  readonly path: `/${string}`
  /** The revision in the address; empty for the one that an update goes to. */
  readonly wanted: string
  readonly view: RowsView
  readonly typed: URLSearchParams
  readonly problems: ReadonlyArray<FormProblem>
}

const chosenFor = (typed: URLSearchParams, wish: Wish, row: PlannedRow) => typed.getAll(wish).includes(rowValue(row))

interface PartProps extends UpdatePageProps {
  readonly heading: string
  readonly lead: string
  readonly rows: ReadonlyArray<PlannedRow>
  /** The wish that the person may choose for each row. */
  readonly wish?: { readonly name: Wish; readonly label: string }
}

const Part = ({ heading, lead, rows, typed, view, wish }: PartProps): VNode | null =>
  rows.length === 0 ? null : (
    <section>
      <h2>
        {heading} ({rows.length})
      </h2>
      <p class="quiet">{lead}</p>
      <ul class="rows">
        {rows.map((row) => (
          <Row row={row} difference={differenceOf(view.differences, row)}>
            {wish !== undefined && (
              <label class="choice">
                <input
                  type="checkbox"
                  name={wish.name}
                  value={rowValue(row)}
                  checked={chosenFor(typed, wish.name, row)}
                  aria-label={`${wish.label}: ${row.name ?? row.slug}`}
                />
                <span>{wish.label}</span>
              </label>
            )}
          </Row>
        ))}
      </ul>
    </section>
  )

/** The title and button for the revision it goes to. */
const goalOf = ({ agent, view, wanted }: UpdatePageProps): { readonly title: string; readonly button: string } => {
  const to = view.plan.revision
  if (wanted === "newest" && agent.pinned) {
    return { title: "Follow the publisher again", button: `Update ${agent.name} to revision ${to} and follow` }
  }
  if (wanted !== "" && wanted !== "newest") {
    return {
      title: to < agent.revision ? `Go back to revision ${to}` : `Go to revision ${to}`,
      button: `Take ${agent.name} to revision ${to}`
    }
  }
  return to === agent.revision
    ? { title: "Your changes, row by row", button: `Do this in ${agent.organizationSlug}` }
    : { title: `Update to revision ${to}`, button: `Update ${agent.name} to revision ${to}` }
}

/** What an update would do, row by row, with the person's choices. */
export const UpdatePage = (props: UpdatePageProps): VNode => {
  const { agent, path, problems, typed, view, visitor, wanted } = props
  const { planHash, rows } = view.plan
  const of = (verdict: PlannedRow["verdict"]) => rows.filter((row) => row.verdict === verdict)
  const { button, title } = goalOf(props)
  const withdrawn = of("retire")
  const collisions = of("collision")
  const changing = rows.filter(({ verdict }) => verdict === "create" || verdict === "update" || verdict === "retire")
  const isNothing =
    changing.length + collisions.length + of("customized").length + of("deleted_by_owner").length === 0 &&
    view.plan.revision === agent.revision &&
    wanted === ""
  return (
    <Layout title={`${title}: ${agent.name}`} visitor={visitor} problems={problems}>
      <p>
        <a href={path}>
          Back to <bdi>{agent.name}</bdi>
        </a>
      </p>
      <h1>{title}</h1>
      <p>
        {isNothing
          ? "There is nothing to do: everything is as the publisher’s revision has it, and you changed nothing."
          : `Nothing has happened yet. This is all that would: ${count(changing.length, "part")} would change, ${count(of("customized").length, "change")} of yours would be kept.`}
      </p>
      <NotesList notes={view.plan.notes} />
      {wanted !== "" && wanted !== "newest" && (
        <p>
          It then stays at revision {view.plan.revision}. To undo this, follow the publisher again on the agent’s page.
        </p>
      )}
      {!isNothing && (
        <form
          method="post"
          action={`${path}/update${wanted === "" ? "" : `?revision=${encodeURIComponent(wanted)}`}#problem`}
        >
          <input type="hidden" name="expectedPlan" value={planHash} />
          {collisions.length > 0 && <Collisions rows={collisions} chosen={typed.getAll("adopt")} />}
          <Part {...props} heading="New" lead="These would be added." rows={of("create")} />
          <Part
            {...props}
            heading="Changed by the publisher"
            lead="You have not touched these. They would get the publisher’s version."
            rows={of("update")}
          />
          <Part
            {...props}
            heading="Withdrawn by the publisher"
            lead="What is yours or in use stays, but hidden; the rest is removed. The history lists all of it."
            rows={withdrawn}
          />
          <Part
            {...props}
            heading="Your changes"
            lead="Your changes are kept, unless you say otherwise here."
            rows={of("customized")}
            wish={{ name: "revert", label: "Give up my changes and take the publisher’s version" }}
          />
          <Part
            {...props}
            heading="What you deleted"
            lead="It stays deleted, unless you say otherwise here."
            rows={of("deleted_by_owner")}
            wish={{ name: "restore", label: "Bring it back" }}
          />
          <button type="submit">{button}</button>
          <span class="why">
            Exactly this is done, or nothing: if something changes in the meantime, you are asked again. What each row
            said before stays in the history.
          </span>
        </form>
      )}
    </Layout>
  )
}

/** The revision that an address names; undefined if it names none. */
const wantedOf = (text: string): WantedRevision | undefined =>
  text === "newest" ? text : /^[1-9]\d{0,9}$/.test(text) && Number(text) <= latestRevision ? Number(text) : undefined

const nothing = new URLSearchParams()

const draw = (visit: Visit, typed: URLSearchParams, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { agent, path } = yield* agentAt(visit)
    const wanted = visit.query.get("revision") ?? ""
    const view = yield* viewRows(visit.credential, agent.agentId, wantedOf(wanted))
    return yield* answerPage(
      <UpdatePage
        visitor={visit.visitor}
        agent={agent}
        path={path}
        wanted={wantedOf(wanted) === undefined ? "" : wanted}
        view={view}
        typed={typed}
        problems={problems}
      />,
      { status: problems.length > 0 ? 409 : 200 }
    )
  })

const doneFor = (revision: WantedRevision | undefined): Notice =>
  revision === undefined ? "updated" : revision === "newest" ? "following" : "rolled-back"

/** Bringing an agent to a revision, as the page showed it. */
export const updatePages = [
  page("/:organization/agents/:id/update", (visit) => draw(visit, nothing)),
  form("/:organization/agents/:id/update", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      const revision = wantedOf(visit.query.get("revision") ?? "")
      const wishes = (["adopt", "revert", "restore"] as const).flatMap((wish) => {
        const rows = rowsChosen(visit.form, wish)
        return rows.length === 0 ? [] : [[wish, rows] as const]
      })
      yield* resyncAgent({
        credential: visit.credential,
        agentId: agent.agentId,
        body: decode(ResyncRequest)({
          ...(revision === undefined ? {} : { revision }),
          // Whoever agrees to a plan agrees to that one only.
          expectedPlan: visit.form.get("expectedPlan") ?? "",
          ...Object.fromEntries(wishes)
        })
      })
      return seeOther(withNotice(path, doneFor(revision)))
    }).pipe(
      Effect.catchTags({
        SchemaCollision: ({ collisions }) =>
          draw(visit, visit.form, [
            {
              field: "collisions",
              message: `Nothing was changed: ${count(collisions.length, "name is", "names are")} taken. Decide for each what is to become of it.`
            }
          ]),
        PlanStale: () =>
          draw(visit, visit.form, [
            {
              message:
                "Nothing was changed: something has changed since you were shown this page. This is the current state; look again."
            }
          ]),
        NoSuchRow: () =>
          draw(visit, visit.form, [
            { message: "Nothing was changed: what you chose for a row is no longer possible. Look again." }
          ])
      })
    )
  )
]
