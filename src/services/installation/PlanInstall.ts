import type { Effect } from "effect"
import type { PlanError } from "../../domain/Errors.ts"
import type { PlanRequest } from "../../domain/installation/Install.ts"
import type { Plan } from "../../domain/installation/Plan.ts"
import type { Auth } from "../account/Auth.ts"
import type { OrgResolver } from "../account/OrgResolver.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { readTemplateCall, type TemplateCall } from "./Install.ts"
import { TemplateMirror } from "./TemplateMirror.ts"

/** Says what installing a template would do in the caller's own organization, row by row; changes nothing there. */
export const planInstall: <R>(
  call: TemplateCall<PlanRequest, R>
) => Effect.Effect<Plan, PlanError, Auth | RateLimiter | OrgResolver | TemplateMirror | R> = traced("planInstall")(
  function* (call) {
    const mirror = yield* TemplateMirror
    const { organization, templateAgentId, userId } = yield* readTemplateCall("change", call)
    return yield* mirror.plan({ userId, organizationId: organization.id, templateAgentId })
  }
)
