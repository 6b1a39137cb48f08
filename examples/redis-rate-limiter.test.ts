import { layer } from "@effect/vitest"
import { rateLimiterLaws } from "agent-install/testing"
import { Context, Duration, Effect, Layer } from "effect"
import { lacks } from "../test/programs.ts"
import { Redis, RedisLive } from "../test/redis.ts"
import { connect, keyOf, RateLimiterRedis } from "./redis-rate-limiter.ts"

/* The laws of every limiter, for one in Redis. */

const small = { limit: 3, window: Duration.minutes(1) }
const ample = { limit: 1_000, window: Duration.hours(1) }
const limits = {
  ...{ install: small, change: ample, read: ample, auth: ample },
  ...{ password: ample, account: ample, sender: ample, mail: ample }
}

/** Lets time pass in Redis, whose clock nobody else sets: all tries become older. */
class Elapse extends Context.Tag("example/Elapse")<Elapse, (time: Duration.Duration) => Effect.Effect<void>>() {}

const ElapseRedis = Layer.scoped(
  Elapse,
  Effect.gen(function* () {
    const client = yield* connect(yield* Redis)
    return (time) =>
      Effect.promise(async () => {
        const by = -Math.ceil(Duration.toMillis(time) * 1_000)
        for (const key of await client.keys(keyOf("install", "*"))) {
          if ((await client.type(key)) !== "zset") continue
          for (const member of await client.zRange(key, 0, -1)) await client.zIncrBy(key, by, member)
        }
      })
  })
)

const Limiter = Layer.unwrapEffect(Effect.map(Redis, (url) => RateLimiterRedis(url, limits)))

if (!lacks("redis-server")) {
  layer(Layer.provide(Layer.merge(Limiter, ElapseRedis), RedisLive), { timeout: "60 seconds" })(
    "RateLimiter (redis)",
    (it) => {
      const elapse = (time: Duration.Duration) => Effect.flatMap(Elapse, (pass) => pass(time))
      const laws = rateLimiterLaws({ ...small, policy: "install", otherPolicy: "auth", elapse })
      for (const { holds, name } of laws) it.effect(name, () => holds)
    }
  )
}
