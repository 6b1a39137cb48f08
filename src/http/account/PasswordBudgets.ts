import { createHash } from "node:crypto"
import { Effect, Predicate } from "effect"
import { ownPasswordKey } from "../../domain/admission/Budget.ts"
import type { UserId } from "../../domain/Ids.ts"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"
import { RateLimiter, type RateLimitPolicy } from "../../services/admission/RateLimiter.ts"
import { limiterKey } from "../admission/Caller.ts"

/*
 * How often a password may be guessed at, besides what an address may try at all. Only wrong ones count: a try is taken before
 * the password is looked at, so that many at once don't pass together, and given back where it was right or a fault came first.
 *
 * Whoever signs in has proved nothing yet, so a budget of the account alone could be spent by anybody, and its person locked
 * out for the price of a few requests. So the small budget ("password") is of the account from one network, which nobody else
 * can spend. The large one ("account", of the account from everywhere) bounds those who guess from many networks at once, at
 * the 100 that NIST SP 800-63B, 5.2.2 allows, an hour. Who has ten networks can keep that one spent. So it does not hold for a
 * network where the account has a session now: the person is kept from nothing there, and a stranger can't know where that is.
 * It is taken all the same, so that an answer doesn't tell who has sessions where for as long as there is something left.
 *
 * Who tests the password of a session has stolen it or is the person: one small budget from everywhere. A person whom a thief
 * keeps from changing the password ends the thief's session (revoke-other-sessions asks for no password), and waits it out.
 */

const taken = (policy: RateLimitPolicy, key: string) =>
  Effect.flatMap(RateLimiter, (limiter) =>
    Effect.as(limiter.take(policy, key), { giveBack: limiter.giveBack(policy, key) })
  )

/** What better-auth calls a wrong password, or one of an account that is not there. */
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

/** Gives back what was taken where no password was found wrong: it was right, something else was refused, or a fault came first. */
const counting = <E, R>(ask: Effect.Effect<Response, E, R>, giveBack: Effect.Effect<void>) =>
  ask.pipe(
    Effect.tap((response) => Effect.flatMap(isWrong(response), (wrong) => (wrong ? Effect.void : giveBack))),
    Effect.tapDefect(() => Effect.catchAllCause(giveBack, () => Effect.void))
  )

// As better-auth looks it up. A digest: what somebody typed is nothing to keep, and may be long.
const accountKey = (email: string) => createHash("sha256").update(email.toLowerCase()).digest("base64url")

/** Spends a mail to that address, whether or not there is an account: the answer is not to tell. */
export const spendMailBudget = (email: string) =>
  Effect.flatMap(RateLimiter, (limiter) => limiter.take("mail", accountKey(email)))

/** Asks something that tests the password of the account with that e-mail address, which need not be one. */
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

/** Asks something that tests the password of whoever is signed in. */
export const guardOwnPassword = <E, R>(userId: UserId, ask: Effect.Effect<Response, E, R>) =>
  Effect.gen(function* () {
    const own = yield* taken("password", ownPasswordKey(userId))
    return yield* counting(ask, own.giveBack)
  })
