import { BlockList } from "node:net"
import { HttpApp, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { RateLimitExceeded } from "../../src/domain/Errors.ts"
import { withAnswerFields } from "../../src/http/AnswerFields.ts"
import { NotedLimiter } from "../../src/http/admission/RateLimitFields.ts"
import { ServerConfig } from "../../src/http/ServerConfig.ts"
import { RateLimiter } from "../../src/services/admission/RateLimiter.ts"

const config = { ownOrigins: ["https://agents.example.org"], trustedProxies: new BlockList() }

const requestId = "5f2f1a52-6f7e-4a58-9a5b-2f0a4b1f2c3d"

const window = Duration.minutes(1)

/** A limiter that allows the key `allowed` alone. */
const limiter = RateLimiter.of({
  take: (policy, key) =>
    key === "allowed"
      ? Effect.succeed({ policy, limit: 2, window, remaining: 1, resetAfter: window })
      : new RateLimitExceeded({ policy, limit: 2, window, retryAfter: window }),
  giveBack: () => Effect.void
})

const Needed = NotedLimiter.pipe(
  Layer.provide(Layer.succeed(RateLimiter, limiter)),
  Layer.merge(Layer.succeed(ServerConfig, config))
)

type App = HttpApp.Default<unknown, ServerConfig | RateLimiter>

/** The answer of an app to one request, whose log lines say that id. */
const answerOf = (app: App, id: unknown = requestId) =>
  Effect.promise(() =>
    HttpApp.toWebHandler(withAnswerFields(app).pipe(Effect.annotateLogs({ requestId: id }), Effect.provide(Needed)))(
      new Request("http://service/api/agents")
    )
  )

const ok = HttpServerResponse.empty({ status: 200 })
const take = (...[policy, key]: Parameters<typeof limiter.take>) =>
  Effect.flatMap(RateLimiter, (noted) => noted.take(policy, key))

describe("the header fields of an answer", () => {
  for (const [name, app, status] of [
    ["that is given", ok, 200],
    ["to a request that is cut off", Effect.interrupt, 503],
    ["that fails", Effect.fail("no"), 500]
  ] as const) {
    it.effect(`are in one ${name}`, () =>
      Effect.gen(function* () {
        const answer = yield* answerOf(app)
        assert.strictEqual(answer.status, status)
        const { "strict-transport-security": https, ...fields } = Object.fromEntries(answer.headers)
        assert.include(https, "max-age=")
        assert.include(fields, {
          "cache-control": "no-store",
          "referrer-policy": "same-origin",
          "x-content-type-options": "nosniff",
          "x-request-id": requestId
        })
        assert.isString(fields["agent-install-version"])
        assert.isUndefined(fields.ratelimit)
      })
    )
  }

  it.effect("tell what the request spent, whether it was allowed, refused or given back, and no other", () =>
    Effect.gen(function* () {
      const apps = [
        Effect.zipRight(take("read", "allowed"), ok),
        Effect.zipRight(Effect.ignore(take("install", "spent")), ok),
        Effect.zipRight(Effect.zip(take("read", "allowed"), take("change", "allowed")), ok),
        Effect.gen(function* () {
          yield* take("change", "allowed")
          yield* (yield* RateLimiter).giveBack("change", "allowed")
          return yield* ok
        }),
        ok
      ]
      const answers = yield* Effect.forEach(apps, answerOf, { concurrency: "unbounded" })
      assert.deepStrictEqual(
        answers.map(({ headers }) => headers.get("ratelimit")),
        ['"read";r=1;t=60', '"install";r=0;t=60', '"read";r=1;t=60, "change";r=1;t=60', null, null]
      )
      assert.strictEqual(answers[2]?.headers.get("ratelimit-policy"), '"read";q=2;w=60, "change";q=2;w=60')
    })
  )

  it.effect("tell of one answer alone, where a server around it has a request answered twice", () =>
    Effect.gen(function* () {
      const twice = Effect.zipRight(withAnswerFields(Effect.zipRight(take("read", "allowed"), ok)), ok)
      assert.isNull((yield* answerOf(Effect.zipRight(twice, withAnswerFields(ok)))).headers.get("ratelimit"))
    })
  )

  it.effect("say no other id than a UUID, whatever a log calls so", () =>
    Effect.gen(function* () {
      for (const id of ["req 42\u0000", { secret: "tenant 7" }, 7]) {
        assert.strictEqual(
          (yield* answerOf(ok, id)).headers.get("x-request-id"),
          "00000000-0000-0000-0000-000000000000"
        )
      }
    })
  )
})
