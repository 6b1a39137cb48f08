import { Predicate } from "effect"

/*
 * What a fault says about the database, whichever library it came through. The codes are those of Postgres (SQLSTATE), of its driver
 * and of the operating system: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

interface Cause {
  readonly cause?: unknown
  readonly code?: unknown
  readonly constraint?: unknown
  readonly message?: unknown
}

/** What a fault and its causes say under that name, where it is text. */
const textsOf = (fault: unknown, name: "code" | "constraint" | "message"): ReadonlyArray<string> => {
  const causes = new Set<Cause>()
  let at = fault
  while (typeof at === "object" && at !== null && !causes.has(at)) {
    const cause: Cause = at
    causes.add(cause)
    at = cause.cause
  }
  return Array.from(causes, (cause) => cause[name]).filter(Predicate.isString)
}

/** The code of a fault, or of the first of its causes that has one. */
export const sqlStateOf = (fault: unknown): string | undefined => textsOf(fault, "code")[0]

/** The name of the constraint or unique index that a fault violated. */
export const constraintOf = (fault: unknown): string | undefined => textsOf(fault, "constraint")[0]

/** A row to be deleted is still referred to, or a row to be referred to does not exist. */
export const foreignKeyViolation = "23503"

// Unreachable, starting or stopping (08, 57P, the system's); out of connections, memory or disk (53); read-only, as a standby is
// (25006); a lock or an answer that took too long (55P03, 57014); idle for too long in a transaction (25P03, 25P04); a file that can't
// be written (58030).
const unavailable =
  /^(08...|53...|57P0[1-5]|57014|55P03|25006|25P0[34]|58030|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/
const driverSays =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed/

// Conflicts with other transactions: serialization_failure, deadlock_detected.
const transient = /^(40001|40P01)$/

// No write succeeds until the operator has fixed it.
const unwritable = /^(53100|53200|58030|25006)$/

const hasCode = (fault: unknown, codes: RegExp) => textsOf(fault, "code").some((code) => codes.test(code))

/** Whether a fault is a conflict with another transaction, so that the same step may succeed when it is retried. */
export const isTransient = (fault: unknown): boolean => hasCode(fault, transient)

/** Whether a fault says that the database is unavailable for now, and the request may be repeated later. */
export const isUnavailable = (fault: unknown): boolean =>
  hasCode(fault, unavailable) ||
  isTransient(fault) ||
  textsOf(fault, "message").some((message) => driverSays.test(message))

/** Whether a fault says that nothing can be written, though the database answers: its disk is full, or it is read-only. */
export const isUnwritable = (fault: unknown): boolean => hasCode(fault, unwritable)
