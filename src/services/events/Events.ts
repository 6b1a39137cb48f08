import { Context, type Effect } from "effect"
import type { EventsGone } from "../../domain/Errors.ts"
import type { EventPage, EventsQuery } from "../../domain/events/Event.ts"

/** What happened in all organizations, in order. Other services write it, each in the step that it is about. */
export class Events extends Context.Tag("agent-install/Events")<
  Events,
  {
    /**
     * The events after a number, oldest first. Nothing that lands later has a number at or before one that was read. Refused
     * where events after that number are not kept any more, or the number was never given.
     */
    readonly read: (page: Omit<EventsQuery, "wait">) => Effect.Effect<EventPage, EventsGone>
  }
>() {}
