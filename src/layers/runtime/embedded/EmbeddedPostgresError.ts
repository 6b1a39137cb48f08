import { Data } from "effect"

/** Why this process can't run a Postgres of its own, in one line that also says what to set instead. */
export class EmbeddedPostgresError extends Data.TaggedError("EmbeddedPostgresError")<{ readonly reason: string }> {
  override get message() {
    return `Embedded Postgres cannot run: ${this.reason}. Set DATABASE_URL to use a Postgres of your own, or change DATA_DIR.`
  }
}

/** The message of an error that a node call threw, as a reason. */
export const fromCause = (cause: unknown) =>
  new EmbeddedPostgresError({ reason: cause instanceof Error ? cause.message : String(cause) })
