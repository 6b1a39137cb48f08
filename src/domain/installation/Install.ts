import { Schema } from "effect"
import { KindCounts } from "../catalog/Kind.ts"
import { Mode } from "../catalog/Mode.ts"
import { IdentityTaken, InvalidPhone, NoMember, Unavailable } from "../Errors.ts"
import { AgentId, exampleIds, OrganizationId, Slug } from "../Ids.ts"
import { E164, LinkedPhone, WaJid } from "../identity/Phone.ts"
import { BoundedText, Name, TextOrNull } from "../Text.ts"
import { expectedPlan, namesEachRowOnce, Wishes } from "./Plan.ts"

const whichTemplate = {
  slug: Schema.optionalWith(BoundedText(1, 200), { exact: true }).annotations({
    description: "The template's slug. Give this or templateAgentId."
  }),
  templateAgentId: Schema.optionalWith(AgentId, { exact: true }).annotations({
    description: "The template's id. Give this or slug."
  })
}

/** The same for the OpenAPI document: of the two members one is required, and the other is not there. */
const oneOfBoth = { jsonSchema: { allOf: [{ oneOf: [{ required: ["slug"] }, { required: ["templateAgentId"] }] }] } }

/** Says where a request names no template, or names it in both ways. */
const namesOneTemplate = (request: { readonly slug?: string; readonly templateAgentId?: string }) => {
  const named = [request.slug, request.templateAgentId].filter((field) => field !== undefined).length
  return (
    named === 1 || {
      path: [named === 0 ? "slug" : "templateAgentId"],
      message: named === 0 ? "give slug or templateAgentId" : "give slug or templateAgentId, not both"
    }
  )
}

/** The body of `POST /api/install/plan`: which template. */
export const PlanRequest = Schema.Struct(whichTemplate)
  .annotations({ description: "Which template to plan an install of.", examples: [{ slug: "personal-finance" }] })
  .pipe(Schema.filter(namesOneTemplate, oneOfBoth), Schema.annotations({ identifier: "PlanRequest" }))
export type PlanRequest = typeof PlanRequest.Type

/** The body of `POST /api/install`: which template (by slug or by id, one of them), and what the person wants of it. */
export const InstallRequest = Schema.Struct({
  ...whichTemplate,
  name: Schema.optionalWith(Name, { exact: true }).annotations({
    description: "The agent's name; the template's name otherwise. A name that was given stays."
  }),
  mode: Schema.optionalWith(Mode, { exact: true }).annotations({
    description: "How to install it where it is not installed yet; the first mode that the template offers otherwise."
  }),
  expectedPlan,
  ...Wishes,
  whatsapp_phone: Schema.optionalWith(TextOrNull, { exact: true }).annotations({
    description: "The person's WhatsApp number; null or blank counts as absent."
  }),
  country: Schema.optionalWith(TextOrNull, { exact: true }).annotations({
    description: "The two-letter country by which a national number is read; the service's default otherwise."
  })
})
  .annotations({
    description: "Which template to install, and what the person wants of it.",
    examples: [{ slug: "personal-finance", whatsapp_phone: "07911 123456", country: "GB" }]
  })
  .pipe(
    Schema.filter(namesOneTemplate, oneOfBoth),
    Schema.filter(namesEachRowOnce),
    Schema.annotations({
      identifier: "InstallRequest"
    })
  )
export type InstallRequest = typeof InstallRequest.Type

/**
 * Why a phone that was given was not linked: what `POST /api/identities/phone` refuses it for; `declined` where its sender has
 * said no to this account; `unavailable` for a fault.
 */
export const WhatsappError = Schema.Literal(
  InvalidPhone.code,
  NoMember.code,
  IdentityTaken.code,
  "declined",
  Unavailable.code
).annotations({
  identifier: "WhatsappError",
  description:
    "Why the phone was not linked; the install has succeeded all the same. invalid_phone: it can't be read. no_member: sign in again, which repairs it. already_linked: it is verified for another account. declined: its owner said NO to this account, and is asked again only when a code is sent from it. unavailable: a fault; link it later by POST /api/identities/phone."
})

/** What `POST /api/install` answers, whether the agent is new or existed before. */
export const InstallAnswer = Schema.Struct({
  agentId: AgentId,
  organizationId: OrganizationId,
  organizationSlug: Slug,
  created: Schema.Boolean.annotations({ description: "Whether this request made the agent." }),
  revision: Schema.Int.annotations({ description: "The template's revision that is applied now." }),
  pinned: Schema.optionalWith(Schema.Literal(true), { exact: true }).annotations({
    description: "Present if the agent is pinned: it stays at its revision until a resync says otherwise."
  }),
  mirrored: KindCounts.annotations({ description: "How many of the template's rows the organization has now." }),
  redirectTo: Schema.String,
  whatsapp: Schema.optionalWith(LinkedPhone, { exact: true }).annotations({
    description: "Present only if a phone was given and is linked."
  }),
  whatsappError: Schema.optionalWith(WhatsappError, { exact: true })
}).annotations({
  identifier: "InstallAnswer",
  description: "The agent that is installed now, new or not.",
  examples: [
    {
      agentId: exampleIds.agentId,
      organizationId: exampleIds.organizationId,
      organizationSlug: Slug.make("ada-lovelace"),
      created: true,
      revision: 1,
      mirrored: { entity_types: 43, entity_relationship_types: 42, watchers: 2, event_classifiers: 2 },
      redirectTo: `/ada-lovelace/agents/${exampleIds.agentId}`,
      whatsapp: {
        phone: E164.make("+447911123456"),
        waJid: WaJid.make("447911123456@s.whatsapp.net"),
        verified: false
      }
    }
  ]
})
export type InstallAnswer = typeof InstallAnswer.Type
