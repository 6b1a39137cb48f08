import { DateTime, Option, Schema } from "effect"
import { nextDue } from "../catalog/Schedule.ts"
import { listQuery, next, type PageKey } from "../Page.ts"

const exampleWatcher = {
  slug: "weekly-deadline-radar",
  name: "Deadlines",
  description: "Looks ahead each Monday",
  schedule: "0 7 * * 1",
  nextRunAt: DateTime.unsafeMake("2026-11-30T07:00:00Z"),
  pausedAt: null
}

/** A watcher of an installed agent: when it runs, and whether its person has paused it. */
export const AgentWatcher = Schema.Struct({
  slug: Schema.String,
  name: Schema.String,
  description: Schema.String,
  schedule: Schema.NullOr(Schema.String).annotations({ description: "A cron expression of five fields, in UTC." }),
  nextRunAt: Schema.NullOr(Schema.DateTimeUtc).annotations({
    description: "When it is due next; null while it is paused, and where it has no schedule."
  }),
  pausedAt: Schema.NullOr(Schema.DateTimeUtc).annotations({
    description: "Since when it is paused; null where it is not."
  })
}).annotations({
  identifier: "AgentWatcher",
  description: "A watcher of an agent, and when it runs.",
  examples: [exampleWatcher]
})
export type AgentWatcher = typeof AgentWatcher.Type

/** What `GET /api/agents/:id/watchers` answers: by slug. */
export const AgentWatchers = Schema.Struct({ watchers: Schema.Array(AgentWatcher), next }).annotations({
  identifier: "AgentWatchers",
  description: "A page of the watchers of an agent, by slug.",
  examples: [{ watchers: [exampleWatcher], next: null }]
})

/** The parameters of that list. */
export const WatchersQuery = Schema.Struct(listQuery("watchers"))

/** What the list is in the order of. */
export const orderOfWatchers = ({ slug }: AgentWatcher): PageKey => [slug]

/** What is done to a watcher. */
export type WatcherChange = "pause" | "resume"

/**
 * When a watcher that is resumed is due: as it was where that is still to come, else at the next time of its schedule, so that it
 * does not make up for what it slept through.
 */
export const dueOnResume = (schedule: string | null, due: Date | null, now: Date): Date | null =>
  due !== null && due > now ? due : schedule === null ? null : Option.getOrNull(nextDue(schedule, now))
