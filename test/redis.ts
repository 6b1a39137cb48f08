import { type ChildProcess, spawn } from "node:child_process"
import { connect } from "node:net"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { freePort, ownFolder } from "./machine.ts"

/** The address of a Redis. */
export class Redis extends Context.Tag("test/Redis")<Redis, string>() {}

const answers = (port: number) =>
  Effect.async<void, Error>((resume) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (error) => resume(Effect.fail(error)))
  })

const end = (server: ChildProcess) =>
  Effect.async<void>((resume) => {
    if (server.exitCode !== null || server.signalCode !== null) return resume(Effect.void)
    server.once("exit", () => resume(Effect.void))
    server.kill()
  })

/** A server of Redis with nothing in it, for as long as it is wanted. */
export const RedisLive = Layer.scoped(
  Redis,
  Effect.gen(function* () {
    const port = yield* freePort
    const folder = yield* ownFolder
    const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn("redis-server", options, { stdio: "ignore" })),
      end
    )
    yield* Effect.retry(answers(port), Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(200)))
    return `redis://127.0.0.1:${port}`
  }).pipe(Effect.withClock(Clock.make()), Effect.orDie)
)
