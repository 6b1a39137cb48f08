/** What everything runs on: steps of several, and whether requests can be served. */
export { Unavailable } from "../domain/Errors.ts"
export { Health } from "../services/runtime/Health.ts"
export { Transactor } from "../services/runtime/Transactor.ts"
