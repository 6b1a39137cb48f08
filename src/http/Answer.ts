import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, type Schema } from "effect"
import { refuseForeignOrigin } from "./admission/Caller.ts"

/** Answers with what a workflow ends with, as its schema writes it. */
export const answer = <A, I, R0>(schema: Schema.Schema<A, I, R0>) => {
  const encode = HttpServerResponse.schemaJson(schema)
  return <E, R>(workflow: Effect.Effect<A, E, R>) => Effect.flatMap(workflow, (value) => Effect.orDie(encode(value)))
}

/** Begins a workflow that changes something only where the request comes from no foreign page. */
export const fromOwnOrigin =
  (request: HttpServerRequest.HttpServerRequest) =>
  <A, E, R>(workflow: Effect.Effect<A, E, R>) =>
    Effect.zipRight(refuseForeignOrigin(request), workflow)
