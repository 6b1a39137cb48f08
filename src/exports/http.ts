/** The HTTP interface: its description, and the server that answers by whatever services it is provided with. */
export { type AnyRefusal, installErrors, type Refusal, refusals } from "../domain/Errors.ts"
export { Api, openApi } from "../http/Api.ts"
export { credentialOf } from "../http/admission/Caller.ts"
export { NodeServerLive } from "../http/NodeServer.ts"
export { anyProblem, type ProblemBody, problem, problemMediaType } from "../http/Problem.ts"
export { ApiApp, ApiAppLive, HttpLive } from "../http/Server.ts"
export { ServerConfig } from "../http/ServerConfig.ts"
