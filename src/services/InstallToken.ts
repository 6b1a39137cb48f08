import { Effect, Redacted } from "effect"
import type { InvalidRequest, PlanError, TooLarge } from "../domain/Errors.ts"
import type { TokenAnswer } from "../domain/Identity.ts"
import type { PlanRequest } from "../domain/Install.ts"
import { codeSeconds, messageWith } from "../domain/InstallCode.ts"
import { platforms } from "../domain/Platform.ts"
import { Auth, type Credential } from "./Auth.ts"
import { templateOf } from "./Install.ts"
import { InstallCodes } from "./InstallCodes.ts"
import { OrgResolver } from "./OrgResolver.ts"
import { RateLimiter } from "./RateLimiter.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

/** A code as it is asked for: who asks, and how to read for which template once they may. */
export interface TokenCall<R> {
  readonly credential: Credential
  readonly body: Effect.Effect<PlanRequest, InvalidRequest | TooLarge, R>
}

/**
 * Makes the caller a code that installs a template and links the phone it is sent from. It spends an install's budget, and
 * refuses the templates an install would refuse.
 */
export const makeInstallToken: <R>(
  call: TokenCall<R>
) => Effect.Effect<TokenAnswer, PlanError, Auth | RateLimiter | OrgResolver | TemplateMirror | InstallCodes | R> =
  Effect.fn("makeInstallToken")(function* ({ body, credential }) {
    const auth = yield* Auth
    const limiter = yield* RateLimiter
    const orgs = yield* OrgResolver
    const mirror = yield* TemplateMirror
    const codes = yield* InstallCodes

    const { userId } = yield* auth.identify(credential)
    yield* limiter.take("install", userId)
    const request = yield* body
    const templateAgentId = yield* templateOf(request)
    const organization = yield* orgs.personalOrg(userId)
    yield* mirror.plan({ userId, organizationId: organization.id, templateAgentId })
    const { botPhone, code } = yield* codes.mint({ userId, templateAgentId })
    const token = Redacted.value(code)
    return {
      token,
      expiresInSeconds: codeSeconds,
      ...(botPhone === null ? {} : { link: platforms.whatsapp.link(botPhone, messageWith(token)) })
    }
  })
