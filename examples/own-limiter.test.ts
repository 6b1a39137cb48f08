import { layer } from "@effect/vitest"
import { rateLimiterLaws } from "agent-install/testing"
import { Duration, TestClock } from "effect"
import { OwnLimiter } from "./own-limiter.ts"

/* The laws of every limiter, for one of one's own. */

const small = { limit: 3, window: Duration.minutes(1) }
const ample = { limit: 1_000, window: Duration.hours(1) }
const limits = {
  ...{ install: small, change: ample, read: ample, auth: ample },
  ...{ password: ample, account: ample, sender: ample, mail: ample }
}

layer(OwnLimiter(limits))("a limiter of one's own", (it) => {
  const laws = rateLimiterLaws({ ...small, policy: "install", otherPolicy: "auth", elapse: TestClock.adjust })
  for (const { holds, name } of laws) it.effect(name, () => holds)
})
