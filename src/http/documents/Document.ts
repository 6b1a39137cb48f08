import { Effect, Option, Predicate, Record, Schema } from "effect"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { type AnyRefusal, refusals } from "../../domain/Errors.ts"
import { anyProblem, currentRequestId, problemMediaType } from "../Problem.ts"

/*
 * What HttpApi does not put into the OpenAPI document: examples in the right places, the header fields of answers, and
 * that every refusal is a problem.
 */

/** The parts of an OpenAPI document that this file reads. */
export interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly tags: ReadonlyArray<{ readonly name: string; readonly description?: string }>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly securitySchemes?: Readonly<Record<string, { readonly description?: string }>>
    readonly headers?: Readonly<Record<string, { readonly description: string }>>
  }
}
export interface Operation {
  readonly operationId: string
  readonly tags?: ReadonlyArray<string>
  readonly summary?: string
  readonly description?: string
  readonly security?: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly parameters?: ReadonlyArray<{
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: JsonSchema
  }>
  readonly requestBody?: { readonly content: Content; readonly required?: boolean }
  readonly responses: Readonly<Record<string, Response>>
}
export interface Response {
  readonly description: string
  readonly content?: Content
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>
}
export type Content = Readonly<Record<string, Media>>
export interface Media {
  readonly schema: JsonSchema
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>
}
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly enum?: ReadonlyArray<unknown>
  readonly examples?: ReadonlyArray<unknown>
  readonly pattern?: string
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

/** The name of the component that a schema refers to; empty if it refers to none. */
export const nameOf = ({ $ref = "" }: JsonSchema): string => $ref.replace(/^#\/components\/schemas\//, "")

const requestId = "5f2f1a52-6f7e-4a58-9a5b-2f0a4b1f2c3d"

/** A refusal's example, as it is sent. */
export const exampleProblem = (refusal: AnyRefusal) =>
  Schema.encode(anyProblem)(refusal).pipe(Effect.locally(currentRequestId, requestId), Effect.runSync)

const problemOf = (tag: string) =>
  Option.map(Option.fromNullable(refusals.find((refusal) => refusal._tag === tag)), ({ _tag, code, title }) => ({
    code,
    summary: title,
    value: exampleProblem(errorGuide[_tag].example)
  }))

type Schemas = Document["components"]["schemas"]

const withExamples = (content: Content, schemas: Schemas): Content =>
  Record.map(content, (media, mediaType) => {
    if (mediaType !== problemMediaType) {
      const example = schemas[nameOf(media.schema)]?.examples?.[0]
      return example === undefined ? media : { ...media, example }
    }
    const problems = (media.schema.anyOf ?? [media.schema]).flatMap((schema) =>
      Option.toArray(problemOf(nameOf(schema)))
    )
    return {
      ...media,
      examples: Object.fromEntries(problems.map(({ code, summary, value }) => [code, { summary, value }]))
    }
  })

const text = (description: string) => ({ description, schema: { type: "string" } })

const headers = {
  "x-request-id": text("The id of the request, also the uuid of a problem's instance."),
  ratelimit: text("What is left of the budget (draft-ietf-httpapi-ratelimit-headers-11)."),
  "ratelimit-policy": text("The budget: tries and seconds."),
  "accept-encoding": text("The accepted encodings of a body: only identity."),
  "retry-after": text("Seconds after which a retry makes sense."),
  "www-authenticate": text("How to authenticate."),
  etag: text("Identifies this content; revalidate with If-None-Match.")
}

const headersOf = (operation: Operation, status: string): ReadonlyArray<keyof typeof headers> => {
  // The gateway's budget depends on the body, so a body that can't be read spends none.
  const unread = operation.security?.some((one) => "gateway" in one) === true && ["400", "413", "415"].includes(status)
  const limited = "429" in operation.responses && status !== "401" && status !== "403" && !unread
  return [
    "x-request-id",
    ...(limited ? (["ratelimit", "ratelimit-policy"] as const) : []),
    ...(status === "429" || status === "503" ? (["retry-after"] as const) : []),
    ...(status === "415" ? (["accept-encoding"] as const) : []),
    ...(status === "401" ? (["www-authenticate"] as const) : []),
    ...("304" in operation.responses && Number(status) < 400 ? (["etag"] as const) : [])
  ]
}

// HttpApi documents its own error for requests that it decodes, which this service sends as InvalidRequest, and
// documents several errors of one status as plain JSON. Every refusal is sent as a problem, so the document says that
// and drops all others.
const asProblems = ({ content = {}, description }: Response): Option.Option<Response> => {
  const anyOf = Object.values(content)
    .flatMap(({ schema }) => schema.anyOf ?? [schema])
    .filter((schema) => nameOf(schema) !== "HttpApiDecodeError")
  const [only] = anyOf
  if (only === undefined) return Option.none()
  return Option.some({
    description: anyOf.length === 1 ? description : "Refused; error says why",
    content: { [problemMediaType]: { schema: anyOf.length === 1 ? only : { anyOf } } }
  })
}

const completeOperation =
  (schemas: Schemas) =>
  ({ requestBody, ...operation }: Operation): Operation => {
    const responses = Record.filterMap(operation.responses, (response, status) =>
      Number(status) < 400 ? Option.some(response) : asProblems(response)
    )
    return {
      ...operation,
      ...(requestBody === undefined
        ? {}
        : { requestBody: { ...requestBody, content: withExamples(requestBody.content, schemas) } }),
      responses: Record.map(responses, (response, status) => ({
        ...response,
        ...(response.content === undefined ? {} : { content: withExamples(response.content, schemas) }),
        headers: Object.fromEntries(
          headersOf({ ...operation, responses }, status).map((name) => [name, { $ref: `#/components/headers/${name}` }])
        )
      }))
    }
  }

// The generator gives some schemas an $id of its own, the same wherever they occur, which tools reject as a duplicate.
const withoutIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (!Predicate.isRecord(value)) return value
  const kept = Object.entries(value).filter(([key, id]) => key !== "$id" || !String(id).startsWith("/schemas/"))
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]))
}

/** The names of the schemas that occur in request bodies. */
const schemasOfRequests = ({ components, paths }: Document): ReadonlySet<string> => {
  const names = new Set<string>()
  const open: Array<unknown> = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .map(({ requestBody }) => requestBody)
  while (open.length > 0) {
    for (const [, name = ""] of JSON.stringify(open.pop() ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (names.has(name)) continue
      names.add(name)
      open.push(components.schemas[name])
    }
  }
  return names
}

/** A schema whose objects have no other members than those it names, since that is how requests are read. */
const closed = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (_key, inner) =>
    Predicate.isRecord(inner) && "properties" in inner && "additionalProperties" in inner
      ? { ...inner, additionalProperties: false }
      : inner
  )

const securitySchemes = {
  session: {
    type: "apiKey",
    in: "cookie",
    name: "better-auth.session_token",
    description: "The cookie that a sign-in sets; its name begins with __Secure- where BASE_URL is https."
  },
  bearer: { type: "http", scheme: "bearer", description: "The token of the set-auth-token header of a sign-in." },
  key: {
    type: "http",
    scheme: "bearer",
    description:
      "A key of a publisher, made by POST /api/publishers/{slug}/keys: with the scope read it sees, with publish it publishes too."
  },
  gateway: { type: "http", scheme: "bearer", description: "The service's GATEWAY_TOKEN." }
}

/** Completes the document: an example of every body, the header fields of every answer, and the server. */
export const complete = (generated: Record<string, unknown>): Record<string, unknown> => {
  const document = withoutIds(generated) as Document
  const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = document.components.schemas
  const ofRequests = schemasOfRequests(document)
  return {
    ...document,
    servers: [{ url: "/" }],
    paths: Record.map(document.paths, Record.map(completeOperation(schemas))),
    components: {
      ...document.components,
      // Examples are beside the bodies that they illustrate.
      schemas: Record.map(schemas, ({ examples: _, ...schema }, name) =>
        ofRequests.has(name) ? closed(schema) : schema
      ),
      securitySchemes,
      headers
    }
  }
}
