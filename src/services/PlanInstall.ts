import { Effect } from "effect"
import type { InvalidRequest, PlanError, TooLarge } from "../domain/Errors.ts"
import type { PlanRequest } from "../domain/Install.ts"
import type { Plan } from "../domain/Plan.ts"
import { Auth, type Credential } from "./Auth.ts"
import { templateOf } from "./Install.ts"
import { OrgResolver } from "./OrgResolver.ts"
import { RateLimiter } from "./RateLimiter.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

/** A plan as it is asked for: who asks, and how to read what they ask for once they may. */
export interface PlanCall<R> {
  readonly credential: Credential
  readonly body: Effect.Effect<PlanRequest, InvalidRequest | TooLarge, R>
}

/** Says what installing a template would do in the caller's own organization, row by row; changes nothing there. */
export const planInstall: <R>(
  call: PlanCall<R>
) => Effect.Effect<Plan, PlanError, Auth | RateLimiter | OrgResolver | TemplateMirror | R> = Effect.fn("planInstall")(
  function* ({ body, credential }) {
    const auth = yield* Auth
    const limiter = yield* RateLimiter
    const orgs = yield* OrgResolver
    const mirror = yield* TemplateMirror

    const { userId } = yield* auth.identify(credential)
    yield* limiter.take("change", userId)
    const request = yield* body
    const templateAgentId = yield* templateOf(request)
    const organization = yield* orgs.personalOrg(userId)
    return yield* mirror.plan({ userId, organizationId: organization.id, templateAgentId })
  }
)
