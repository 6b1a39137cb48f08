import { Effect, Either } from "effect"
import type { VNode } from "preact"
import { kindDescriptions } from "../../domain/catalog/Kind.ts"
import { InvalidRequest, type Issue } from "../../domain/Errors.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import { type AgentRow, RowChanges } from "../../domain/installation/Row.ts"
import { customizeRow, deleteRow, viewRow } from "../../services/installation/ManageRows.ts"
import { decode } from "../Body.ts"
import { answerPage, seeOther } from "../pages/AnswerPage.ts"
import { Action, Area, Field } from "../pages/Form.tsx"
import { Layout, type Visitor } from "../pages/Layout.tsx"
import { withNotice } from "../pages/Notice.ts"
import { form, page, type Visit } from "../pages/PageRoutes.tsx"
import type { FormProblem } from "../pages/ReadForm.ts"
import { agentAt } from "./AgentAt.ts"
import { fieldWords, kindWords } from "./Words.ts"

/** The address of the page of a row, under that of its agent. */
export const rowPath = (agentPath: `/${string}`, kind: string, slug: string): `/${string}` =>
  `${agentPath}/rows/${encodeURIComponent(kind)}/${encodeURIComponent(slug)}`

const columnTypes: Readonly<Record<string, string>> = Object.assign(
  {},
  ...kindDescriptions.map(({ columns, versions }) => ({ ...columns, ...versions?.columns }))
)

/** Fields that may say nothing: what is left empty is so. */
const mayBeNothing = new Set(["icon", "color", "reactions_guidance", "min_similarity", "fallback_value"])
const hasLines = new Set(["description", "prompt", "reactions_guidance"])

/** What can be changed in a row, by field, in the order of the page. */
const valuesOf = ({ content, description, name }: AgentRow): ReadonlyArray<readonly [field: string, value: unknown]> =>
  Object.entries({ name, description, ...content }).filter(
    ([field]) => field === "name" || field === "description" || field in columnTypes
  )

/** A value as it stands in a field of the form. */
const textOf = (field: string, value: unknown): string =>
  columnTypes[field] === "jsonb" ? JSON.stringify(value, null, 2) : value === null ? "" : String(value)

// Browsers send every line break as two characters.
const plain = (text: string) => text.replaceAll("\r\n", "\n")

const labelOf = (field: string) => fieldWords(field).replace(/^./u, (first) => first.toUpperCase())

const typedText = (typed: URLSearchParams, field: string) =>
  columnTypes[field] === "boolean" ? String(typed.has(field)) : plain(typed.get(field) ?? "")

/** What a text of the form says, or why it says nothing. */
const read = (field: string, text: string): Either.Either<unknown, Issue> => {
  const wrong = (message: string) => Either.left({ path: `content.${field}`, message })
  if (text === "" && mayBeNothing.has(field)) return Either.right(null)
  if (columnTypes[field] === "boolean") return Either.right(text === "true")
  if (columnTypes[field] === "double precision") {
    return text.trim() === "" || Number.isNaN(Number(text)) ? wrong("expected a number") : Either.right(Number(text))
  }
  return columnTypes[field] === "jsonb"
    ? Either.mapLeft(
        Either.try(() => JSON.parse(text)),
        () => ({ path: `content.${field}`, message: "expected JSON" })
      )
    : Either.right(text)
}

/** What is to be other than the row has it. */
const changesOf = (row: AgentRow, typed: URLSearchParams): Effect.Effect<RowChanges, InvalidRequest> =>
  Effect.gen(function* () {
    const changed = valuesOf(row).flatMap(([field, value]) => {
      const text = typedText(typed, field)
      return text === plain(textOf(field, value)) ? [] : [[field, read(field, text)] as const]
    })
    const issues = changed.flatMap(([, said]) => (Either.isLeft(said) ? [said.left] : []))
    if (issues.length > 0) return yield* new InvalidRequest({ issues })
    const { description, name, ...content } = Object.fromEntries(
      changed.map(([field, said]) => [field, Either.getOrNull(said)])
    )
    return yield* decode(RowChanges)({
      ...(name !== undefined && { name }),
      ...(description !== undefined && { description }),
      content
    })
  })

interface RowPageProps {
  readonly visitor: Visitor | undefined
  readonly agent: InstalledAgent
  readonly path: `/${string}`
  readonly row: AgentRow
  /** What was typed before; undefined where nothing was. */
  readonly typed: URLSearchParams | undefined
  readonly problems: ReadonlyArray<FormProblem>
}

/** A row that an agent brought, to be changed or deleted. */
export const RowPage = ({ agent, path, problems, row, typed, visitor }: RowPageProps): VNode => {
  const here = rowPath(path, row.kind, row.slug)
  return (
    <Layout title={`Change ${row.name}: ${agent.name}`} visitor={visitor} problems={problems}>
      <p>
        <a href={path}>
          Back to <bdi>{agent.name}</bdi>
        </a>
      </p>
      <h1>
        Change <bdi>{row.name}</bdi>
      </h1>
      <p>
        {row.customized
          ? "You changed this before. Updates leave it as you have it, until you give up your changes."
          : "This is as published. Once you change it, updates leave it as you have it, until you give up your changes."}
      </p>
      <p class="quiet">{kindWords(row.kind).what}</p>
      <form method="post" action={`${here}#problem`}>
        {valuesOf(row).map(([field, value]) => {
          const text = typed === undefined ? textOf(field, value) : typedText(typed, field)
          const isJson = columnTypes[field] === "jsonb"
          if (columnTypes[field] === "boolean") {
            return (
              <label class="choice">
                <input type="checkbox" id={field} name={field} value="true" checked={text === "true"} />
                <span>{labelOf(field)}</span>
              </label>
            )
          }
          return isJson || hasLines.has(field) ? (
            <Area
              name={field}
              label={labelOf(field)}
              value={text}
              problems={problems}
              {...(isJson ? { why: "As JSON." } : {})}
            />
          ) : (
            <Field name={field} label={labelOf(field)} value={text} problems={problems} />
          )
        })}
        <button type="submit">Change it</button>
        <span class="why">To undo it, give up your changes on the page of the agent, row by row.</span>
      </form>
      <section>
        <h2>Delete</h2>
        <p>It stays deleted through updates. What refers to it stays as it is. You can bring it back, row by row.</p>
        <Action action={`${here}/delete`} label={`Delete ${row.name}`} class="grave" />
      </section>
    </Layout>
  )
}

const callOf = ({ credential, part }: Visit, { agentId }: InstalledAgent) => ({
  credential,
  agentId,
  kind: part("kind"),
  slug: part("slug")
})

const draw = (visit: Visit, typed?: URLSearchParams, problems: ReadonlyArray<FormProblem> = []) =>
  Effect.gen(function* () {
    const { agent, path } = yield* agentAt(visit)
    const row = yield* viewRow(callOf(visit, agent))
    return yield* answerPage(
      <RowPage visitor={visit.visitor} agent={agent} path={path} row={row} typed={typed} problems={problems} />,
      { status: problems.length > 0 ? 422 : 200 }
    )
  })

const problemOf = ({ message, path }: Issue): FormProblem => {
  const [first = "", second, ...rest] = path.split(".")
  const field = first === "content" ? (second ?? first) : first
  const place = rest.length === 0 ? "" : ` (${rest.join(".")})`
  return { field, message: `${fieldWords(field)}${place}: ${message}` }
}

/** Changing and deleting a row. */
export const rowPages = [
  page("/:organization/agents/:id/rows/:kind/:slug", (visit) => draw(visit)),
  form("/:organization/agents/:id/rows/:kind/:slug", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      const call = callOf(visit, agent)
      const body = Effect.flatMap(viewRow(call), (row) => changesOf(row, visit.form))
      yield* customizeRow({ ...call, body })
      return seeOther(withNotice(path, "row-changed"))
    }).pipe(Effect.catchTag("InvalidRequest", ({ issues }) => draw(visit, visit.form, issues.map(problemOf))))
  ),
  form("/:organization/agents/:id/rows/:kind/:slug/delete", (visit) =>
    Effect.gen(function* () {
      const { agent, path } = yield* agentAt(visit)
      yield* deleteRow(callOf(visit, agent))
      return seeOther(withNotice(path, "row-deleted"))
    })
  )
]
