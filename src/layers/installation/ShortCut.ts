import { SqlClient, SqlSchema } from "@effect/sql"
import type { SqlError } from "@effect/sql/SqlError"
import { DateTime, Effect, Option, Schema } from "effect"
import type { ParseError } from "effect/ParseResult"
import { byKind, type KindDescription } from "../../domain/catalog/Kind.ts"
import { Mode } from "../../domain/catalog/Mode.ts"
import { AgentId, OrganizationId, UserId } from "../../domain/Ids.ts"
import { wishesOf } from "../../domain/installation/Plan.ts"
import type { Applied, ApplyRequest } from "../../services/installation/TemplateMirror.ts"
import { type BatchedOptions, batched } from "../postgres/Batched.ts"
import { isLockedOut } from "../postgres/Database.ts"
import type { makeDueTimes } from "./DueTimes.ts"
import { shortCutStatement } from "./ShortCutStatement.ts"
import { shortReferenceStatement } from "./ShortReferenceStatement.ts"
import { trustedArray } from "./TrustedArray.ts"

/** What the short cut has to know of a template first: the schedules of its rows, and how it is installed most likely. */
export interface Learnt {
  readonly schedules: ReadonlyArray<string>
  readonly mode: Mode
}

interface Person {
  readonly organizationId: OrganizationId
  readonly userId: UserId
}

/** What is known of a template, and who asks for it by reference at the same time: with the mode named, or without. */
interface Known {
  learnt: Learnt
  readonly referring: Record<"named" | "unnamed", (person: Person) => Effect.Effect<Answer, SqlError | ParseError>>
}

/** What is asked beside who asks. */
const Asked = {
  templateAgentId: AgentId,
  due: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.DateFromSelf })),
  mode: Schema.NullOr(Mode)
}

const Answer = Schema.Struct({
  agentId: Schema.NullOr(AgentId),
  created: Schema.Boolean,
  revision: Schema.NullOr(Schema.Int),
  pinned: Schema.Boolean,
  rows: Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Int }))
})
type Answer = typeof Answer.Type

/** What is left to the long way. */
const neither: Answer = { agentId: null, created: false, revision: null, pinned: false, rows: null }

/** How installs by reference are made together: 32 at most, since more are hardly cheaper, and all wait for the last. */
export const togetherOptions: BatchedOptions = { size: 32, failsAlone: true }

/**
 * The short cut of installs. Those by reference that come while one is made are made together, by the next statement and in
 * one transaction: nobody is answered before all of them are committed. An install whose caller is interrupted may still be
 * made, as any whose commit is under way.
 */
export const makeShortCut = (kinds: ReadonlyArray<KindDescription>, dueTimes: ReturnType<typeof makeDueTimes>) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const texts = { copy: shortCutStatement(kinds), reference: shortReferenceStatement(kinds) }
    const copy = SqlSchema.single({
      Request: Schema.Struct({ organizationId: OrganizationId, userId: UserId, ...Asked }),
      Result: Answer,
      execute: ({ due, mode, organizationId, templateAgentId, userId }) =>
        sql.unsafe(texts.copy, [organizationId, userId, templateAgentId, due, mode])
    })
    const refer = SqlSchema.findAll({
      Request: Schema.Struct({
        organizationIds: trustedArray<OrganizationId>(),
        userIds: trustedArray<UserId>(),
        ...Asked
      }),
      Result: Answer,
      execute: ({ due, mode, organizationIds, templateAgentId, userIds }) =>
        sql.unsafe(texts.reference, [organizationIds, userIds, templateAgentId, due, mode])
    })

    /** The next time of each of a template's schedules. */
    const dueOf = ({ schedules }: Learnt) =>
      Effect.map(DateTime.nowAsDate, (now) =>
        Object.fromEntries(
          schedules.flatMap((schedule) => Option.toArray(Option.map(dueTimes(schedule, now), (at) => [schedule, at])))
        )
      )
    const known = new Map<AgentId, Known>()
    const together = (templateAgentId: AgentId, mode: Mode | null, learnt: () => Learnt) =>
      batched(
        (people: ReadonlyArray<Person>) =>
          Effect.flatMap(dueOf(learnt()), (due) => {
            const organizationIds = people.map(({ organizationId }) => organizationId)
            const userIds = people.map(({ userId }) => userId)
            return refer({ organizationIds, userIds, templateAgentId, due, mode })
          }),
        togetherOptions
      )
    return {
      /** Learns what is to be known of a template. */
      learn: (templateAgentId: AgentId, learnt: Learnt) => {
        const before = known.get(templateAgentId)
        if (before !== undefined) {
          before.learnt = learnt
          return
        }
        const now: Known = {
          learnt,
          referring: {
            named: together(templateAgentId, "reference", () => now.learnt),
            unnamed: together(templateAgentId, null, () => now.learnt)
          }
        }
        known.set(templateAgentId, now)
      },

      /**
       * Makes a first install, or confirms one that finds everything unchanged; none if it is neither, or needs more, or if
       * somebody else is at the organization.
       */
      installOrConfirm: Effect.fnUntraced(function* (request: ApplyRequest) {
        const { mode = null, organizationId, templateAgentId, userId, ...rest } = request
        const isPlain = rest.name === undefined && rest.expectedPlan === undefined && wishesOf(rest).length === 0
        const template = known.get(templateAgentId)
        // Within a transaction a lost race would abort all of it, not only this statement.
        const inTransaction = Option.isSome(yield* Effect.serviceOption(SqlClient.TransactionConnection))
        if (!isPlain || template === undefined || inTransaction) return Option.none<Applied>()
        const { learnt, referring } = template
        const person = { organizationId, userId }
        const { agentId, created, pinned, revision, rows } =
          (mode ?? learnt.mode) === "copy"
            ? yield* copy({ ...person, templateAgentId, due: yield* dueOf(learnt), mode })
            : yield* Effect.catchIf(referring[mode === null ? "unnamed" : "named"](person), isLockedOut, () =>
                Effect.succeed(neither)
              )
        if (agentId === null || revision === null || rows === null) return Option.none<Applied>()
        const mirrored = byKind((kind) => rows[kind] ?? 0, kinds)
        const verdict = created ? ("create" as const) : ("unchanged" as const)
        const verdicts = kinds
          .map(({ kind }) => ({ kind, verdict, rows: mirrored[kind] }))
          .filter(({ rows }) => rows > 0)
        return Option.some<Applied>({ agentId, created, revision, pinned, mirrored, verdicts })
      })
    }
  })
