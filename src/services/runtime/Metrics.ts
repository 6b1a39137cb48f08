import { Metric, MetricBoundaries } from "effect"

/* What the service counts and measures; whoever runs it decides whether and where that goes. */

/** The buckets of a duration, in seconds. */
export const seconds = MetricBoundaries.fromIterable([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

/** Tries that a limiter refused, by `policy`. */
export const limiterRefusals = Metric.counter("agent_install.limiter.refusals", {
  description: "Tries refused by a limiter, by policy",
  incremental: true
})

/** Connections of the pool that are in use. */
export const poolInUse = Metric.gauge("agent_install.pool.in_use", {
  description: "Connections of the database pool that are in use"
})

/** Requests that wait for a connection of the pool. */
export const poolWaiting = Metric.gauge("agent_install.pool.waiting", {
  description: "Requests that wait for a connection of the database pool"
})

/** How long an answer took, in seconds, by `http.request.method`, `http.route` and `http.response.status_code`. */
export const requestDuration = Metric.histogram(
  "http.server.request.duration",
  seconds,
  "Seconds an answer took, by method, route and status"
)
