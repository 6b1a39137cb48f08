import { Effect } from "effect"
import { schemaFields } from "../../domain/catalog/Fields.ts"
import {
  type AgentError,
  type AgentNotFound,
  InvalidRequest,
  type RateLimitExceeded,
  type RowNotFound,
  type Unauthenticated
} from "../../domain/Errors.ts"
import type { AgentRow, RowChanges } from "../../domain/installation/Row.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { TemplateReader } from "../catalog/TemplateReader.ts"
import { traced } from "../runtime/Traced.ts"
import { AgentRows } from "./AgentRows.ts"
import { InstalledAgents } from "./InstalledAgents.ts"

type Dependencies = Auth | RateLimiter | InstalledAgents | AgentRows

/** Which row of which agent, and who asks. */
export interface RowCall {
  readonly credential: Credential
  readonly agentId: string
  readonly kind: string
  readonly slug: string
}

/** A row of one of the caller's agents, with all that it says. */
export const viewRow: (
  call: RowCall
) => Effect.Effect<AgentRow, Unauthenticated | RateLimitExceeded | AgentNotFound | RowNotFound, Dependencies> = traced(
  "viewRow"
)(function* ({ agentId, credential, kind, slug }) {
  const agents = yield* InstalledAgents
  const rows = yield* AgentRows
  const userId = yield* admit("read", credential)
  return yield* rows.view({ userId, agent: yield* agents.find(userId, agentId), kind, slug })
})

/** Refuses JSON Schemas that are none. */
const checkSchemas = Effect.fnUntraced(function* ({ content = {} }: RowChanges) {
  const reader = yield* TemplateReader
  if (schemaFields.every((field) => content[field] === undefined)) return
  const problems = yield* reader.schemaProblems(content)
  if (problems.length === 0) return
  const issues = problems.map(({ message, path }) => ({ path: ["content", ...path].join("."), message }))
  return yield* new InvalidRequest({ issues })
})

/** Makes a row of one of the caller's agents their own, with what is to be other than it is. */
export const customizeRow: <E, R>(
  call: RowCall & { readonly body: Effect.Effect<RowChanges, E, R> }
) => Effect.Effect<AgentRow, E | AgentError | RowNotFound | InvalidRequest, Dependencies | TemplateReader | R> = traced(
  "customizeRow"
)(function* ({ agentId, body, credential, kind, slug }) {
  const agents = yield* InstalledAgents
  const rows = yield* AgentRows
  const userId = yield* admit("change", credential)
  const changes = yield* body
  yield* checkSchemas(changes)
  return yield* rows.customize({ userId, agent: yield* agents.find(userId, agentId), kind, slug }, changes)
})

/** Deletes a row of one of the caller's agents. */
export const deleteRow: (call: RowCall) => Effect.Effect<void, AgentError | RowNotFound, Dependencies> = traced(
  "deleteRow"
)(function* ({ agentId, credential, kind, slug }) {
  const agents = yield* InstalledAgents
  const rows = yield* AgentRows
  const userId = yield* admit("change", credential)
  return yield* rows.remove({ userId, agent: yield* agents.find(userId, agentId), kind, slug })
})
