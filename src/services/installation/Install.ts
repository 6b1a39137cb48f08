import { Effect, Struct } from "effect"
import {
  IdentityTaken,
  type InstallError,
  InvalidPhone,
  NoMember,
  type ReadError,
  Unavailable
} from "../../domain/Errors.ts"
import { agentPath } from "../../domain/installation/Agent.ts"
import type { InstallAnswer, InstallRequest, PlanRequest } from "../../domain/installation/Install.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { OrgResolver } from "../account/OrgResolver.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter, RateLimitPolicy } from "../admission/RateLimiter.ts"
import { IdentityLinker, type PhoneClaim } from "../identity/IdentityLinker.ts"
import { traced } from "../runtime/Traced.ts"
import { countRows, type InstallLabels, measuredInstall } from "./InstallMetrics.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

/** A template as it is asked for: who asks, and how to read what they ask for once they may. */
export interface TemplateCall<A, R> {
  readonly credential: Credential
  readonly body: Effect.Effect<A, ReadError, R>
}

/** Identifies the caller, spends a try of their budget, reads the body, and finds the template and the caller's own organization. */
export const readTemplateCall = <A extends PlanRequest, R>(
  policy: RateLimitPolicy,
  { body, credential }: TemplateCall<A, R>
) =>
  Effect.gen(function* () {
    const orgs = yield* OrgResolver

    const userId = yield* admit(policy, credential)
    const request = yield* body
    const { slug = "", templateAgentId } = request
    const resolved =
      templateAgentId === undefined
        ? yield* orgs.resolve({ userId, slug })
        : { templateAgentId, organization: yield* orgs.personalOrg(userId) }
    return { userId, request, ...resolved }
  })

type LinkOutcome = Pick<InstallAnswer, "whatsapp" | "whatsappError">

const notLinked = (whatsappError: NonNullable<LinkOutcome["whatsappError"]>) =>
  Effect.succeed<LinkOutcome>({ whatsappError })

/** Links the phone, if one was given. No failure here undoes or fails the install, which has succeeded before. */
const linkPhone = (claim: PhoneClaim): Effect.Effect<LinkOutcome, never, IdentityLinker> =>
  claim.phone.trim() === ""
    ? Effect.succeed({})
    : IdentityLinker.pipe(
        Effect.flatMap((identities) => identities.claimPhone(claim)),
        Effect.map(
          ({ state, ...whatsapp }): LinkOutcome => (state === "declined" ? { whatsappError: state } : { whatsapp })
        ),
        Effect.catchTags({
          InvalidPhone: () => notLinked(InvalidPhone.code),
          NoMember: () => notLinked(NoMember.code),
          IdentityTaken: () => notLinked(IdentityTaken.code)
        }),
        Effect.catchAllDefect((defect) =>
          Effect.zipRight(
            Effect.logError("The install succeeded, but its phone was not linked", defect),
            notLinked(Unavailable.code)
          )
        )
      )

const steps = Effect.fnUntraced(function* <R>(call: TemplateCall<InstallRequest, R>, labels: InstallLabels) {
  const mirror = yield* TemplateMirror

  const { organization, request, templateAgentId, userId } = yield* readTemplateCall("install", call)
  labels.template = templateAgentId
  const applied = yield* mirror
    .apply({
      userId,
      organizationId: organization.id,
      templateAgentId,
      name: request.name,
      mode: request.mode,
      expectedPlan: request.expectedPlan,
      ...Struct.pick(request, "adopt", "revert", "restore")
    })
    .pipe(Effect.tap(countRows))
  const linked = yield* linkPhone({
    userId,
    organizationId: organization.id,
    phone: request.whatsapp_phone ?? "",
    country: request.country?.trim() || undefined
  })

  return {
    agentId: applied.agentId,
    organizationId: organization.id,
    organizationSlug: organization.slug,
    created: applied.created,
    revision: applied.revision,
    ...(applied.pinned && { pinned: true as const }),
    mirrored: applied.mirrored,
    redirectTo: agentPath(organization.slug, applied.agentId),
    ...linked
  }
})

/**
 * Installs a template for the caller into their own organization. The order: who is it, may they try, what do they want, which
 * organization; then the template's rows in one atomic step; last the phone.
 */
export const install: <R>(
  call: TemplateCall<InstallRequest, R>
) => Effect.Effect<
  InstallAnswer,
  InstallError,
  Auth | RateLimiter | OrgResolver | TemplateMirror | IdentityLinker | R
> = traced("install")(<R>(call: TemplateCall<InstallRequest, R>) => {
  const labels: InstallLabels = { template: "none" }
  return measuredInstall(labels, steps(call, labels))
})
