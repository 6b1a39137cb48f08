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
const keyIn = ({ authorization }: Credential): Option.Option<Redacted.Redacted<string>> =>
  Option.fromNullable(authorization).pipe(
    Option.flatMapNullable((shown) => /^bearer\s+(.*)/i.exec(Redacted.value(shown))?.[1]),
    Option.filter((token) => token.startsWith(keyPrefix)),
    Option.map(Redacted.make)
  )

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

/** Says of each permission whether somebody has it with the publisher of that slug. */
const rightsOf = (slug: string, asker: Asker) =>
  Effect.flatMap(Publishers, (publishers) =>
    Effect.map(
      publishers.facts(slug, asker._tag === "Key" ? null : asker.userId),
      (facts): Admitted["may"] =>
        (permission) =>
          mayDo(permission, slug, facts, asker)
    )
  )

/** Asks whether somebody who was let in is still to be, for what goes on after it was asked for. Spends nothing. */
export const mayStill: (
  permission: Permission,
  call: PublisherCall
) => Effect.Effect<boolean, never, Auth | ApiKeys | Publishers> = traced("mayStill")(
  (permission, { credential, slug }) =>
    askerOf(credential).pipe(
      Effect.flatMap((asker) => rightsOf(slug, asker)),
      Effect.flatMap((may) => may(permission)),
      Effect.isSuccess
    )
)

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
  const asker = yield* askerOf(credential)
  yield* limiter.take(policy, asker._tag === "Key" ? `key ${asker.key.id}` : asker.userId)
  const may = yield* rightsOf(slug, asker)
  return { publisher: yield* may(permission), asker, may }
})
