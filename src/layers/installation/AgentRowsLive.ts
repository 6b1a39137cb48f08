import { SqlClient, SqlSchema } from "@effect/sql"
import { DateTime, Effect, Layer, Option, Schema } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { InvalidRequest, RowNotFound } from "../../domain/Errors.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { type AgentRow, changeProblems, changesNothing, fieldsOf } from "../../domain/installation/Row.ts"
import { isCleanText } from "../../domain/Text.ts"
import { AgentRows, type RowRequest } from "../../services/installation/AgentRows.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults, retryTransient } from "../postgres/Database.ts"
import { customizeStatement, findRowStatement, lockRowStatement, removeRowStatement } from "./AgentRowStatements.ts"
import { makeDueTimes } from "./DueTimes.ts"
import { lockStatement } from "./RequestStatements.ts"
import { makeRequireAdmin } from "./RequireAdmin.ts"
import { holdStatement } from "./WriteStatement.ts"

const Content = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** What is asked of the rows of one kind. */
const makeQueries = (sql: SqlClient.SqlClient, kind: KindDescription, kinds: ReadonlyArray<KindDescription>) => {
  const [findText, customizeText] = [findRowStatement(kind, kinds), customizeStatement(kind)]
  const [lockText, removeText] = [lockRowStatement(kind), removeRowStatement(kind)]
  return {
    kind,
    find: SqlSchema.findOne({
      Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId, slug: Schema.String }),
      Result: Schema.Struct({
        id: Schema.Int,
        referred: Schema.Boolean,
        customized: Schema.Boolean,
        content: Schema.Struct({ name: Schema.String, description: Schema.String }, Content)
      }),
      execute: ({ organizationId, slug, templateAgentId }) =>
        sql.unsafe(findText, [organizationId, templateAgentId, slug])
    }),
    lock: SqlSchema.void({ Request: Schema.Int, execute: (id) => sql.unsafe(lockText, [id]) }),
    customize: SqlSchema.void({
      Request: Schema.Struct({
        id: Schema.Int,
        changes: Schema.parseJson(Content),
        due: Schema.NullOr(Schema.DateFromSelf)
      }),
      execute: ({ changes, due, id }) => sql.unsafe(customizeText, [id, changes, due])
    }),
    remove: SqlSchema.void({ Request: Schema.Int, execute: (id) => sql.unsafe(removeText, [id]) })
  }
}

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const dueTimes = makeDueTimes()
    const queries = new Map<string, ReturnType<typeof makeQueries>>(
      kinds.map((kind) => [kind.kind, makeQueries(sql, kind, kinds)])
    )
    const holdText = holdStatement(kinds)

    const takeTurn = SqlSchema.void({
      Request: OrganizationId,
      execute: (organizationId) => sql.unsafe(lockStatement, [organizationId])
    })
    const hold = SqlSchema.void({
      Request: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.Int) })),
      execute: (ids) => sql.unsafe(holdText, [ids])
    })
    const requireAdmin = makeRequireAdmin(sql)

    const find = Effect.fnUntraced(function* ({ agent, kind, slug }: RowRequest) {
      const { organizationId, template } = agent
      const asked = queries.get(kind)
      if (asked === undefined || !isCleanText(slug)) return yield* new RowNotFound({ kind, slug })
      const row = yield* asked.find({ organizationId, templateAgentId: template.templateAgentId, slug })
      if (Option.isNone(row)) return yield* new RowNotFound({ kind, slug })
      return { ...row.value, asked }
    })

    const view = Effect.fnUntraced(function* (request: RowRequest) {
      const { asked, content, customized } = yield* find(request)
      const { description, name, ...rest } = content
      const known = fieldsOf(asked.kind)
      return {
        kind: asked.kind.kind,
        slug: request.slug,
        customized,
        name,
        description,
        content: Object.fromEntries(known.map((field) => [field, rest[field] ?? null]))
      } satisfies AgentRow
    })

    /** The row, to be written: nobody else writes it until the transaction ends, and it has a row of its own. */
    const findToWrite = Effect.fnUntraced(function* (request: RowRequest) {
      const { organizationId } = request.agent
      yield* takeTurn(organizationId)
      yield* requireAdmin({ organizationId, userId: request.userId })
      const found = yield* find(request)
      const { asked, id, referred } = found
      return {
        ...found,
        take: referred ? hold({ [asked.kind.kind]: [id] }) : asked.lock(id)
      }
    })

    return AgentRows.of({
      view: traced("AgentRows.view")((request) => view(request).pipe(dieOfFaults)),
      customize: traced("AgentRows.customize")((request, changes) =>
        Effect.gen(function* () {
          const { asked, content, id, take } = yield* findToWrite(request)
          const issues = changeProblems(asked.kind, changes)
          if (issues.length > 0) return yield* new InvalidRequest({ issues })
          const { content: fields = {}, ...rest } = changes
          const wanted = { ...fields, ...rest }
          if (changesNothing(content, wanted)) return yield* view(request)
          yield* take
          const cron = fields.schedule
          const due =
            cron === undefined || cron === content.schedule
              ? null
              : Option.getOrNull(dueTimes(cron, yield* DateTime.nowAsDate))
          yield* asked.customize({ id, changes: wanted, due })
          return yield* view(request)
        }).pipe(sql.withTransaction, retryTransient(), dieOfFaults)
      ),
      remove: traced("AgentRows.remove")((request) =>
        Effect.gen(function* () {
          const { asked, id, take } = yield* findToWrite(request)
          yield* take
          yield* asked.remove(id)
        }).pipe(sql.withTransaction, retryTransient(), dieOfFaults)
      )
    })
  })

/** The rows of agents in Postgres. */
export const AgentRowsLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(AgentRows, make(kinds))
