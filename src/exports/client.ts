/** A client of the service, typed by its description, for Node and browsers alike. */
export { type AnyRefusal, type Refusal, refusals } from "../domain/Errors.ts"
export { Api } from "../http/Api.ts"
export { type Client, type ClientOptions, makeClient, withIdempotencyKey } from "../http/Client.ts"
export { anyProblem, type ProblemBody } from "../http/Problem.ts"
