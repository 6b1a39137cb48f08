import { Effect, Schema } from "effect"
import {
  IdentityNotFound,
  type IdentityTaken,
  type InvalidPhone,
  type NoMember,
  type NoPersonalOrg,
  type RateLimitExceeded,
  type ReadError,
  type Unauthenticated
} from "../../domain/Errors.ts"
import { type ClaimedPhone, IdentityId, type OwnIdentity, type PhoneRequest } from "../../domain/identity/Identity.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { OrgResolver } from "../account/OrgResolver.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { IdentityLinker, type Person } from "./IdentityLinker.ts"

/** A phone as it is typed: by whom, and how to read it once they may. */
export interface PhoneCall<R> {
  readonly credential: Credential
  readonly body: Effect.Effect<PhoneRequest, ReadError, R>
}

/** What is asked of one of the caller's identities. */
export interface OwnCall {
  readonly credential: Credential
  readonly id: string
}

const personOf = (userId: Person["userId"]): Effect.Effect<Person, NoPersonalOrg, OrgResolver> =>
  Effect.flatMap(OrgResolver, (orgs) =>
    Effect.map(orgs.personalOrg(userId), ({ id }) => ({ userId, organizationId: id }))
  )

/** The caller's identities, masked. */
export const listIdentities: (
  credential: Credential
) => Effect.Effect<
  ReadonlyArray<OwnIdentity>,
  Unauthenticated | RateLimitExceeded | NoPersonalOrg,
  Auth | RateLimiter | OrgResolver | IdentityLinker
> = traced("listIdentities")(function* (credential) {
  const identities = yield* IdentityLinker
  const userId = yield* admit("read", credential)
  return yield* identities.list(yield* personOf(userId))
})

/** Claims the phone the caller typed. */
export const typePhone: <R>(
  call: PhoneCall<R>
) => Effect.Effect<
  ClaimedPhone,
  Unauthenticated | RateLimitExceeded | ReadError | NoPersonalOrg | InvalidPhone | NoMember | IdentityTaken,
  Auth | RateLimiter | OrgResolver | IdentityLinker | R
> = traced("typePhone")(function* ({ body, credential }) {
  const identities = yield* IdentityLinker
  const userId = yield* admit("change", credential)
  const { country, phone } = yield* body
  const person = yield* personOf(userId)
  return yield* identities.claimPhone({ ...person, phone, country: country?.trim() || undefined })
})

type OwnError = Unauthenticated | RateLimitExceeded | NoPersonalOrg | IdentityNotFound
type OwnServices = Auth | RateLimiter | OrgResolver | IdentityLinker

/** One of the caller's identities, by whom it is and what they call it. */
const ownOf = ({ credential, id }: OwnCall) =>
  Effect.gen(function* () {
    const userId = yield* admit("change", credential)
    const person = yield* personOf(userId)
    return { ...person, id: yield* Effect.mapError(Schema.decode(IdentityId)(id), () => new IdentityNotFound()) }
  })

/** Confirms the masked sender of a link. */
export const confirmIdentity: (call: OwnCall) => Effect.Effect<OwnIdentity, OwnError, OwnServices> = traced(
  "confirmIdentity"
)(function* (call) {
  const identities = yield* IdentityLinker
  return yield* identities.confirm(yield* ownOf(call))
})

/** Ends one of the caller's identities, or declines one that is claimed. */
export const unlinkIdentity: (call: OwnCall) => Effect.Effect<void, OwnError, OwnServices> = traced("unlinkIdentity")(
  function* (call) {
    const identities = yield* IdentityLinker
    yield* identities.unlink(yield* ownOf(call))
  }
)
