import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { EventsGone, InvalidRequest, NotGateway } from "../../domain/Errors.ts"
import { EventPage, EventsQuery } from "../../domain/events/Event.ts"
import { gateway } from "../Contract.ts"
import { problem } from "../Problem.ts"

/** What happened, for other programs. */
export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.get("read", "/api/events")
      .setUrlParams(EventsQuery)
      .addSuccess(EventPage)
      .addError(problem(NotGateway))
      .addError(problem(InvalidRequest))
      .addError(problem(EventsGone))
      .annotateContext(
        OpenApi.annotations({
          identifier: "readEvents",
          summary: "What happened in all organizations",
          description:
            "In the order of their numbers, each written in the transaction that it is about; with wait, answered as soon as there is one. Kept for EVENTS_DAYS days.",
          transform: gateway
        })
      )
  )
  .annotate(OpenApi.Description, "What happened, for other programs, by the gateway's bearer token") {}
