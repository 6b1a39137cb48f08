/** What happened in organizations, for other programs. */
export { EventsGone, NotGateway } from "../domain/Errors.ts"
export { Event, EventPage, EventsQuery, eventChannel } from "../domain/events/Event.ts"
export { Events } from "../services/events/Events.ts"
export { readEvents } from "../services/events/ReadEvents.ts"
