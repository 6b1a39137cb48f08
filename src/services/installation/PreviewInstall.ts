import type { Effect } from "effect"
import type { Offer, OfferStatus } from "../../domain/catalog/Offer.ts"
import type { NoPersonalOrg, RateLimitExceeded, TemplateDeprecated, Unauthenticated } from "../../domain/Errors.ts"
import type { Plan } from "../../domain/installation/Plan.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { type Organization, OrgResolver } from "../account/OrgResolver.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { TemplateOffers } from "../catalog/TemplateOffers.ts"
import { traced } from "../runtime/Traced.ts"
import { type MirrorRefusal, TemplateMirror } from "./TemplateMirror.ts"

/** What an install would do for somebody: where, what is there already, and each row. */
export interface Preview extends OfferStatus {
  readonly organization: Organization
  readonly plan: Plan
}

/** Shows the caller what installing an offer would do in their own organization; changes nothing. */
export const previewInstall: (
  credential: Credential,
  offer: Pick<Offer, "templateAgentId">
) => Effect.Effect<
  Preview,
  Unauthenticated | RateLimitExceeded | NoPersonalOrg | TemplateDeprecated | MirrorRefusal,
  Auth | RateLimiter | OrgResolver | TemplateMirror | TemplateOffers
> = traced("previewInstall")(function* (credential, { templateAgentId }) {
  const orgs = yield* OrgResolver
  const mirror = yield* TemplateMirror
  const offers = yield* TemplateOffers
  const userId = yield* admit("read", credential)
  const organization = yield* orgs.personalOrg(userId)
  const status = yield* offers.statusIn(organization.id, templateAgentId)
  const plan = yield* mirror.plan({ userId, organizationId: organization.id, templateAgentId })
  return { ...status, organization, plan }
})
