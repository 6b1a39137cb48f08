import { RateLimitExceeded, RateLimiter, type RateLimits } from "agent-install/admission"
import { Duration, Effect, Layer } from "effect"
import { createClient } from "redis"

/* Budgets in Redis in place of Postgres: sliding logs, a sorted set a key, judged by one script, so by one clock and in one go. */

const spend = `
  local time = redis.call("TIME")
  local now = time[1] * 1000000 + time[2]
  local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
  redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", string.format("%.0f", now - window))
  local allowed = redis.call("ZCARD", KEYS[1]) < limit
  if allowed then
    redis.call("ZADD", KEYS[1], string.format("%.0f", now), redis.call("INCR", KEYS[1] .. ":made"))
    for _, key in ipairs({ KEYS[1], KEYS[1] .. ":made" }) do redis.call("PEXPIRE", key, ARGV[2]) end
  end
  local used = redis.call("ZCARD", KEYS[1])
  local oldest = redis.call("ZRANGE", KEYS[1], 0, 0, "WITHSCORES")
  return { allowed and 1 or 0, used, math.ceil((oldest[2] + window - now) / 1000) }`

/** A connection that is closed with the scope. */
export const connect = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => createClient({ url }).connect()),
    (client) => Effect.sync(() => client.destroy())
  )

/** What a budget is kept under. */
export const keyOf = (policy: string, key: string) => `budget:${policy}:${key}`

/** A try that was refused spends nothing; a fault of Redis is a fault of the request. */
export const RateLimiterRedis = (url: string, limits: RateLimits) =>
  Layer.scoped(
    RateLimiter,
    Effect.map(connect(url), (client) =>
      RateLimiter.of({
        take: (policy, key) =>
          Effect.gen(function* () {
            const { limit, window } = limits[policy]
            const asked = { keys: [keyOf(policy, key)], arguments: [String(limit), String(Duration.toMillis(window))] }
            const answer = yield* Effect.promise(() => client.eval(spend, asked))
            const [allowed, used, wait] = answer as [number, number, number]
            const after = Duration.millis(Math.max(1, wait))
            if (allowed === 0) return yield* new RateLimitExceeded({ policy, limit, window, retryAfter: after })
            return { policy, limit, window, remaining: limit - used, resetAfter: after }
          }),
        giveBack: (policy, key) => Effect.promise(() => client.zPopMax(keyOf(policy, key)))
      })
    )
  )
