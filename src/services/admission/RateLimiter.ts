import { Context, type Duration, type Effect } from "effect"
import type { RateLimitExceeded } from "../../domain/Errors.ts"

/** At most `limit` tries in any `window`. */
export interface RateLimit {
  readonly limit: number
  readonly window: Duration.Duration
}

/**
 * The budgets there are: installs, other requests about them, and reads (of a user), sign-ups and whatever tests a password (from an
 * address), wrong passwords (of an account from one network or of a user, and of an account from everywhere), codes and
 * answers (of a sender on a chat platform), mails (to an e-mail address).
 */
export type RateLimitPolicy = "install" | "change" | "read" | "auth" | "password" | "account" | "sender" | "mail"

/** The budget of every policy. */
export type RateLimits = Readonly<Record<RateLimitPolicy, RateLimit>>

/** What is left of a budget after a try: `resetAfter` is when its oldest try leaves the window. */
export interface RateLimitStatus extends RateLimit {
  readonly policy: RateLimitPolicy
  readonly remaining: number
  readonly resetAfter: Duration.Duration
}

/** May this key try again now, under this policy? */
export class RateLimiter extends Context.Tag("agent-install/RateLimiter")<
  RateLimiter,
  {
    /**
     * Spends one try of the key's budget. Exact under parallel calls and across processes: in no window do more than
     * `limit` tries pass, but that a database server which crashes may forget those of its last half second. Reads, whose
     * budget protects a process, are counted in each. A refused try spends nothing.
     */
    readonly take: (policy: RateLimitPolicy, key: string) => Effect.Effect<RateLimitStatus, RateLimitExceeded>
    /** Gives the newest try back, for one that was taken and turned out not to count. */
    readonly giveBack: (policy: RateLimitPolicy, key: string) => Effect.Effect<void>
  }
>() {}
