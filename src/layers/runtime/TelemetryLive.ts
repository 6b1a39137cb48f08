import { randomUUID } from "node:crypto"
// Imported by its module: the package's index loads every OpenTelemetry SDK, none of which is used.
import * as OtlpLogger from "@effect/opentelemetry/OtlpLogger"
import * as OtlpMetrics from "@effect/opentelemetry/OtlpMetrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import { FetchHttpClient, HttpBody } from "@effect/platform"
import { Effect, Layer, Logger, Predicate, Struct } from "effect"
import { scrub } from "../../domain/Scrub.ts"
import { withCleanCauses } from "./ConsoleLogger.ts"

export interface TelemetryOptions {
  /** The address of an OTLP receiver over HTTP, as `http://localhost:4318`. */
  readonly endpoint: string
  readonly version: string
}

const json = (data: unknown) => HttpBody.text(scrub(JSON.stringify(data)), "application/json")

// A span names the error it ended with. The error's message may quote a client, and a fault's is in the log of the same
// trace.
const withoutMessages = (key: string, value: unknown): unknown => {
  if (key === "status" && Predicate.hasProperty(value, "message")) return Struct.omit(value, "message")
  if (key !== "attributes" || !Array.isArray(value)) return value
  return value.filter((one) => one.key !== "exception.message" && one.key !== "exception.stacktrace")
}

const traces = (data: unknown) => json(JSON.parse(JSON.stringify(data, withoutMessages)))

const ScrubbedJson = Layer.succeed(OtlpSerialization.OtlpSerialization, { traces, metrics: json, logs: json })

/** Sends traces, metrics and logs by OTLP; sends what is left when it is released. */
export const TelemetryLive = ({ endpoint, version }: TelemetryOptions): Layer.Layer<never> => {
  // Several processes of one service are counted separately.
  const attributes = { "service.instance.id": randomUUID(), "process.pid": process.pid }
  const resource = { serviceName: "agent-install", serviceVersion: version, attributes }
  const url = (signal: string) => `${endpoint.replace(/\/+$/, "")}/v1/${signal}`
  return Layer.mergeAll(
    OtlpTracer.layer({ url: url("traces"), resource }),
    OtlpMetrics.layer({ url: url("metrics"), resource }),
    Logger.addScoped(Effect.map(OtlpLogger.make({ url: url("logs"), resource }), withCleanCauses))
  ).pipe(Layer.provide([ScrubbedJson, FetchHttpClient.layer]))
}
