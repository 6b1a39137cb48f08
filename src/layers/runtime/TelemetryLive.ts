import { Console } from "node:console"
import { randomUUID } from "node:crypto"
// By module: the package's index loads every SDK of OpenTelemetry, none of which is used.
import * as OtlpLogger from "@effect/opentelemetry/OtlpLogger"
import * as OtlpMetrics from "@effect/opentelemetry/OtlpMetrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import { FetchHttpClient, HttpBody } from "@effect/platform"
import { Array as Arr, Cause, Effect, Layer, Logger, LogLevel, Option, Predicate, Struct } from "effect"
import { scrub, withoutValues } from "../../domain/Scrub.ts"

export interface TelemetryOptions {
  /** Where an OTLP receiver listens for HTTP, as `http://localhost:4318`; none sends nothing. */
  readonly endpoint: Option.Option<string>
  readonly version: string
}

const json = (data: unknown) => HttpBody.text(scrub(JSON.stringify(data)), "application/json")

// A span names the error it ended with; what that says may quote a client, and a fault's is in the log of the same trace.
const withoutMessages = (key: string, value: unknown): unknown => {
  if (key === "status" && Predicate.hasProperty(value, "message")) return Struct.omit(value, "message")
  if (key !== "attributes" || !Array.isArray(value)) return value
  return value.filter((one) => one.key !== "exception.message" && one.key !== "exception.stacktrace")
}

const traces = (data: unknown) => json(JSON.parse(JSON.stringify(data, withoutMessages)))

const ScrubbedJson = Layer.succeed(OtlpSerialization.OtlpSerialization, { traces, metrics: json, logs: json })

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
 * The logger, told faults without the values in them. An error beside the message is told as a cause: as an object it would
 * show all that its library hangs on it.
 */
export const withCleanCauses = <Output>(logger: Logger.Logger<unknown, Output>): Logger.Logger<unknown, Output> =>
  Logger.mapInputOptions(logger, (options: Logger.Logger.Options<unknown>) => {
    const [told, errors] = Arr.partition(Arr.ensure(options.message), Predicate.isError)
    return {
      ...options,
      message: told,
      cause: cleanCause(errors.map(Cause.die).reduce(Cause.sequential, options.cause))
    }
  })

/**
 * Sends traces, metrics and logs by OTLP, what is left of them when it is released. Where there is no endpoint nothing is sent, and
 * no span is made that nobody would collect.
 */
export const TelemetryLive = ({ endpoint, version }: TelemetryOptions): Layer.Layer<never> =>
  Option.match(endpoint, {
    onNone: () => Layer.setTracerEnabled(false),
    onSome: (address) => {
      // Several processes of one service count apart.
      const attributes = { "service.instance.id": randomUUID(), "process.pid": process.pid }
      const resource = { serviceName: "agent-install", serviceVersion: version, attributes }
      const url = (signal: string) => `${address.replace(/\/+$/, "")}/v1/${signal}`
      return Layer.mergeAll(
        OtlpTracer.layer({ url: url("traces"), resource }),
        OtlpMetrics.layer({ url: url("metrics"), resource }),
        Logger.addScoped(Effect.map(OtlpLogger.make({ url: url("logs"), resource }), withCleanCauses))
      ).pipe(Layer.provide([ScrubbedJson, FetchHttpClient.layer]))
    }
  })

const scrubMessage = (message: unknown): unknown =>
  Array.isArray(message) ? message.map(scrubMessage) : typeof message === "string" ? scrub(message) : message

const gatherMillis = 10
const mostGathered = 64 * 1024

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
    if (!canWait || size > mostGathered) flush()
  }
}

/**
 * Log lines: to be read on a terminal, else a JSON object a line; on the standard error where the output is for an answer. Warnings
 * and errors are written at once.
 */
export const ConsoleLogger = (to: { readonly terminal: boolean; readonly error: boolean }): Layer.Layer<never> => {
  if (to.terminal) {
    const pretty = Logger.mapInput(withCleanCauses(Logger.prettyLogger({ stderr: to.error })), scrubMessage)
    return Logger.replace(Logger.defaultLogger, pretty)
  }
  const write = gathering(to.error ? process.stderr : process.stdout)
  const { log } = withCleanCauses(Logger.jsonLogger)
  return Logger.replace(
    Logger.defaultLogger,
    Logger.make((options) => write(scrub(log(options)), LogLevel.lessThan(options.logLevel, LogLevel.Warning)))
  )
}
