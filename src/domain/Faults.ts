// What Postgres, its driver and the system say when the server is away, starting, stopping, or out of connections.
// https://www.postgresql.org/docs/current/errcodes-appendix.html: classes 08, 53 and 57P.
const codes =
  /^(08...|53300|57P0[1-5]|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/
const messages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed/

/** Whether a fault, or anything in its chain of causes, says that the database can't be reached. */
export const isDatabaseAway = (fault: unknown): boolean => {
  let at = fault
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth++) {
    const { cause, code, message } = at as { cause?: unknown; code?: unknown; message?: unknown }
    if (typeof code === "string" && codes.test(code)) return true
    if (typeof message === "string" && messages.test(message)) return true
    at = cause
  }
  return false
}
