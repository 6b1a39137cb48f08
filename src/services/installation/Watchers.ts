import { Context, type Effect } from "effect"
import type { NotOrgAdmin, WatcherNotFound } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { InstalledAgent } from "../../domain/installation/Agent.ts"
import type { AgentWatcher, WatcherChange } from "../../domain/installation/Watcher.ts"

/** One watcher of an agent, and who wants something of it. */
export interface WatcherRequest {
  readonly userId: UserId
  readonly agent: InstalledAgent
  readonly slug: string
}

/** The watchers of installed agents: those their template brought, and those their people gave them. */
export class Watchers extends Context.Tag("agent-install/Watchers")<
  Watchers,
  {
    /** The watchers of an agent that are seen, by slug. */
    readonly list: (agent: InstalledAgent) => Effect.Effect<ReadonlyArray<AgentWatcher>>
    /** Keeps a watcher from running until it is resumed, or lets it run again. Idempotent, and no change of the template's row. */
    readonly set: (
      change: WatcherChange,
      request: WatcherRequest
    ) => Effect.Effect<AgentWatcher, WatcherNotFound | NotOrgAdmin>
  }
>() {}
