import { createHmac } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { BlockList } from "node:net"
import { fileURLToPath } from "node:url"
import { HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { TemplateCatalog } from "agent-install/catalog"
import { HttpLive, NodeServerLive, openApi, ServerConfig } from "agent-install/http"
import { TemplateMirror, Watchers } from "agent-install/installation"
import { TemplateCatalogLive } from "agent-install/layers"
import { AppMemory, entity, failing, person, rowOf, signedInAs, template } from "agent-install/testing"
import { Duration, Effect, Exit, Fiber, Layer, Logger, Redacted, TestClock } from "effect"
import { Approvals, installApproved } from "../../examples/approval-step.ts"
import { installAdopting } from "../../examples/client.ts"
import { JwtServiceLive } from "../../examples/jwt-auth.ts"
import { LargerServerLive } from "../../examples/larger-server.ts"
import { OwnServiceLive } from "../../examples/serve-own.ts"
import { PgTest } from "../pg.ts"
import { appOptions } from "../worlds.ts"

const folder = fileURLToPath(new URL("../../examples/", import.meta.url))

const ada = person("Ada")
const seed = { people: [ada], templates: [template("helper", [entity("invoice"), entity("receipt")])] }

const answerOf = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = /json/.test(response.headers.get("content-type") ?? "")
  const { headers, status } = response
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined }
}

const config = Layer.succeed(ServerConfig, { ownOrigins: [], trustedProxies: new BlockList() })
const node = Layer.provideMerge(NodeServerLive({ port: 0, host: "127.0.0.1" }), Logger.remove(Logger.defaultLogger))
const base = Effect.map(HttpServer.HttpServer, ({ address }) =>
  address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : ""
)

const ask = (path: string, init?: RequestInit) =>
  Effect.flatMap(base, (url) => Effect.promise(() => answerOf(`${url}${path}`, init)))

const installing = (token?: string) => ({
  method: "POST",
  headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  body: JSON.stringify({ slug: "helper" })
})

describe("the examples", () => {
  it("are short", () => {
    for (const name of readdirSync(folder)) {
      assert.isBelow(readFileSync(`${folder}${name}`, "utf8").split("\n").length, 61, name)
    }
  })
})

describe("an install with an approval step", () => {
  const ask = (agrees: boolean) => {
    const asked: Array<string> = []
    const approvals = Layer.succeed(Approvals, {
      agreesTo: ({ plan }) => {
        asked.push(plan.rows.map(({ slug, verdict }) => `${verdict} ${slug}`).join(", "))
        return Effect.succeed(agrees)
      }
    })
    const program = installApproved({ credential: signedInAs(ada), body: Effect.succeed({ slug: "helper" }) })
    return { asked, program: Effect.provide(program, approvals) }
  }
  const world = AppMemory(seed)

  it.effect("installs what was agreed to", () =>
    Effect.gen(function* () {
      const { asked, program } = ask(true)
      assert.isTrue((yield* program).created)
      assert.deepStrictEqual(asked, ["create invoice, create receipt"])
    }).pipe(Effect.provide(world))
  )

  it.effect("installs nothing where that was not", () =>
    Effect.gen(function* () {
      const refusal = yield* Effect.flip(ask(false).program)
      assert.strictEqual(refusal._tag, "NotApproved")
      assert.isTrue((yield* ask(true).program).created)
    }).pipe(Effect.provide(world))
  )
})

describe("a world whose services go wrong as a script says", () => {
  const program = installApproved({ credential: signedInAs(ada), body: Effect.succeed({ slug: "helper" }) }).pipe(
    Effect.provide(Layer.succeed(Approvals, { agreesTo: () => Effect.succeed(true) }))
  )

  it.effect("dies at that call and after that time, and not before", () =>
    Effect.gen(function* () {
      yield* program
      const fiber = yield* Effect.fork(program)
      yield* TestClock.adjust("59 seconds")
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.die("gone"))
      yield* program
    }).pipe(
      Effect.provide(
        AppMemory(seed).pipe(failing(TemplateMirror, { plan: { dies: "gone", at: 2, after: "1 minute" } }))
      )
    )
  )

  it.effect("names a method that the service does not have", () =>
    Effect.gen(function* () {
      const script: object = { nothing: { dies: "gone" } }
      const exit = yield* Effect.exit(Layer.build(AppMemory(seed).pipe(failing(Watchers, script))).pipe(Effect.scoped))
      assert.isTrue(Exit.isFailure(exit))
    })
  )
})

describe("the service over a world in memory, for the typed client", () => {
  const own = { ...seed, rows: [rowOf(ada, entity("invoice", { name: "My invoice" }))] }
  const server = (world: Layer.Layer<Layer.Layer.Success<ReturnType<typeof AppMemory>>, unknown>) =>
    Layer.orDie(Layer.provideMerge(Layer.provide(HttpLive, Layer.merge(world, config)), node))

  it.live("adopts what is in the way, once the server said so", () =>
    Effect.gen(function* () {
      const answer = yield* installAdopting(yield* base, ada.session, "helper")
      assert.deepStrictEqual([answer.created, answer.mirrored.entity_types], [true, 2])
    }).pipe(Effect.provide(server(AppMemory(own))))
  )

  it.live("is refused by a limiter of one's own behind the product's routes", () =>
    Effect.gen(function* () {
      const url = yield* base
      yield* installAdopting(url, ada.session, "helper")
      assert.strictEqual((yield* Effect.flip(installAdopting(url, ada.session, "helper")))._tag, "RateLimitExceeded")
    }).pipe(Effect.provide(Layer.provideMerge(OwnServiceLive, node)))
  )

  it.live("gets a refusal back as the error it was", () =>
    Effect.gen(function* () {
      const url = yield* base
      const unknown = yield* Effect.flip(installAdopting(url, ada.session, "nothing"))
      assert.deepStrictEqual(
        [unknown._tag, unknown.message],
        ["UnknownTemplateSlug", 'No template is published as "nothing".']
      )
      const stranger = yield* Effect.flip(installAdopting(url, "nobody's", "helper"))
      assert.strictEqual(stranger._tag, "Unauthenticated")
      const limited = yield* Effect.flip(installAdopting(url, ada.session, "helper"))
      assert.strictEqual(limited._tag, "RateLimitExceeded")
      assert.isTrue("retryAfterSeconds" in limited && limited.retryAfterSeconds > 0)
    }).pipe(Effect.provide(server(AppMemory({ ...own, limits: { install: { limit: 1, window: Duration.hours(1) } } }))))
  )
})

describe("the API in a larger server", () => {
  const server = Layer.orDie(
    Layer.provideMerge(Layer.provide(LargerServerLive, Layer.merge(AppMemory(seed), config)), node)
  )
  it.live("answers under its prefix, and the larger server elsewhere", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* ask("/")).text, "The larger server")
      const installed = yield* ask("/agents/api/install", installing(ada.session))
      assert.deepStrictEqual([installed.status, installed.body.created], [200, true])
      assert.match(String(installed.headers.get("ratelimit")), /^"install";r=/)
      const refused = yield* ask("/agents/api/install", installing())
      assert.deepStrictEqual([refused.status, refused.body.error], [401, "unauthenticated"])
      assert.strictEqual((yield* ask("/agents/openapi.json")).body.openapi, openApi.openapi)
      assert.strictEqual((yield* ask("/api/install", installing(ada.session))).status, 404)
      assert.strictEqual((yield* ask("/agents/api/install")).status, 405)
      assert.strictEqual((yield* ask("/agents/nowhere")).body.error, "not_found")
      assert.strictEqual((yield* ask("/agents/api/auth/sign-in/email", { method: "POST", body: "{}" })).status, 404)
    }).pipe(Effect.provide(server))
  )
})

describe("another auth behind the product's routes", () => {
  const key = Redacted.make("the key of somebody else's accounts")
  const tokenOf = (claims: object, secret = Redacted.value(key)) => {
    const signed = [{ alg: "HS256" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".")
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
  }
  const grace = { sub: "grace-1", name: "Grace Hopper", email: "grace@example.org", exp: 4_000_000_000 }
  const publishing = Layer.effectDiscard(
    Effect.flatMap(TemplateCatalog, (catalog) => catalog.publish(template("helper", [entity("invoice")])))
  ).pipe(Layer.provide(TemplateCatalogLive()))
  const server = Layer.orDie(
    Layer.merge(JwtServiceLive(appOptions, key), publishing).pipe(
      Layer.provideMerge(node),
      Layer.provide(config),
      Layer.provide(PgTest)
    )
  )
  it.live("takes its tokens, gives their people an organization, and has no sign-in of its own", () =>
    Effect.gen(function* () {
      for (const created of [true, false]) {
        const installed = yield* ask("/api/install", installing(tokenOf(grace)))
        assert.deepStrictEqual([installed.status, installed.body.created], [200, created], installed.text)
        assert.strictEqual(installed.body.organizationSlug, "grace-hopper")
      }
      for (const token of [
        "nonsense",
        tokenOf(grace, "another key"),
        tokenOf({ ...grace, exp: 1 }),
        tokenOf({ sub: "x" })
      ]) {
        assert.strictEqual((yield* ask("/api/install", installing(token))).body.error, "unauthenticated")
      }
      assert.strictEqual((yield* ask("/api/auth/sign-in/email", { method: "POST", body: "{}" })).status, 404)
    }).pipe(Effect.provide(server))
  )
})
