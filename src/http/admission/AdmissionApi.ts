import { HttpApiMiddleware } from "@effect/platform"
import { ForeignOrigin, RateLimitExceeded } from "../../domain/Errors.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import { problem } from "../Problem.ts"

/** For an endpoint that changes something: refuses a session cookie that was sent from a page of another site. */
export class OwnOrigin extends HttpApiMiddleware.Tag<OwnOrigin>()("agent-install/OwnOrigin", {
  failure: problem(ForeignOrigin)
}) {}

/** For an endpoint that spends a budget: its answers say in `RateLimit` and `RateLimit-Policy` what is left. */
export class Limited extends HttpApiMiddleware.Tag<Limited>()("agent-install/Limited", {
  failure: problem(RateLimitExceeded),
  provides: RateLimiter
}) {}
