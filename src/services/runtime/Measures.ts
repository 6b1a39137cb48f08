import { Cause, Duration, Effect, Exit, Metric, MetricBoundaries, Option } from "effect"
import { codeOf, type InstallError, Internal } from "../../domain/Errors.ts"
import type { Applied } from "../installation/TemplateMirror.ts"

/* What the service counts and measures; whoever runs it decides whether and where that goes. */

const seconds = MetricBoundaries.fromIterable([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

/** Installs, by `outcome` (created, updated, or the code of the refusal) and `template` (its id; none where it has none). */
export const installs = Metric.counter("agent_install.installs", {
  description: "Installs tried, by outcome and template",
  incremental: true
})

/** How long an install took, in seconds, by `outcome`. */
export const installDuration = Metric.histogram(
  "agent_install.install.duration",
  seconds,
  "Seconds an install took, by outcome"
)

/** Rows of templates that installs and resyncs went over, by `kind` and the `verdict` they met with. */
export const rowsMirrored = Metric.counter("agent_install.rows.mirrored", {
  description: "Template rows that installs and resyncs went over, by kind and verdict",
  incremental: true
})

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

/** What those who watch the service are told of an install besides its outcome. */
export interface Watched {
  /** The template's id, once the request has named one. */
  template: string
}

// Whatever comes of these, the template exists; an id that does not would be anybody's text as a label.
const knownToExist = new Set<InstallError["_tag"]>(["SelfInstall", "NotOrgAdmin", "SchemaCollision", "PlanStale"])

/** Counts the rows that an install or a resync went over, once it has landed. */
export const countRows = ({ verdicts }: Pick<Applied, "verdicts">): Effect.Effect<void> =>
  Effect.forEach(
    verdicts,
    ({ kind, rows, verdict }) => Effect.tagMetrics(Metric.incrementBy(rowsMirrored, rows), { kind, verdict }),
    { discard: true }
  )

/** Measures an install: its outcome, and how long it took. */
export const measuredInstall = <A extends Pick<Applied, "created">, E extends InstallError, R>(
  watched: Watched,
  install: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.exit(install).pipe(
    Effect.timed,
    Effect.tap(([took, exit]) => {
      const refusal = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
      const landed = Exit.isSuccess(exit) ? exit.value : undefined
      const outcome =
        landed === undefined
          ? Option.match(refusal, { onNone: () => Internal.code, onSome: codeOf })
          : landed.created
            ? "created"
            : "updated"
      const exists = landed !== undefined || Option.exists(refusal, ({ _tag }) => knownToExist.has(_tag))
      return Effect.all(
        [
          Effect.tagMetrics(Metric.increment(installs), { template: exists ? watched.template : "none" }),
          Metric.update(installDuration, Duration.toSeconds(took))
        ],
        { discard: true }
      ).pipe(Effect.tagMetrics({ outcome }))
    }),
    Effect.flatMap(([, exit]) => exit)
  )
