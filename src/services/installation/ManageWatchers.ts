import type { Effect } from "effect"
import type {
  AgentError,
  AgentNotFound,
  RateLimitExceeded,
  Unauthenticated,
  WatcherNotFound
} from "../../domain/Errors.ts"
import type { AgentWatcher, WatcherChange } from "../../domain/installation/Watcher.ts"
import type { Auth, Credential } from "../account/Auth.ts"
import { admit } from "../admission/Admission.ts"
import type { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { InstalledAgents } from "./InstalledAgents.ts"
import { Watchers } from "./Watchers.ts"

type Dependencies = Auth | RateLimiter | InstalledAgents | Watchers

/** The watchers of one of the caller's agents. */
export const listWatchers: (
  credential: Credential,
  agentId: string
) => Effect.Effect<ReadonlyArray<AgentWatcher>, Unauthenticated | RateLimitExceeded | AgentNotFound, Dependencies> =
  traced("listWatchers")(function* (credential, agentId) {
    const agents = yield* InstalledAgents
    const watchers = yield* Watchers
    const userId = yield* admit("read", credential)
    return yield* watchers.list(yield* agents.find(userId, agentId))
  })

/** What is asked of a watcher, and by whom. */
export interface WatcherCall {
  readonly credential: Credential
  readonly agentId: string
  readonly slug: string
}

/** Pauses or resumes a watcher of one of the caller's agents. */
export const setWatcher: (
  change: WatcherChange,
  call: WatcherCall
) => Effect.Effect<AgentWatcher, AgentError | WatcherNotFound, Dependencies> = traced("setWatcher")(function* (
  change,
  { agentId, credential, slug }
) {
  const agents = yield* InstalledAgents
  const watchers = yield* Watchers
  const userId = yield* admit("change", credential)
  const agent = yield* agents.find(userId, agentId)
  return yield* watchers.set(change, { userId, agent, slug })
})
