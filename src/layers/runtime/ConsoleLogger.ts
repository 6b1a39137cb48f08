import { Console } from "node:console"
import { Array as Arr, Cause, type Layer, Logger, LogLevel, Predicate } from "effect"
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

const gatherMillis = 10
const maxGathered = 64 * 1024

/**
 * Writes lines together: what comes within ten milliseconds, since a write waits for whoever reads. A line that can't wait takes
 * with it what was gathered before, and so does the end of the process, also by a fault that nobody catches.
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
 * Log lines on the console. A server's, which are JSON on the standard output, are written together, but for warnings and errors,
 * which are written at once.
 */
export const ConsoleLogger = (to: ConsoleLoggerOptions): Layer.Layer<never> => {
  if (to.terminal) {
    const pretty = Logger.prettyLogger({ stderr: to.error, colors: to.colors })
    return Logger.replace(Logger.defaultLogger, Logger.mapInput(withCleanCauses(pretty), scrubMessage))
  }
  const json = Logger.map(withCleanCauses(Logger.jsonLogger), scrub)
  if (to.error) return Logger.replace(Logger.defaultLogger, Logger.withConsoleError(json))
  const write = gathering(process.stdout)
  return Logger.replace(
    Logger.defaultLogger,
    Logger.make((options) => write(json.log(options), LogLevel.lessThan(options.logLevel, LogLevel.Warning)))
  )
}
