import { SqlClient, SqlSchema } from "@effect/sql"
import { Array as Arr, Duration, Effect, Layer, Schedule, Schema } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { Adoption, Finding, findingsOf, foundRows } from "../../domain/installation/Adoption.ts"
import { decide } from "../../domain/installation/Decide.ts"
import { Adoptions } from "../../services/installation/Adoptions.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { retryTransient } from "../postgres/Database.ts"
import { adoptionStatement, dueStatement, keepStatement, sizeStatement } from "./AdoptionStatements.ts"
import { makeGatherFacts } from "./GatherFacts.ts"

/** How many rows are looked at together. */
const rowsAtOnce = 5_000

/** After how long an installation is looked at again by itself. */
const staleAfter = Duration.hours(6)

/** Looks at some installations of a template that were not looked at for so long; how many there were. */
const makeLook = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const gatherFacts = yield* makeGatherFacts(kinds)
    const size = SqlSchema.single({
      Request: AgentId,
      Result: Schema.Struct({ rows: Schema.Int }),
      execute: (templateAgentId) => sql.unsafe(sizeStatement, [templateAgentId])
    })
    const due = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, seconds: Schema.Number, limit: Schema.Int }),
      Result: Schema.Struct({
        agentId: AgentId,
        organizationId: OrganizationId,
        organizationSlug: Schema.String,
        revision: Schema.Int
      }),
      execute: ({ limit, seconds, templateAgentId }) => sql.unsafe(dueStatement, [templateAgentId, seconds, limit])
    })
    return (templateAgentId: AgentId, since: Duration.Duration) =>
      Effect.gen(function* () {
        const { rows } = yield* size(templateAgentId)
        const limit = Math.max(1, Math.floor(rowsAtOnce / rows))
        const found = yield* due({ templateAgentId, seconds: Duration.toSeconds(since), limit })
        if (found.length === 0) return 0
        const facts = yield* gatherFacts(
          found.map((one) => ({ ...one, templateAgentId })),
          { leavesOut: "untouched" }
        )
        const findings = Arr.zipWith(found, facts, ({ agentId }, one) =>
          findingsOf(decide(one, kinds)).map(({ finding, kind, slug, sourceId }) => ({
            agent_id: agentId,
            kind,
            source_id: sourceId,
            slug,
            finding
          }))
        ).flat()
        yield* sql.unsafe(keepStatement, [
          templateAgentId,
          found.map(({ agentId }) => agentId),
          JSON.stringify(findings)
        ])
        return found.length
      }).pipe(sql.withTransaction, retryTransient(), Effect.orDie)
  })

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const look = yield* makeLook(kinds)
    const count = SqlSchema.single({
      Request: AgentId,
      Result: Schema.Struct({
        ...Adoption.pick("installations", "pinned", "manual", "revisions", "days", "counted").fields,
        found: Schema.Array(
          Schema.Struct({ kind: Kind, slug: Schema.String, finding: Finding, installations: Schema.Int })
        ),
        countedSince: Schema.NullOr(Schema.DateTimeUtcFromDate)
      }),
      execute: (templateAgentId) => sql.unsafe(adoptionStatement, [templateAgentId])
    })
    return Adoptions.of({
      of: traced("Adoptions.of")(function* (templateAgentId) {
        yield* look(templateAgentId, Duration.zero)
        const { found, ...counted } = yield* Effect.orDie(count(templateAgentId))
        const following = counted.installations - counted.pinned - counted.manual
        return { ...counted, following, ...foundRows(found) }
      })
    })
  })

/** Adoption in Postgres: what was found is kept, so that a template of any size is answered for at once. */
export const AdoptionsLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(Adoptions, make(kinds))

/** Looks at all installations now and then, a little each minute; what another process is at is left to that one. */
export const AdoptionChecksLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const look = yield* makeLook(kinds)
      const templates = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ id: AgentId }),
        execute: () => sql`SELECT id FROM agents WHERE slug IS NOT NULL AND revision IS NOT NULL ORDER BY id`
      })
      const round = Effect.gen(function* () {
        for (const { id } of yield* templates()) {
          for (let batch = 0; batch < 20; batch++) {
            if ((yield* look(id, staleAfter)) === 0) break
          }
        }
      })
      yield* round.pipe(
        Effect.withTracerEnabled(false),
        Effect.catchAllCause((cause) =>
          Effect.logWarning("Installations were not looked at; the next minute tries again", cause)
        ),
        Effect.repeat(Schedule.spaced("1 minute")),
        Effect.delay("2 minutes"),
        Effect.forkScoped
      )
    })
  )
