import { Clock, Data, Deferred, Effect, Redacted } from "effect"
import { type ClusterPaths, dropStaleLocks, findOrMake, inspect, postmasterPid, toolsFor } from "./embedded/Cluster.ts"
import { EmbeddedPostgresError } from "./embedded/EmbeddedPostgresError.ts"
import { type Server, start } from "./embedded/Server.ts"
import { ensureDatabase, monitor, probe, urlOf } from "./embedded/Socket.ts"

export { EmbeddedPostgresError } from "./embedded/EmbeddedPostgresError.ts"

/** Not an error yet: another process's server is starting or stopping, or another starter was faster. */
class NotYet extends Data.TaggedError("NotYet")<{ readonly reason: string }> {}

const startTimeout = 60_000
const recoveryTimeout = 5 * 60_000

/**
 * Serves `agent_install` from a cluster in `dataDir`, on a Unix socket whose address stays the same while the scope is
 * open: this process starts the server, or attaches to the server that another process started and starts one when that
 * ends. A server stops with the scope of the process that started it.
 */
export const open = Effect.fn("EmbeddedPostgres.open")(function* (options: {
  readonly dataDir: string
  readonly settings?: Readonly<Record<string, string>>
}) {
  const place = yield* findOrMake(options)
  const ready = yield* Deferred.make<void, EmbeddedPostgresError>()
  yield* Effect.forkScoped(supervise(place, ready))
  yield* Deferred.await(ready)
  return { url: Redacted.make(urlOf(place.socketDir)) }
})

/**
 * Serves until interrupted. Only a failure before the first success is final; later ones are logged and retried.
 * Closing the scope interrupts this fiber and waits for it, so that nothing is started during a shutdown.
 */
const supervise = (place: ClusterPaths, ready: Deferred.Deferred<void, EmbeddedPostgresError>) =>
  Effect.gen(function* () {
    let everServed = false
    let serving = false
    let earlyEnds = 0
    let since = yield* Clock.currentTimeMillis

    const onReady = Effect.gen(function* () {
      if (everServed) yield* Effect.logInfo("Postgres serves again")
      everServed = true
      serving = true
      since = yield* Clock.currentTimeMillis
      yield* Deferred.succeed(ready, undefined)
    })

    while (true) {
      const outcome = yield* Effect.either(serve(place, onReady))
      const now = yield* Clock.currentTimeMillis

      if (serving) {
        serving = false
        earlyEnds = now - since < 10_000 ? earlyEnds + 1 : 0
        since = now
        yield* Effect.logWarning("Postgres has gone; starting it again").pipe(
          Effect.annotateLogs({ how: outcome._tag === "Right" ? outcome.right : outcome.left.reason })
        )
        yield* Effect.sleep(Math.min(50 * 2 ** earlyEnds, 5000))
        continue
      }
      const failure = outcome._tag === "Left" ? outcome.left : new NotYet({ reason: outcome.right })
      if (failure._tag === "NotYet" && now - since < startTimeout) {
        yield* Effect.sleep("50 millis")
        continue
      }
      const final = failure._tag === "NotYet" ? didNotStart(place, failure.reason) : failure
      if (!everServed) return yield* Deferred.fail(ready, final)
      yield* Effect.logError(final.message)
      yield* Effect.sleep("5 seconds")
      since = yield* Clock.currentTimeMillis
    }
  }).pipe(Effect.tapErrorCause((cause) => Deferred.failCause(ready, cause)))

/** One attempt to serve, by another process's server or our own; succeeds when that server ends, with how it ended. */
const serve = (
  place: ClusterPaths,
  onReady: Effect.Effect<void>
): Effect.Effect<string, NotYet | EmbeddedPostgresError> =>
  Effect.gen(function* () {
    const answer = yield* probe(place.socketDir)
    switch (answer) {
      case "up": {
        const gone = yield* Effect.mapError(monitor(place.socketDir), notYet)
        yield* Effect.mapError(ensureDatabase(place.socketDir), notYet)
        yield* onReady
        yield* gone
        return "the server of another process closed its connections"
      }
      case "down": {
        const server = yield* startOwn(place)
        yield* Effect.mapError(ensureDatabase(place.socketDir), notYet)
        yield* onReady
        return (yield* server.exited).how
      }
      case "busy":
        return yield* new NotYet({ reason: "it is starting or stopping" })
      case "denied":
        return yield* new EmbeddedPostgresError({ reason: `${place.socketDir} belongs to another user` })
    }
  }).pipe(Effect.scoped)

const startOwn = Effect.fnUntraced(function* (place: ClusterPaths) {
  const owner = yield* inspect(place.cluster)
  if (owner === undefined) return yield* new EmbeddedPostgresError({ reason: `${place.cluster} is gone` })
  const tools = yield* toolsFor(place.dataDir, owner)
  yield* dropStaleLocks(place)
  const server = yield* start(place, tools)
  yield* untilServing(place, server)
  return server
})

/** Another starter's server may answer first, so the lock file has to name ours. */
const untilServing = Effect.fnUntraced(function* (place: ClusterPaths, server: Server) {
  const until = (yield* Clock.currentTimeMillis) + recoveryTimeout
  while ((yield* Clock.currentTimeMillis) < until) {
    const end = server.ended()
    if (end !== undefined) {
      if (end.killed) return yield* new NotYet({ reason: end.how })
      const reason = (yield* server.complaint) ?? end.how
      // This server lost the race, or a backend outlives its killed postmaster: both are transient.
      if (/lock file|shared memory block/.test(reason)) return yield* new NotYet({ reason })
      return yield* didNotStart(place, reason)
    }
    const holder = yield* postmasterPid(place.cluster)
    if (holder === server.pid && (yield* probe(place.socketDir)) === "up") return
    yield* Effect.sleep("20 millis")
  }
  return yield* didNotStart(place, "it never answered")
})

const notYet = (error: { readonly message: string }) => new NotYet({ reason: error.message })

const didNotStart = (place: ClusterPaths, reason: string) =>
  new EmbeddedPostgresError({ reason: `Postgres did not start: ${reason} (see ${place.log})` })
