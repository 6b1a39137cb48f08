import { Cause, Duration, Effect, Exit, Metric, Option } from "effect"
import { codeOf, type InstallError, Internal } from "../../domain/Errors.ts"
import { seconds, updateLabelled } from "../runtime/Metrics.ts"
import type { Applied } from "./TemplateMirror.ts"

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

/** Rows of templates that installs and resyncs have judged, by `kind` and `verdict`. */
export const rowsMirrored = Metric.counter("agent_install.rows.mirrored", {
  description: "Template rows that installs and resyncs went over, by kind and verdict",
  incremental: true
})

/** The labels of an install besides its outcome. */
export interface InstallLabels {
  /** The template's id, once the request has named one. */
  template: string
}

// Refusals that imply that the template exists: with any other, the id might be a client's text, which must not become a label.
const knownToExist = new Set<InstallError["_tag"]>(["SelfInstall", "NotOrgAdmin", "SchemaCollision", "PlanStale"])

/** Counts the rows that an install or a resync has judged, once it has succeeded. */
export const countRows = ({ verdicts }: Pick<Applied, "verdicts">): Effect.Effect<void> =>
  Effect.forEach(verdicts, ({ kind, rows, verdict }) => updateLabelled(rowsMirrored, rows, { kind, verdict }), {
    discard: true
  })

/** Measures an install: its outcome, and how long it took. */
export const measuredInstall = <A extends Pick<Applied, "created">, E extends InstallError, R>(
  labels: InstallLabels,
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
      return Effect.zipRight(
        updateLabelled(installs, 1, { outcome, template: exists ? labels.template : "none" }),
        updateLabelled(installDuration, Duration.toSeconds(took), { outcome })
      )
    }),
    Effect.flatMap(([, exit]) => exit)
  )
