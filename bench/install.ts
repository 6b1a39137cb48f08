import { BlockList } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Duration, Effect, Layer, Logger, LogLevel, Option, Redacted } from "effect"
import { AgentId, Slug, UserId } from "../src/domain/Ids.ts"
import { byKind } from "../src/domain/Kind.ts"
import { makeNodeServer } from "../src/http/NodeServer.ts"
import { HttpLive } from "../src/http/Server.ts"
import { ServerConfig } from "../src/http/ServerConfig.ts"
import { ServicesLive } from "../src/layers/AppLive.ts"
import { AuthenticationLive } from "../src/layers/BetterAuthLive.ts"
import { PgPool } from "../src/layers/Database.ts"
import { GatewayLive } from "../src/layers/GatewayLive.ts"
import { InstallCodesLive } from "../src/layers/InstallCodesLive.ts"
import { Auth } from "../src/services/Auth.ts"
import { install } from "../src/services/Install.ts"
import { OrgResolver } from "../src/services/OrgResolver.ts"
import { RateLimiter } from "../src/services/RateLimiter.ts"
import { TemplateMirror } from "../src/services/TemplateMirror.ts"
import { newPeople, type Somebody, secret } from "./database.ts"
import { copyByHand } from "./reference.ts"
import { compare, rate, wanted } from "./report.ts"

const generous = { limit: 1_000_000, window: Duration.hours(1) }
const limits = { install: generous, change: generous, auth: generous, sender: generous }

export const Services = ServicesLive({ limits, defaultCountry: "GB" })

/** The user is given: the credential is their id. */
const GivenUser = Layer.succeed(
  Auth,
  Auth.of({
    sessionCookie: "none",
    identify: ({ authorization = Redacted.make("") }) =>
      Effect.succeed({ userId: UserId.make(Redacted.value(authorization)) })
  })
)

/** Lets everybody pass: what is measured here begins after the limiter. */
const NoLimiter = Layer.succeed(
  RateLimiter,
  RateLimiter.of({
    take: (policy) => Effect.succeed({ ...generous, policy, remaining: 1, resetAfter: Duration.zero })
  })
)

/** The services with a user who is given and nobody who counts. */
export const InProcess = Layer.mergeAll(GivenUser, NoLimiter).pipe(Layer.provideMerge(Services))

const body = (slug: string) => Effect.succeed({ slug })

const installs = (people: ReadonlyArray<Somebody>, slug: string, concurrency: number) =>
  rate(people.length, concurrency, (at) =>
    install({ credential: { authorization: Redacted.make(people[at]?.userId ?? "") }, body: body(slug) })
  )

const handCopies = (people: ReadonlyArray<Somebody>, slug: string, concurrency: number) =>
  Effect.flatMap(PgPool, (pool) => {
    const copy = copyByHand(pool, slug)
    return rate(people.length, concurrency, (at) =>
      Effect.promise(async () => {
        const person = people[at]
        if (person !== undefined) await copy(person)
      })
    )
  })

/** How many fresh installs a second, so many at once: people are made beforehand. */
export const freshInstalls = (slug: string, count: number, concurrency: number) =>
  Effect.flatMap(newPeople(count), (people) => installs(people, slug, concurrency))

export const freshCopies = (slug: string, count: number, concurrency: number) =>
  Effect.flatMap(newPeople(count), (people) => handCopies(people, slug, concurrency))

/** The workflow in the process against the statement by hand, and installs that change nothing against fresh ones. */
export const benchInProcess = (slug: string) =>
  Effect.gen(function* () {
    for (const concurrency of [8, 32]) {
      yield* compare(
        { name: `install/fresh/${concurrency}`, unit: "installs/s", turns: 7, target: 0.7 },
        freshInstalls(slug, 240, concurrency),
        freshCopies(slug, 240, concurrency)
      )
    }
    const settled = yield* newPeople(240)
    if (wanted("install/again")) yield* installs(settled, slug, 8)
    yield* compare(
      { name: "install/again", unit: "installs/s", turns: 7, target: 2 },
      installs(settled, slug, 8),
      freshInstalls(slug, 240, 8)
    )
  }).pipe(Effect.provide(InProcess))

/** The three services after the limiter, as one statement by hand: the organization is known, and nobody here has a phone to link. */
const HandMadeServices = (slug: string, people: Map<string, Somebody>) =>
  Layer.mergeAll(
    Layer.succeed(
      OrgResolver,
      OrgResolver.of({
        personalOrg: () => Effect.dieMessage("The benchmark names its template by slug"),
        resolve: ({ userId }) => {
          const person = people.get(userId)
          return person === undefined
            ? Effect.dieMessage("Nobody of the benchmark")
            : Effect.succeed({
                organization: { id: person.organizationId, slug: Slug.make(person.slug) },
                templateAgentId: AgentId.make("template")
              })
        }
      })
    ),
    Layer.effect(
      TemplateMirror,
      Effect.map(PgPool, (pool) => {
        const copy = copyByHand(pool, slug)
        const unasked = () => Effect.dieMessage("The benchmark asks for installs only")
        return TemplateMirror.of({
          apply: (request) =>
            Effect.map(
              Effect.promise(() => copy(request)),
              ({ rows: [agent] }) => ({
                agentId: AgentId.make(agent?.id ?? ""),
                created: true,
                revision: 1,
                pinned: false,
                mirrored: byKind(() => 1)
              })
            ),
          resync: unasked,
          plan: unasked,
          planResync: unasked,
          uninstall: unasked,
          planUninstall: unasked,
          impact: unasked
        })
      })
    )
  )

const server = (
  services: Layer.Layer<Layer.Layer.Success<typeof Services>, never, PgPool | Layer.Layer.Context<typeof Services>>
) =>
  HttpLive.pipe(
    Layer.provideMerge(NodeHttpServer.layer(makeNodeServer, { port: 0, host: "127.0.0.1" })),
    Layer.provide(
      AuthenticationLive({
        baseUrl: "http://127.0.0.1:3000",
        ownOrigins: ["http://127.0.0.1:3000"],
        secret: Redacted.make(secret)
      })
    ),
    Layer.provide([GatewayLive(Option.none()), InstallCodesLive(Redacted.make(secret))]),
    Layer.provide(services),
    Layer.provide(
      Layer.succeed(ServerConfig, { ownOrigins: ["http://127.0.0.1:3000"], trustedProxies: new BlockList() })
    ),
    Layer.provide(Logger.minimumLogLevel(LogLevel.Warning))
  )

const loadThread = join(fileURLToPath(new URL(".", import.meta.url)), "load.js")

const overHttp = (port: number, slug: string, people: ReadonlyArray<Somebody>, concurrency: number) =>
  Effect.async<number>((resume) => {
    const workerData = {
      port,
      body: JSON.stringify({ slug }),
      concurrency,
      bearers: people.map(({ bearer }) => bearer)
    }
    const worker = new Worker(loadThread, { workerData })
    worker.once("message", (perSecond: number) => resume(Effect.succeed(perSecond)))
    worker.once("error", (error) => resume(Effect.die(error)))
  })

/** The service over HTTP, with sessions and limiter, against the same with the statement by hand in place of the services. */
export const benchHttp = (slug: string) =>
  Effect.gen(function* () {
    const known = new Map<string, Somebody>()
    const portOf = (services: Parameters<typeof server>[0]) =>
      Effect.map(Layer.build(server(services)), (context) => {
        const { address } = Context.get(context, HttpServer.HttpServer)
        return address._tag === "TcpAddress" ? address.port : 0
      })
    const ours = yield* portOf(Services)
    const reference = yield* portOf(HandMadeServices(slug, known).pipe(Layer.provideMerge(Services)))
    const asked = (port: number, count: number, concurrency: number) =>
      Effect.gen(function* () {
        const people = yield* newPeople(count)
        for (const person of people) known.set(person.userId, person)
        return yield* overHttp(port, slug, people, concurrency)
      })
    for (const concurrency of [1, 8, 32]) {
      const count = concurrency === 1 ? 120 : 240
      const name = `install/http/${concurrency}`
      yield* compare(
        { name, unit: "installs/s", turns: 7, target: 0.8 },
        asked(ours, count, concurrency),
        asked(reference, count, concurrency)
      )
      yield* compare(
        { name: `${name}/driver`, unit: "installs/s", turns: 5 },
        asked(ours, count, concurrency),
        freshCopies(slug, count, concurrency)
      )
    }
  })
