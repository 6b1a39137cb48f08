import { BlockList } from "node:net"
import { HttpServer } from "@effect/platform"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, HashMap, Layer, Logger, LogLevel } from "effect"
import { NodeServerLive } from "../../src/http/NodeServer.ts"
import { HttpLive } from "../../src/http/Server.ts"
import { ServerConfig } from "../../src/http/ServerConfig.ts"
import { AppLive } from "../../src/layers/AppLive.ts"
import { PgTest } from "../pg.ts"
import { appOptions } from "../worlds.ts"
import { asking } from "./server.ts"

/** A server that logs from that level on, and the annotations of its lines. */
const serverOf = (level: LogLevel.LogLevel) => {
  const lines: Array<Readonly<Record<string, unknown>>> = []
  const Listening = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ annotations, message }) => {
      if (String(message) === "Answered") lines.push(Object.fromEntries(HashMap.entries(annotations)))
    })
  )
  const Server = HttpLive.pipe(
    Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" })),
    Layer.provide(AppLive(appOptions).pipe(Layer.provide(PgTest), Layer.orDie)),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins: [], trustedProxies: new BlockList() })),
    Layer.provide([Listening, Logger.minimumLogLevel(level)])
  )
  return { Server, lines }
}

/** Asks for paths, and answers with what is logged of each, in words. */
const logged = (lines: ReadonlyArray<Readonly<Record<string, unknown>>>, paths: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const ask = asking(address._tag === "TcpAddress" ? address.port : 0)
    const answers = yield* Effect.forEach(paths, (path) => ask(path))
    const found = answers.map(({ headers }) => lines.find(({ requestId }) => requestId === headers["x-request-id"]))
    for (const line of found) if (line !== undefined) assert.isNumber(line.milliseconds)
    return found.map(
      (line) => line && [line["http.request.method"], line["http.route"], line["http.response.status_code"]].join(" ")
    )
  })

const paths = ["/health/live", "/api/agents", "/nowhere"]

describe("the line of an answer", () => {
  const usual = serverOf(LogLevel.Info)
  layer(usual.Server, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("says method, route and status, but not of a health check that went well", () =>
      Effect.gen(function* () {
        const said = yield* logged(usual.lines, paths)
        assert.deepStrictEqual(said, [undefined, "GET /api/agents 401", "GET none 404"])
      })
    )
  })

  const chatty = serverOf(LogLevel.Debug)
  layer(chatty.Server, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("says it of that too where lines of that level are written", () =>
      Effect.gen(function* () {
        const said = yield* logged(chatty.lines, paths)
        assert.deepStrictEqual(said, ["GET /health/live 200", "GET /api/agents 401", "GET none 404"])
      })
    )
  })

  const terse = serverOf(LogLevel.Error)
  layer(terse.Server, { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("is left out where only errors are written", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* logged(terse.lines, paths), [undefined, undefined, undefined])
      })
    )
  })
})
