import { Array as Arr, Cause, type Layer, Logger, Predicate } from "effect"
import { scrub, withoutValues } from "../../domain/Scrub.ts"

const cleanCause = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.match(cause, {
    onEmpty: Cause.empty as Cause.Cause<unknown>,
    onFail: (error) => Cause.fail(withoutValues(error)),
    onDie: (defect) => Cause.die(withoutValues(defect)),
    onInterrupt: Cause.interrupt,
    onSequential: (left, right) => Cause.sequential(left, right),
    onParallel: (left, right) => Cause.parallel(left, right)
  })

/**
 * The logger, which gets faults without the values in them. An error beside the message becomes a cause: as an object it would
 * show all that its library hangs on it.
 */
export const withCleanCauses = <Output>(logger: Logger.Logger<unknown, Output>): Logger.Logger<unknown, Output> =>
  Logger.mapInputOptions(logger, (options: Logger.Logger.Options<unknown>) => {
    const [messages, errors] = Arr.partition(Arr.ensure(options.message), Predicate.isError)
    return {
      ...options,
      message: messages,
      cause: cleanCause(errors.map(Cause.die).reduce(Cause.sequential, options.cause))
    }
  })

const scrubMessage = (message: unknown): unknown =>
  Array.isArray(message) ? message.map(scrubMessage) : typeof message === "string" ? scrub(message) : message

export interface ConsoleLoggerOptions {
  /** Whether somebody reads the lines on a terminal; else each is a JSON object. */
  readonly terminal: boolean
  readonly colors: boolean
  /** Whether they go to the standard error, since the standard output is for an answer. */
  readonly error: boolean
}

/** Log lines on the console. */
export const ConsoleLogger = (to: ConsoleLoggerOptions): Layer.Layer<never> => {
  const write = to.error ? Logger.withConsoleError : Logger.withConsoleLog
  return Logger.replace(
    Logger.defaultLogger,
    to.terminal
      ? Logger.mapInput(withCleanCauses(Logger.prettyLogger({ stderr: to.error, colors: to.colors })), scrubMessage)
      : write(Logger.map(withCleanCauses(Logger.jsonLogger), scrub))
  )
}
