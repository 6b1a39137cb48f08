import { Effect, Metric, MetricBoundaries, MetricLabel } from "effect"

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

/** The labels of a metric, by name. */
export type Labels = Readonly<Record<string, string | number>>

const labelsByText = new Map<string, ReadonlyArray<MetricLabel.MetricLabel>>()

/** Labels as a metric takes them. Equal ones are the same array, by which it finds at once what it has counted under them. */
export const labelsOf = (labels: Labels): ReadonlyArray<MetricLabel.MetricLabel> => {
  const text = JSON.stringify(labels)
  const before = labelsByText.get(text)
  if (before !== undefined) return before
  const made = Object.entries(labels).map(([name, value]) => MetricLabel.make(name, String(value)))
  labelsByText.set(text, made)
  return made
}

/** Updates a metric under labels, beside those that the fiber has (`Effect.tagMetrics`). */
export const updateLabelled = <Type, In, Out>(
  metric: Metric.Metric<Type, In, Out>,
  input: In,
  labels: Labels
): Effect.Effect<void> =>
  Effect.map(Effect.metricLabels, (others) =>
    metric.unsafeUpdate(input, others.length === 0 ? labelsOf(labels) : [...labelsOf(labels), ...others])
  )
