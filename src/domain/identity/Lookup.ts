import { Array as Arr, Schema } from "effect"
import { AgentId, OrganizationId, Slug, UserId } from "../Ids.ts"
import { IdentityId, LinkId, type LookupResult, promptOf } from "./Identity.ts"
import { KnownLink, precedence } from "./LinkFacts.ts"
import type { Identifier } from "./WaId.ts"

/** How many claims of one identifier are looked at. One person has few: where there are very many, a rival is among them. */
export const maxClaims = 100

/**
 * What is known of an identifier that is asked for. `proof` is where it is verified; `claims` are those that wait and about
 * which the sender is asked, gathered where it is not; `owner` is whose the proof is, or the first claim.
 */
export const LookupFacts = Schema.Struct({
  proof: Schema.NullOr(
    Schema.Struct({
      id: IdentityId,
      /** The address that was seen last, and one of another identifier of the same sender. */
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

/** What a look-up is answered with, and the address that is kept as the one to answer to; null where it stays. */
export interface LookupDecision {
  readonly result: LookupResult
  readonly newAddress: string | null
}

/**
 * Whose an identifier is. A proof answers in full. A person's claims answer where nobody else has any: with the question to the
 * sender, and in full as well where `routeOnClaim` says so and the person typed the number. Rivals answer as nobody does.
 */
export const decideLookup = (
  asked: Identifier,
  { claims, owner, proof }: LookupFacts,
  routeOnClaim: boolean
): LookupDecision => {
  // A phone is asked for from elsewhere; only a chat address is one that the sender was seen under.
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
