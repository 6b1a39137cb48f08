import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"

const HealthAnswer = Schema.Struct({ status: Schema.Literal("ok") }).annotations({
  identifier: "HealthAnswer",
  examples: [{ status: "ok" }]
})

/** The health checks of load balancers and orchestrators. */
export class HealthApi extends HttpApiGroup.make("health")
  .add(
    HttpApiEndpoint.get("live", "/health/live")
      .addSuccess(HealthAnswer)
      .annotate(OpenApi.Summary, "Whether the process runs")
  )
  .add(
    HttpApiEndpoint.get("ready", "/health/ready")
      .addSuccess(HealthAnswer)
      .annotate(OpenApi.Summary, "Whether the database answers and its migrations are done")
  )
  .annotate(OpenApi.Description, "Whether the service runs and can serve") {}
