import { Clock, Duration, Effect } from "effect"
import type { EventsGone, InvalidRequest, NotGateway } from "../../domain/Errors.ts"
import type { EventPage, EventsQuery } from "../../domain/events/Event.ts"
import type { Credential } from "../account/Auth.ts"
import { Gateway } from "../identity/Gateway.ts"
import { traced } from "../runtime/Traced.ts"
import { Events } from "./Events.ts"

const pause = Duration.millis(250)

/** The events after a number, for the gateway; where there is none yet, after a wait for the first at most. */
export const readEvents: <R>(
  credential: Credential,
  query: Effect.Effect<EventsQuery, InvalidRequest, R>
) => Effect.Effect<EventPage, NotGateway | InvalidRequest | EventsGone, Gateway | Events | R> = traced("readEvents")(
  function* (credential, query) {
    const gateway = yield* Gateway
    const events = yield* Events
    yield* gateway.identify(credential)
    const { wait, ...page } = yield* query
    const until = (yield* Clock.currentTimeMillis) + wait * 1_000
    while (true) {
      const read = yield* events.read(page)
      if (read.events.length > 0 || (yield* Clock.currentTimeMillis) >= until) return read
      yield* Effect.sleep(pause)
    }
  }
)
