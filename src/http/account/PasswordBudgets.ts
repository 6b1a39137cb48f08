import { createHash } from "node:crypto"
import { Effect, Predicate } from "effect"
import { ownPasswordKey } from "../../domain/admission/Budget.ts"
import type { UserId } from "../../domain/Ids.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { RateLimiter, type RateLimitPolicy } from "../../services/admission/RateLimiter.ts"
import { limiterKey } from "../admission/Caller.ts"

/*
 * How often a password may be guessed, in addition to the budget of each client address. Only wrong guesses count: a
 * try is taken before the password is checked, so that many at once can't all pass, and given back if the password was
 * right or a fault came first.
 *
 * Whoever signs in has proved nothing yet. If there were only one budget for each account, anybody could spend it and
 * so lock its person out with a few requests. So the small budget ("password") counts tries on the account from one
 * network, which nobody else can spend. The large one ("account") counts tries on the account from everywhere. It
 * bounds guessing from many networks at once, at 100 an hour, as many as NIST SP 800-63B, 5.2.2 allows in a row.
 * Whoever has ten networks can keep it spent, so it does not apply to a network in which the account has a session now:
 * the person is not locked out there, and a stranger can't know where that is. A try is taken from it all the same, so
 * that as long as some are left, the answers don't reveal where somebody has sessions.
 *
 * Whoever tests the password of a session either is the person or has stolen the session: there is one small budget
 * from everywhere. A person who can't change the password because a thief spends the budget ends the thief's session
 * (revoke-other-sessions needs no password) and waits.
 */

const taken = (policy: RateLimitPolicy, key: string) =>
  Effect.flatMap(RateLimiter, (limiter) =>
    Effect.as(limiter.take(policy, key), { giveBack: limiter.giveBack(policy, key) })
  )

/** The codes of better-auth for a wrong password, or for one of an account that does not exist. */
const wrongCodes = new Set<unknown>(["INVALID_PASSWORD", "INVALID_EMAIL_OR_PASSWORD"])

const isWrong = (response: Response): Effect.Effect<boolean> =>
  response.status === 401
    ? Effect.succeed(true)
    : response.status < 400
      ? Effect.succeed(false)
      : Effect.promise(() => response.clone().json()).pipe(
          Effect.map((body) => Predicate.hasProperty(body, "code") && wrongCodes.has(body.code)),
          Effect.catchAllDefect(() => Effect.succeed(false))
        )

/** Gives a try back unless the password was wrong: it was right, something else was refused, or there was a fault. */
const counting = <E, R>(ask: Effect.Effect<Response, E, R>, giveBack: Effect.Effect<void>) =>
  ask.pipe(
    Effect.tap((response) => Effect.flatMap(isWrong(response), (wrong) => (wrong ? Effect.void : giveBack))),
    Effect.tapDefect(() => Effect.catchAllCause(giveBack, () => Effect.void))
  )

// better-auth looks accounts up in lower case. A digest, since what somebody typed must not be kept and may be long.
const accountKey = (email: string) => createHash("sha256").update(email.toLowerCase()).digest("base64url")

/** Spends the mail budget of an address, with or without an account, so that the answer does not show which. */
export const spendMailBudget = (email: string) =>
  Effect.flatMap(RateLimiter, (limiter) => limiter.take("mail", accountKey(email)))

/** Guards a call that tests the password of the account with this e-mail address, if there is one. */
export const guardAccountPassword = <E, R>(email: string, address: string, ask: Effect.Effect<Response, E, R>) =>
  Effect.gen(function* () {
    const routes = yield* AuthRoutes
    const network = limiterKey(address)
    const account = accountKey(email)
    const near = yield* taken("password", `${account} ${network}`)
    const all = yield* taken("account", account).pipe(
      Effect.catchTag("RateLimitExceeded", (refusal) =>
        Effect.flatMap(routes.addressesOf(email), (known) =>
          known.some((one) => limiterKey(one) === network)
            ? Effect.succeed({ giveBack: Effect.void })
            : Effect.zipRight(near.giveBack, refusal)
        )
      )
    )
    return yield* counting(ask, Effect.zipRight(near.giveBack, all.giveBack))
  })

/** Guards a call that tests the password of the person who is signed in. */
export const guardOwnPassword = <E, R>(userId: UserId, ask: Effect.Effect<Response, E, R>) =>
  Effect.gen(function* () {
    const own = yield* taken("password", ownPasswordKey(userId))
    return yield* counting(ask, own.giveBack)
  })
