import { Duration, Either, type Redacted, Schema } from "effect"
import { IdempotencyKeyReused } from "../Errors.ts"
import type { OrganizationId, UserId } from "../Ids.ts"

/** How long an answer is kept. */
export const keptFor = Duration.days(1)

/** A key of a request: up to 255 characters of ASCII. */
export const IdempotencyKey = Schema.Redacted(Schema.String.pipe(Schema.pattern(/^[ -~]{1,255}$/)))

/** Who is answered, by a name that no two of them share, and with whom the answer goes. */
export interface Caller {
  readonly name: string
  readonly userId: UserId | null
  readonly organizationId: OrganizationId | null
}

/** A request that its caller wants to be able to repeat. */
export interface RepeatableRequest {
  readonly caller: Caller
  /** What is asked, as method and address. */
  readonly operation: string
  /** The key that its caller made for it. */
  readonly key: Redacted.Redacted<string>
  /** A digest of everything else that the request says. */
  readonly fingerprint: string
}

/** An answer as it is sent. */
export const KeptAnswer = Schema.Struct({ status: Schema.Int, contentType: Schema.String, text: Schema.String })
export type KeptAnswer = typeof KeptAnswer.Type

/** What is known of an earlier request with the same key. */
export interface EarlierRequest {
  readonly fingerprint: string
  readonly answer: KeptAnswer
}

/** The answer to give again, or none where the request is new. The key of another request is refused. */
export const answerAgain = (
  earlier: EarlierRequest | undefined,
  fingerprint: string
): Either.Either<KeptAnswer | undefined, IdempotencyKeyReused> =>
  earlier === undefined
    ? Either.right(undefined)
    : earlier.fingerprint === fingerprint
      ? Either.right(earlier.answer)
      : Either.left(new IdempotencyKeyReused())
