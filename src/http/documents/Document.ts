import { Effect, Option, Predicate, Record, Schema } from "effect"
import { errorGuide } from "../../domain/ErrorGuide.ts"
import { type AnyRefusal, refusals } from "../../domain/Errors.ts"
import { anyProblem, problemMediaType } from "../Problem.ts"

/*
 * What HttpApi does not put into the OpenAPI document: where the examples stand, the header fields of answers, that every refusal
 * is a problem, and the routes of accounts that better-auth answers.
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
  readonly title?: string
  readonly format?: string
  readonly additionalProperties?: boolean
  readonly description?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly oneOf?: ReadonlyArray<JsonSchema>
  readonly enum?: ReadonlyArray<unknown>
  readonly const?: unknown
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
  Schema.encode(anyProblem)(refusal).pipe(Effect.annotateLogs({ requestId }), Effect.runSync)

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
      if (media.example !== undefined) return media
      const { examples = [], ...schema } = media.schema
      const [example = examples[0]] = schemas[nameOf(schema)]?.examples ?? []
      return { ...media, schema, ...(example === undefined ? {} : { example }) }
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
  "agent-install-version": text("The day of the last change to the API that a client may have to follow."),
  "x-request-id": text("The id of the request, also the uuid of a problem's instance."),
  ratelimit: text("What is left of the budget (draft-ietf-httpapi-ratelimit-headers-11)."),
  "ratelimit-policy": text("The budget: tries and seconds."),
  "accept-encoding": text("The accepted encodings of a body: only identity."),
  "idempotent-replayed": text("true where this is the answer that an earlier request with this Idempotency-Key had."),
  "retry-after": text("Seconds after which a retry makes sense."),
  "www-authenticate": text("How to authenticate."),
  etag: text("Identifies this content; revalidate with If-None-Match."),
  "set-auth-token": text("The token of the session, to send as authorization: Bearer."),
  "set-cookie": text("The session cookie, for browsers.")
}

/** Whether an operation takes an `Idempotency-Key`: then it can refuse one. */
const isIdempotent = ({ responses }: Pick<Operation, "responses">): boolean =>
  JSON.stringify(responses["422"]?.content ?? null).includes("/IdempotencyKeyReused")

const idempotencyKey: NonNullable<Operation["parameters"]>[number] = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "A text of the caller's own, new for each request, such as a UUID. The request repeated with it within a day gets the same answer, and nothing is done again; with another body it is refused. What was refused is not kept.",
  schema: { type: "string", minLength: 1, maxLength: 255, examples: ["8e03978e-40d5-43e8-bc93-6894a57f9324"] }
}

const headersOf = (operation: Operation, status: string): ReadonlyArray<keyof typeof headers> => {
  // The gateway's budget depends on the body, so a body that can't be read spends none.
  const unread = operation.security?.some((one) => "gateway" in one) === true && ["400", "413", "415"].includes(status)
  const limited = "429" in operation.responses && status !== "401" && status !== "403" && !unread
  return [
    "x-request-id",
    ...(limited ? (["ratelimit", "ratelimit-policy"] as const) : []),
    ...(status === "429" || status === "503" || (status === "409" && isIdempotent(operation))
      ? (["retry-after"] as const)
      : []),
    ...(Number(status) < 400 && isIdempotent(operation) ? (["idempotent-replayed"] as const) : []),
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

const withProblems = (operation: Operation): Operation => ({
  ...operation,
  responses: Record.filterMap(operation.responses, (response, status) =>
    Number(status) < 400 ? Option.some(response) : asProblems(response)
  )
})

const completeOperation =
  (schemas: Schemas, isApi: boolean) =>
  ({ requestBody, responses, ...operation }: Operation): Operation => {
    return {
      ...operation,
      ...(isIdempotent({ responses }) ? { parameters: [...(operation.parameters ?? []), idempotencyKey] } : {}),
      ...(requestBody === undefined
        ? {}
        : { requestBody: { ...requestBody, content: withExamples(requestBody.content, schemas) } }),
      responses: Record.map(responses, (response, status) => ({
        ...response,
        ...(response.content === undefined ? {} : { content: withExamples(response.content, schemas) }),
        headers: {
          ...Object.fromEntries(
            [
              ...headersOf({ ...operation, responses }, status),
              ...(isApi ? (["agent-install-version"] as const) : [])
            ].map((name) => [name, { $ref: `#/components/headers/${name}` }])
          ),
          ...response.headers
        }
      }))
    }
  }

// What Effect says of its own filters: int, between(1, 100).
const isNameOfFilter = (key: string, said: unknown) =>
  key === "title" && typeof said === "string" && /^[a-z]\w*(\(.*\))?$/.test(said)
const isWordOfFilter = (key: string, said: unknown) =>
  key === "description" && typeof said === "string" && /^an? (integer|positive|non-negative|number|string) ?/.test(said)

// The generator names some schemas by an $id of its own, the same one wherever they stand, which no reader takes twice.
const withoutIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (!Predicate.isRecord(value)) return value
  const kept = Object.entries(value).filter(
    ([key, said]) =>
      !(key === "$id" && String(said).startsWith("/schemas/")) &&
      !isNameOfFilter(key, said) &&
      !isWordOfFilter(key, said)
  )
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]))
}

// Effect names its own schemas of numbers and times, which say nothing to a reader and make poor names in generated clients.
const isPlain = ({ enum: values, type }: JsonSchema) =>
  values === undefined && (type === "string" || type === "number" || type === "integer")

/** What is said of a schema that Effect generates, in the words of JSON Schema alone. */
const plainly = (name: string, { description: _, title: __, ...schema }: JsonSchema): JsonSchema =>
  name === "DateTimeUtc" ? { ...schema, format: "date-time" } : schema

/** The document with what only Effect has a name for in its place. */
const withoutPlainNames = (document: Document): Document => {
  const plain = Record.filter(document.components.schemas, isPlain)
  const inPlace = JSON.parse(JSON.stringify(document), (_key, inner) => {
    if (!Predicate.isRecord(inner) || typeof inner.$ref !== "string") return inner
    const name = nameOf({ $ref: inner.$ref })
    const schema = plain[name]
    if (schema === undefined) return inner
    const { $ref: _, ...said } = inner
    return { ...plainly(name, schema), ...said }
  }) as Document
  const schemas = Record.filter(inPlace.components.schemas, (schema) => !isPlain(schema))
  return { ...inPlace, components: { ...inPlace.components, schemas } }
}

/**
 * A schema that requires one of some members, each alternative whole: an object that has this one, and not the others. Generators
 * make one type of each.
 */
const withAlternatives = (schema: JsonSchema): JsonSchema => {
  const { additionalProperties, allOf = [], properties = {}, required = [], type: _, ...said } = schema
  const alternatives = allOf.flatMap(({ oneOf = [] }) => oneOf.flatMap(({ required = [] }) => required))
  if (alternatives.length === 0) return schema
  return {
    ...said,
    oneOf: alternatives.map((name) => ({
      type: "object",
      title: `By ${name}`,
      required: [name, ...required],
      properties: Record.filter(properties, (_, other) => other === name || !alternatives.includes(other)),
      ...(additionalProperties === undefined ? {} : { additionalProperties })
    }))
  }
}

/** The names of the schemas that the bodies of requests are made of. */
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

/** The ways to say who asks that some operation has. */
const schemesOf = (paths: Document["paths"]) => {
  const used = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .flatMap(({ security = [] }) => security.flatMap((one) => Object.keys(one)))
  return Record.filter(securitySchemes, (_, name) => used.includes(name))
}

/** Routes that are described by hand, since they are no endpoints of the HttpApi. */
export interface Besides {
  readonly tags: Document["tags"]
  readonly paths: Document["paths"]
  readonly schemas: Schemas
}

/** The document with what is besides, an example of every body, the header fields of every answer, and where it is served. */
export const complete =
  (besides: Besides) =>
  (generated: Record<string, unknown>): Record<string, unknown> => {
    const document = withoutPlainNames(withoutIds(generated) as Document)
    const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...named } = document.components.schemas
    const schemas = { ...named, ...besides.schemas }
    const ofRequests = schemasOfRequests(document)
    const paths = { ...Record.map(document.paths, Record.map(withProblems)), ...besides.paths }
    return {
      ...document,
      servers: [{ url: "/" }],
      tags: [...besides.tags, ...document.tags],
      paths: Record.map(paths, (methods, path) =>
        Record.map(methods, completeOperation(schemas, path.startsWith("/api/")))
      ),
      components: {
        ...document.components,
        // Examples stand with the bodies they are of.
        schemas: Record.map(schemas, ({ examples: _, ...schema }, name) =>
          withAlternatives(ofRequests.has(name) ? closed(schema) : schema)
        ),
        securitySchemes: schemesOf(paths),
        headers
      }
    }
  }
