import { HttpApiSchema } from "@effect/platform"
import { Effect, HashMap, Option, Schema } from "effect"
import { type AnyRefusal, type Refusal, refusals } from "../domain/Errors.ts"

const isUuid = Schema.is(Schema.UUID)

/** The id of a request, as its log lines say it: sent as `x-request-id` and as a problem's `instance`. */
export const requestIdAmong = (annotations: HashMap.HashMap<string, unknown>): string =>
  HashMap.get(annotations, "requestId").pipe(
    Option.filter(isUuid),
    Option.getOrElse(() => "00000000-0000-0000-0000-000000000000")
  )

/** The id of the request being answered: a random UUID. */
export const currentRequestId: Effect.Effect<string> = Effect.map(Effect.logAnnotations, requestIdAmong)

/** The media type of every refusal (RFC 9457). */
export const problemMediaType = "application/problem+json"

/** The members that every refusal's body has; the fields of its error are extension members beside them. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly error: string
  readonly message: string
  readonly _tag: string
}

/**
 * How an error is sent: as a problem body of RFC 9457 with the status, code and title that its class states. The schema
 * serves the server (which encodes), derived clients (which decode the error) and the OpenAPI document.
 */
export const problem = <Self extends Error, Tag extends string, Fields extends Schema.Struct.Fields>(
  error: Schema.TaggedErrorClass<Self, Tag, Fields> & Refusal
): Schema.Schema<Self, ProblemBody> => {
  const fields: Schema.Struct.Fields = error.fields
  const body = Schema.Struct({
    ...fields,
    type: Schema.Literal(`/docs/errors#${error.code}`),
    title: Schema.Literal(error.title),
    status: Schema.Literal(error.status),
    detail: Schema.String,
    instance: Schema.String.annotations({ description: "urn:uuid: and the id of the request" }),
    error: Schema.Literal(error.code),
    message: Schema.String.annotations({ description: "The text of detail" }),
    _tag: Schema.Literal(error._tag)
  })
  const wire = Schema.transformOrFail(body, Schema.typeSchema(error), {
    strict: false,
    decode: (members) => Effect.succeed(Reflect.construct(error, [members])),
    encode: (self: Self) =>
      Effect.map(currentRequestId, (requestId) => ({
        ...self,
        type: `/docs/errors#${error.code}`,
        title: error.title,
        status: error.status,
        detail: self.message,
        instance: `urn:uuid:${requestId}`,
        error: error.code,
        message: self.message,
        _tag: error._tag
      }))
  }).annotations({
    ...HttpApiSchema.annotations({ status: error.status, description: error.title }),
    [HttpApiSchema.AnnotationEncoding]: { kind: "Json", contentType: problemMediaType }
  })
  // The fields of the error are known here only by their type parameter, so the types of the transformation are loose.
  return wire as unknown as Schema.Schema<Self, ProblemBody>
}

/** The class of an error that says how it is answered. */
export type RefusalClass = Schema.TaggedErrorClass<Error, string, Schema.Struct.Fields> & Refusal

/** Errors, as they are sent, in their order. */
export const problems = <Errors extends ReadonlyArray<Refusal & { readonly prototype: Error }>>(
  errors: Errors
): Schema.Schema<Errors[number]["prototype"], ProblemBody> =>
  Schema.Union(...errors.map((error) => problem(error as unknown as RefusalClass))) as unknown as Schema.Schema<
    Errors[number]["prototype"],
    ProblemBody
  >

/** Any refusal, as it is sent. */
export const anyProblem = problems(refusals)

/** The body of a refusal. */
export const problemOf = (refusal: AnyRefusal): Effect.Effect<ProblemBody> =>
  Effect.orDie(Schema.encode(anyProblem)(refusal))
