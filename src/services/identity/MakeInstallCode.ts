import { type Effect, Redacted } from "effect"
import type { PlanError } from "../../domain/Errors.ts"
import type { TokenAnswer } from "../../domain/identity/Identity.ts"
import { codeLifetimeSeconds, messageWith } from "../../domain/identity/InstallCode.ts"
import { platforms } from "../../domain/identity/Platform.ts"
import type { PlanRequest } from "../../domain/installation/Install.ts"
import type { Auth } from "../account/Auth.ts"
import type { OrgResolver } from "../account/OrgResolver.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { readTemplateCall, type TemplateCall } from "../installation/Install.ts"
import { TemplateMirror } from "../installation/TemplateMirror.ts"
import { traced } from "../runtime/Traced.ts"
import { InstallCodes } from "./InstallCodes.ts"

/**
 * Makes the caller a code that installs a template and links the phone it is sent from. It spends an install's budget, and
 * refuses the templates an install would refuse.
 */
export const makeInstallCode: <R>(
  call: TemplateCall<PlanRequest, R>
) => Effect.Effect<TokenAnswer, PlanError, Auth | RateLimiter | OrgResolver | TemplateMirror | InstallCodes | R> =
  traced("makeInstallCode")(function* (call) {
    const mirror = yield* TemplateMirror
    const codes = yield* InstallCodes

    const { organization, templateAgentId, userId } = yield* readTemplateCall("install", call)
    yield* mirror.plan({ userId, organizationId: organization.id, templateAgentId })
    const { botPhone, code } = yield* codes.mint({ userId, templateAgentId })
    const token = Redacted.value(code)
    return {
      token,
      expiresInSeconds: codeLifetimeSeconds,
      ...(botPhone === null ? {} : { link: platforms.whatsapp.link(botPhone, messageWith(token)) })
    }
  })
