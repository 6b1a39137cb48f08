import { randomUUID } from "node:crypto"
// By module: the package's index loads every SDK of OpenTelemetry, none of which is used.
import * as OtlpLogger from "@effect/opentelemetry/OtlpLogger"
import * as OtlpMetrics from "@effect/opentelemetry/OtlpMetrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import { FetchHttpClient, HttpBody } from "@effect/platform"
import { Layer, Logger, Option } from "effect"
import { scrub } from "../domain/Scrub.ts"

export interface TelemetryOptions {
  /** Where an OTLP receiver listens for HTTP, as `http://localhost:4318`; none sends nothing. */
  readonly endpoint: Option.Option<string>
  readonly version: string
}

const json = (data: unknown) => HttpBody.text(scrub(JSON.stringify(data)), "application/json")

const ScrubbedJson = Layer.succeed(OtlpSerialization.OtlpSerialization, { traces: json, metrics: json, logs: json })

/** Sends traces, metrics and logs by OTLP, what is left of them when it is released; nothing where there is no endpoint. */
export const TelemetryLive = ({ endpoint, version }: TelemetryOptions): Layer.Layer<never> =>
  Option.match(endpoint, {
    onNone: () => Layer.empty,
    onSome: (address) => {
      // Several processes of one service count apart.
      const attributes = { "service.instance.id": randomUUID(), "process.pid": process.pid }
      const resource = { serviceName: "agent-install", serviceVersion: version, attributes }
      const url = (signal: string) => `${address.replace(/\/+$/, "")}/v1/${signal}`
      return Layer.mergeAll(
        OtlpTracer.layer({ url: url("traces"), resource }),
        OtlpMetrics.layer({ url: url("metrics"), resource }),
        OtlpLogger.layer({ url: url("logs"), resource })
      ).pipe(Layer.provide([ScrubbedJson, FetchHttpClient.layer]))
    }
  })

const scrubMessage = (message: unknown): unknown =>
  Array.isArray(message) ? message.map(scrubMessage) : typeof message === "string" ? scrub(message) : message

/** Log lines: to be read on a terminal, else a JSON object a line; on the standard error where the output is for an answer. */
export const ConsoleLogger = (to: { readonly terminal: boolean; readonly error: boolean }): Layer.Layer<never> => {
  const write = to.error ? Logger.withConsoleError : Logger.withConsoleLog
  return Logger.replace(
    Logger.defaultLogger,
    to.terminal
      ? Logger.mapInput(Logger.prettyLogger({ stderr: to.error }), scrubMessage)
      : write(Logger.map(Logger.jsonLogger, scrub))
  )
}
