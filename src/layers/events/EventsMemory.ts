import { Effect, Layer } from "effect"
import { EventsGone } from "../../domain/Errors.ts"
import { isContinued } from "../../domain/events/Event.ts"
import { Events } from "../../services/events/Events.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** Events of the world, all of which are kept. */
export const EventsMemory = Layer.effect(
  Events,
  Effect.map(MemoryStore, ({ read }) =>
    Events.of({
      read: ({ after, limit }) =>
        Effect.flatMap(
          read((state) => state.events),
          (all) => {
            const kept = { first: 1, last: all.length }
            if (after !== undefined && !isContinued(kept, after)) return new EventsGone({ ...kept, after })
            const from = after ?? 0
            const events = all.slice(from, from + limit).map((event, at) => ({ ...event, number: from + at + 1 }))
            return Effect.succeed({ events, last: events.at(-1)?.number ?? after ?? kept.last })
          }
        )
    })
  )
)
