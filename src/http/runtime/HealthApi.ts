import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"

const HealthAnswer = Schema.Struct({ status: Schema.Literal("ok") }).annotations({
  identifier: "HealthAnswer",
  description: "Whether the service is well.",
  examples: [{ status: "ok" }]
})

/** The health checks of load balancers and orchestrators. */
export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/health/live")
      .addSuccess(HealthAnswer)
      .annotateContext(
        OpenApi.annotations({
          identifier: "checkLive",
          summary: "Whether the process runs",
          description: "Asks nothing of the database."
        })
      )
  )
  .add(
    HttpApiEndpoint.get("ready", "/health/ready")
      .addSuccess(HealthAnswer)
      .annotateContext(
        OpenApi.annotations({
          identifier: "checkReady",
          summary: "Whether the database answers and its migrations are done",
          description: "Answers 503 until they do, with Retry-After."
        })
      )
  )
  .annotate(OpenApi.Description, "Whether the service runs and can serve") {}
