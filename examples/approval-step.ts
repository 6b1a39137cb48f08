import {
  type InstallRequest,
  OrganizationId,
  type Plan,
  PlanStale,
  readTemplateCall,
  type TemplateCall,
  TemplateMirror,
  UserId
} from "agent-install/installation"
import { Context, Effect, Schema } from "effect"

/* An install that somebody has to agree to before anything is written. */

/** What is asked: who would get what. */
export interface Question {
  readonly userId: UserId
  readonly organizationId: OrganizationId
  readonly plan: Plan
}

/** Whoever agrees to installs: a person, a policy, another service. */
export class Approvals extends Context.Tag("example/Approvals")<
  Approvals,
  { readonly agreesTo: (question: Question) => Effect.Effect<boolean> }
>() {}

export class NotApproved extends Schema.TaggedError<NotApproved>()("NotApproved", {
  userId: UserId,
  organizationId: OrganizationId
}) {}

/** Installs exactly the plan that was agreed to: where something changed meanwhile, that is asked once more. */
export const installApproved = Effect.fn("installApproved")(function* (call: TemplateCall<InstallRequest, never>) {
  const approvals = yield* Approvals
  const mirror = yield* TemplateMirror
  const { organization, request, templateAgentId, userId } = yield* readTemplateCall("install", call)
  const wanted = { userId, organizationId: organization.id, templateAgentId }

  const attempt = Effect.gen(function* () {
    const plan = yield* mirror.plan(wanted)
    if (!(yield* approvals.agreesTo({ userId, organizationId: organization.id, plan }))) {
      return yield* new NotApproved({ userId, organizationId: organization.id })
    }
    return yield* mirror.apply({ ...wanted, name: request.name, expectedPlan: plan.planHash })
  })
  return yield* Effect.retry(attempt, { while: (error) => error instanceof PlanStale, times: 3 })
})
