import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
// By module: the package's index loads servers and clients of other transports.
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import { RunnerAddress } from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "@effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import { Data, Effect, Layer, Option, Schedule } from "effect"
import type { KindDescription } from "../../domain/catalog/Kind.ts"
import { RolloutWork } from "../../services/rollout/RolloutWork.ts"
import { TemplateMirrorLive } from "../installation/TemplateMirrorLive.ts"
import { ConnectionLive, type DatabaseOptions, PgPool } from "../postgres/Database.ts"
import { RolloutWorkLive } from "./RolloutsLive.ts"
import { RolloutWorkflow, RolloutWorkflowLive } from "./RolloutWorkflow.ts"

/**
 * A runner of the cluster that all processes on one database make. They talk through its tables alone and listen nowhere; so the
 * address is but a name that no two processes have. A process that ends without a word is forgotten, and its part taken over, after
 * `shardLockExpiration`.
 */
const ConfigLive = Layer.unwrapEffect(
  Effect.map(PgPool, ({ isPooled }) =>
    ShardingConfig.layer({
      runnerAddress: Option.some(RunnerAddress.make({ host: `${hostname()}-${randomUUID()}`, port: process.pid })),
      shardsPerGroup: 20,
      shardLockRefreshInterval: "4 seconds",
      shardLockExpiration: "15 seconds",
      shardLockDisableAdvisory: isPooled,
      entityMessagePollInterval: "1 second",
      entityTerminationTimeout: "5 seconds",
      simulateRemoteSerialization: false
    })
  )
)

const EngineLive = ClusterWorkflowEngine.layer.pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provideMerge(Runners.layerNoop),
  Layer.provideMerge(SqlMessageStorage.layer),
  Layer.provide([SqlRunnerStorage.layer, RunnerHealth.layerNoop]),
  Layer.provide(ConfigLive)
)

/** Nobody has done anything for a roll-out that runs: whatever holds it, this runner begins anew. */
class RolloutStuck extends Data.TaggedError("RolloutStuck")<{ readonly rolloutId: string }> {}

/** Hands each attempt of each roll-out that runs to the engine, once: handed over again, by anybody, it is the same one. */
const handOver = Effect.gen(function* () {
  const work = yield* RolloutWork
  const handed = new Set<string>()
  return yield* Effect.gen(function* () {
    for (const { attempt, isStuck, rolloutId } of yield* work.running) {
      const name = `${rolloutId} ${attempt}`
      if (isStuck) {
        yield* work.retry({ rolloutId, attempt })
        return yield* new RolloutStuck({ rolloutId })
      }
      if (handed.has(name)) continue
      yield* RolloutWorkflow.execute({ rolloutId, attempt }, { discard: true })
      handed.add(name)
    }
  }).pipe(Effect.repeat(Schedule.spaced("1 second")))
})

/**
 * Carries roll-outs on for as long as the scope is open, in the background and on connections of its own, so that nobody's request
 * waits for one of them. Where the database goes away, or the engine gets stuck, it begins anew.
 */
export const RolloutRunnerLive = (
  options: Omit<DatabaseOptions, "maxConnections"> & { readonly kinds?: ReadonlyArray<KindDescription> | undefined }
) => {
  const WorkLive = RolloutWorkLive.pipe(Layer.provide(TemplateMirrorLive(options.kinds)))
  const RunnerLive = RolloutWorkflowLive.pipe(
    Layer.provideMerge(EngineLive),
    Layer.provideMerge(WorkLive),
    Layer.provide(ConnectionLive({ ...options, maxConnections: 4 }))
  )
  return Layer.scopedDiscard(
    handOver.pipe(
      Effect.provide(RunnerLive),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("The runner of roll-outs begins anew", cause).pipe(Effect.delay("2 seconds"))
      ),
      Effect.forever,
      Effect.forkScoped
    )
  )
}
