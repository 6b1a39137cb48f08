import { Console } from "node:console"
import { Array as Arr, Cause, HashMap, Iterable, type Layer, Logger, LogLevel, Predicate } from "effect"
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
 * The logger, with the values in faults removed. An error beside the message becomes a cause: as an object it would
 * show everything that its library attaches to it.
 */
export const withCleanCauses = <Output>(logger: Logger.Logger<unknown, Output>): Logger.Logger<unknown, Output> =>
  Logger.mapInputOptions(logger, (options: Logger.Logger.Options<unknown>) => {
    const [messages, errors] = Arr.partition(Arr.ensure(options.message), Predicate.isError)
    if (Cause.isEmptyType(options.cause) && errors.length === 0) return options
    return {
      ...options,
      message: messages,
      cause: cleanCause(errors.map(Cause.die).reduce(Cause.sequential, options.cause))
    }
  })

const scrubMessage = (message: unknown): unknown =>
  Array.isArray(message) ? message.map(scrubMessage) : typeof message === "string" ? scrub(message) : message

/** A line as `Logger.jsonLogger` writes it, for less where it holds no object, which alone can be circular or redacted. */
const jsonLogger: Logger.Logger<unknown, string> = Logger.make((options) => {
  const values = Iterable.appendAll(Arr.ensure(options.message), HashMap.values(options.annotations))
  return Iterable.some(values, Predicate.isObject)
    ? Logger.jsonLogger.log(options)
    : JSON.stringify(Logger.structuredLogger.log(options))
})

export interface ConsoleLoggerOptions {
  /** Whether a person reads the lines on a terminal; otherwise each is a JSON object. */
  readonly terminal: boolean
  readonly colors: boolean
  /** Whether they go to the standard error, because the standard output is for an answer. */
  readonly error: boolean
}

const gatherMillis = 10
const maxGathered = 64 * 1024

/**
 * Writes lines in batches of ten milliseconds, since a write blocks until it is read. A line that can't wait is written
 * at once with all lines before it, and so are the last lines of the process, even if an uncaught fault ends it.
 */
const gathering = (stdout: NodeJS.WriteStream) => {
  const console = new Console({ stdout, ignoreErrors: true })
  let gathered: Array<string> = []
  let size = 0
  const flush = () => {
    if (gathered.length > 0) console.log(gathered.join("\n"))
    gathered = []
    size = 0
  }
  process.once("exit", flush)
  return (line: string, canWait: boolean) => {
    if (gathered.length === 0 && canWait) setTimeout(flush, gatherMillis).unref()
    gathered.push(line)
    size += line.length
    if (!canWait || size > maxGathered) flush()
  }
}

/**
 * Log lines on the console. A server's lines, JSON on the standard output, are written in batches, except for warnings
 * and errors, which are written at once.
 */
export const ConsoleLogger = (to: ConsoleLoggerOptions): Layer.Layer<never> => {
  if (to.terminal) {
    const pretty = Logger.prettyLogger({ stderr: to.error, colors: to.colors })
    return Logger.replace(Logger.defaultLogger, Logger.mapInput(withCleanCauses(pretty), scrubMessage))
  }
  const json = Logger.map(withCleanCauses(jsonLogger), scrub)
  if (to.error) return Logger.replace(Logger.defaultLogger, Logger.withConsoleError(json))
  const write = gathering(process.stdout)
  return Logger.replace(
    Logger.defaultLogger,
    Logger.make((options) => write(json.log(options), LogLevel.lessThan(options.logLevel, LogLevel.Warning)))
  )
}
