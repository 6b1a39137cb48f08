import { Array as Arr, Schema } from "effect"
import { AgentId, OrganizationId, Slug, UserId } from "../Ids.ts"
import { IdentityId, LinkId, type LookupResult, promptOf } from "./Identity.ts"
import { KnownLink, precedence } from "./LinkFacts.ts"
import type { Identifier } from "./WaId.ts"

/**
 * The maximum number of claims that are read for one identifier. One person has few: if there are many, they are not
 * one person's.
 */
export const maxClaims = 100

/**
 * The facts about an identifier that is looked up. `proof` is set if it is verified. Otherwise `claims` are those that
 * wait and about which the sender is asked. `owner` is the person of the proof, or of the first claim.
 */
export const LookupFacts = Schema.Struct({
  proof: Schema.NullOr(
    Schema.Struct({
      id: IdentityId,
      /** The address that was seen last, and that of another identifier of the same sender. */
      address: Schema.NullOr(Schema.String),
      otherAddress: Schema.NullOr(Schema.String)
    })
  ),
  claims: Schema.Array(
    Schema.Struct({
      id: IdentityId,
      entityId: Schema.String,
      linkId: LinkId,
      origin: KnownLink.fields.origin,
      senderAgreed: Schema.Boolean,
      address: Schema.NullOr(Schema.String)
    })
  ),
  owner: Schema.Struct({
    userId: UserId,
    name: Schema.String,
    email: Schema.String,
    organizationId: OrganizationId,
    organizationSlug: Slug,
    memberEntityId: Schema.String,
    agents: Schema.Array(Schema.Struct({ agentId: AgentId, templateAgentId: Schema.NullOr(AgentId) }))
  })
})
export type LookupFacts = typeof LookupFacts.Type

/** The answer of a look-up, and the address to keep for replies; null if it does not change. */
export interface LookupDecision {
  readonly result: LookupResult
  readonly newAddress: string | null
}

/**
 * Decides whose an identifier is. A proof is answered with a route. If only one person claims it, the answer is the
 * question for the sender, with a route too if `routeOnClaim` is set and the person typed the number. If several people
 * claim it, the answer is the same as if nobody did.
 */
export const decideLookup = (
  asked: Identifier,
  { claims, owner, proof }: LookupFacts,
  routeOnClaim: boolean
): LookupDecision => {
  // A phone may be known from elsewhere; only a chat address is one that the sender was seen under.
  const shown = asked.namespace === "phone" ? undefined : asked.address
  const routeTo = (seen: string | null) => ({
    person: { userId: owner.userId, name: owner.name },
    organization: { id: owner.organizationId, slug: owner.organizationSlug },
    memberEntityId: owner.memberEntityId,
    agents: owner.agents,
    answerTo: shown ?? seen
  })
  if (proof !== null) {
    return {
      result: { verified: true, ...routeTo(proof.address ?? proof.otherAddress) },
      newAddress: shown === undefined || shown === proof.address ? null : shown
    }
  }
  const [claim] = Arr.sort(claims, precedence)
  if (claim === undefined || claims.some(({ entityId }) => entityId !== claim.entityId)) {
    return { result: null, newAddress: null }
  }
  const prompt = promptOf(owner.email, claim.linkId)
  const routes = routeOnClaim && claims.some(({ origin }) => origin === "typed")
  const unproved = { verified: false as const, prompt }
  return { result: routes ? { ...unproved, ...routeTo(claim.address) } : unproved, newAddress: null }
}
