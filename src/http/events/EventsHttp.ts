import { readEvents } from "../../services/events/ReadEvents.ts"
import { Api } from "../Api.ts"
import { group } from "../Handlers.ts"

export const EventsHttp = group(Api, "events", {
  read: ({ credential, query }) => readEvents(credential, query)
})
