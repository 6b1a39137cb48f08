import { HttpApiMiddleware } from "@effect/platform"
import { ForeignOrigin, RateLimitExceeded } from "../../domain/Errors.ts"
import { RateLimiter } from "../../services/admission/RateLimiter.ts"
import { problem } from "../Problem.ts"

/** For an endpoint that changes something: refuses a session cookie that a page of another site sent along. */
export class OwnOrigin extends HttpApiMiddleware.Tag<OwnOrigin>()("agent-install/OwnOrigin", {
  failure: problem(ForeignOrigin)
}) {}

/** For an endpoint that spends a budget: tells on its answers, in `RateLimit` and `RateLimit-Policy`, what is left of it. */
export class Limited extends HttpApiMiddleware.Tag<Limited>()("agent-install/Limited", {
  failure: problem(RateLimitExceeded),
  provides: RateLimiter
}) {}
