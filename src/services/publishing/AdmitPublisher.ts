import { Effect, type Either, Option, Redacted } from "effect"
import { keyPrefix } from "../../domain/account/ApiKey.ts"
import type { NotPermitted, PublisherError, PublisherNotFound } from "../../domain/Errors.ts"
import { type Asker, mayDo } from "../../domain/publishing/MayPublish.ts"
import type { Permission, Publisher } from "../../domain/publishing/Publisher.ts"
import { ApiKeys } from "../account/ApiKeys.ts"
import { Auth, type Credential } from "../account/Auth.ts"
import { RateLimiter, type RateLimitPolicy } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { Publishers } from "./Publishers.ts"

/** What is asked of a publisher, and who asks. */
export interface PublisherCall {
  readonly credential: Credential
  /** The publisher's slug. */
  readonly slug: string
}

/** The publisher that somebody was let in to, and who that is. */
export interface Admitted {
  readonly publisher: Publisher
  readonly asker: Asker
  /** Whether they may do something else, too. */
  readonly may: (permission: Permission) => Either.Either<Publisher, PublisherNotFound | NotPermitted>
}

/** The key that a credential shows as its bearer token. */
const keyIn = ({ authorization }: Credential): Option.Option<Redacted.Redacted<string>> => {
  const [, token = ""] = /^bearer\s+(.*)$/i.exec(authorization === undefined ? "" : Redacted.value(authorization)) ?? []
  return token.startsWith(keyPrefix) ? Option.some(Redacted.make(token)) : Option.none()
}

/** The person or the key that a credential shows. */
export const askerOf = (credential: Credential) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const keys = yield* ApiKeys
    const key = keyIn(credential)
    const asker: Asker = Option.isSome(key)
      ? { _tag: "Key", key: yield* keys.verify(key.value) }
      : { _tag: "Person", userId: (yield* auth.identify(credential)).userId }
    return asker
  })

const policies: Readonly<Record<Permission, RateLimitPolicy>> = {
  read: "read",
  publish: "change",
  withdraw: "change",
  team: "read",
  keys: "change",
  members: "change"
}

/** What `admitPublisher` needs. */
export type PublisherDoor = Auth | ApiKeys | RateLimiter | Publishers

/** Asks whether somebody who was let in is still to be, for what goes on after it was asked for. Spends nothing. */
export const mayStill: (
  permission: Permission,
  call: PublisherCall
) => Effect.Effect<boolean, never, Auth | ApiKeys | Publishers> = traced("mayStill")(function* (permission, call) {
  const publishers = yield* Publishers
  return yield* askerOf(call.credential).pipe(
    Effect.flatMap((asker) =>
      Effect.flatMap(publishers.facts(call.slug, asker._tag === "Key" ? null : asker.userId), (facts) =>
        mayDo(permission, call.slug, facts, asker)
      )
    ),
    Effect.isSuccess
  )
})

/**
 * Lets in who may do that with the publisher, by session or by key, with a try of their budget spent: a person's own, or the
 * key's own.
 */
export const admitPublisher: (
  permission: Permission,
  call: PublisherCall,
  policy?: RateLimitPolicy
) => Effect.Effect<Admitted, PublisherError, PublisherDoor> = traced("admitPublisher")(function* (
  permission,
  { credential, slug },
  policy = policies[permission]
) {
  const limiter = yield* RateLimiter
  const publishers = yield* Publishers
  const asker = yield* askerOf(credential)
  yield* limiter.take(policy, asker._tag === "Key" ? `key ${asker.key.id}` : asker.userId)
  const facts = yield* publishers.facts(slug, asker._tag === "Key" ? null : asker.userId)
  const may = (wanted: Permission) => mayDo(wanted, slug, facts, asker)
  return { publisher: yield* may(permission), asker, may }
})
