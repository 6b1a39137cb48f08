import { BlockList } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { HttpServer } from "@effect/platform"
import { Context, Duration, Effect, Layer, Logger, LogLevel, Option, Redacted } from "effect"
import { NodeServerLive } from "../src/http/NodeServer.ts"
import { HttpLive } from "../src/http/Server.ts"
import { ServerConfig } from "../src/http/ServerConfig.ts"
import { AppLive } from "../src/layers/AppLive.ts"
import type { PgPool } from "../src/layers/postgres/Database.ts"
import { secret } from "./database.ts"
import type { LoadJob, LoadResult } from "./load.ts"

/** A budget nobody uses up. */
export const generous = { limit: 1_000_000, window: Duration.hours(1) }
const limits = {
  install: generous,
  change: generous,
  read: generous,
  auth: generous,
  password: generous,
  account: generous,
  sender: generous,
  mail: generous
}

export const gatewayToken = "the-token-of-the-gateway-of-the-benchmarks"

/** What the gateway shows. */
export const gateway = `Bearer ${gatewayToken}`

const ownOrigins = ["http://127.0.0.1:3000"]

/** The live services. */
export const Services = AppLive({
  limits,
  defaultCountry: "GB",
  baseUrl: "http://127.0.0.1:3000",
  ownOrigins,
  secret: Redacted.make(secret),
  gatewayToken: Option.some(Redacted.make(gatewayToken))
})

type Served = Layer.Layer<Layer.Layer.Success<typeof Services>, never, PgPool | Layer.Layer.Context<typeof Services>>

/** Serves over HTTP with those services, and with more routes beside the service's own, until the scope closes; answers with the port. */
export const portOf = <A, R>(services: Served, routes: Layer.Layer<A, never, R>) =>
  HttpLive.pipe(
    Layer.provide(routes),
    Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" })),
    Layer.provide(services),
    Layer.provide(Layer.succeed(ServerConfig, { ownOrigins, trustedProxies: new BlockList() })),
    Layer.provide(Logger.minimumLogLevel(LogLevel.Warning)),
    Layer.build,
    Effect.map((context) => {
      const { address } = Context.get(context, HttpServer.HttpServer)
      return address._tag === "TcpAddress" ? address.port : 0
    })
  )

const loadThread = join(fileURLToPath(new URL(".", import.meta.url)), "load.js")

/** Sends requests from a thread of its own. */
export const load = (workerData: LoadJob) =>
  Effect.async<LoadResult>((resume) => {
    const worker = new Worker(loadThread, { workerData })
    worker.once("message", (result: LoadResult) => resume(Effect.succeed(result)))
    worker.once("error", (error) => resume(Effect.die(error)))
  })

/** Sends requests from a thread of its own: how many a second. */
export const post = (job: LoadJob) => Effect.map(load(job), ({ perSecond }) => perSecond)
