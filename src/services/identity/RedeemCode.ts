import { Effect, Redacted } from "effect"
import { codeOf, type NotGateway, type RateLimitExceeded, type ReadError } from "../../domain/Errors.ts"
import { type ClaimAnswer, type ClaimRequest, codeTexts, promptOf } from "../../domain/identity/Identity.ts"
import { codeIn } from "../../domain/identity/InstallCode.ts"
import { senderKey } from "../../domain/identity/Platform.ts"
import { type Organization, OrgResolver } from "../account/OrgResolver.ts"
import { RateLimiter } from "../admission/RateLimiter.ts"
import { countRows, measuredInstall } from "../installation/InstallMetrics.ts"
import { TemplateMirror } from "../installation/TemplateMirror.ts"
import { traced } from "../runtime/Traced.ts"
import { Transactor } from "../runtime/Transactor.ts"
import { Gateway, type GatewayCall } from "./Gateway.ts"
import { IdentityLinker } from "./IdentityLinker.ts"
import { type ConsumedCode, InstallCodes } from "./InstallCodes.ts"
import { readSender } from "./ReadSender.ts"

const result = (status: keyof typeof codeTexts): ClaimAnswer => ({ status, text: codeTexts[status] })

/** Installs the template where it isn't. Why it can't be is part of the answer, and stops nothing else. */
const installFor = ({ installed, templateAgentId, userId }: ConsumedCode, { id }: Organization) =>
  installed
    ? Effect.succeed({})
    : TemplateMirror.pipe(
        Effect.flatMap((mirror) => mirror.apply({ userId, organizationId: id, templateAgentId })),
        Effect.tap(countRows),
        (apply) => measuredInstall({ template: templateAgentId }, apply),
        Effect.match({
          onFailure: (refusal) => ({ installError: codeOf(refusal) }),
          onSuccess: () => ({})
        })
      )

/**
 * Uses a code up for the sender of a message: the template is installed, and the sender is to be asked whether the account is
 * theirs. All of it lands together; where the account has no organization, the code stays as it was.
 */
export const redeemCode: <R>(
  call: GatewayCall<ClaimRequest, R>
) => Effect.Effect<
  ClaimAnswer,
  NotGateway | ReadError | RateLimitExceeded,
  Gateway | RateLimiter | InstallCodes | OrgResolver | TemplateMirror | IdentityLinker | Transactor | R
> = traced("redeemCode")(function* ({ body, credential }) {
  const gateway = yield* Gateway
  const limiter = yield* RateLimiter
  const codes = yield* InstallCodes
  const orgs = yield* OrgResolver
  const identities = yield* IdentityLinker
  const { atomically } = yield* Transactor

  yield* gateway.identify(credential)
  const request = yield* body
  const sender = yield* readSender(request)
  yield* limiter.take("sender", senderKey(sender.platform, sender.identifiers))
  const code = codeIn(request.message)
  if (code === undefined) return result("token_invalid")

  return yield* atomically(
    Effect.gen(function* () {
      const consumed = yield* codes.consume(Redacted.make(code))
      if (consumed.status !== "consumed") return result(consumed.status)
      const { userId } = consumed
      const organization = yield* orgs.personalOrg(userId)
      const tried = yield* installFor(consumed, organization)
      const challenge = yield* identities.challenge({ userId, organizationId: organization.id, sender })
      return challenge === "already_linked_here"
        ? { ...result(challenge), ...tried }
        : { status: "confirm_sender" as const, ...promptOf(challenge.email, challenge.linkId), ...tried }
    })
  ).pipe(
    Effect.catchTags({
      NoPersonalOrg: () => Effect.succeed(result("no_personal_org")),
      NoMember: () => Effect.succeed(result("no_personal_org"))
    })
  )
})
