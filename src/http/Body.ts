import type { HttpServerRequest } from "@effect/platform"
import { Context, Effect, Option, Predicate, Schema, Stream } from "effect"
import { InvalidRequest, type ReadError, TooLarge, UnsupportedMediaType } from "../domain/Errors.ts"
import { findUncleanText } from "../domain/Text.ts"
import { type Place, placesOf } from "./Issues.ts"
import { readTarget } from "./Target.ts"

/** How large a body may be, and how many lists and mappings deep. */
export interface BodyLimits {
  readonly bytes: number
  readonly depth: number
}

/** How large a body may be: 64 KiB; deeper than 64 is nothing we are sent. */
export const bodyLimit = 64 * 1024
const usualLimits: BodyLimits = { bytes: bodyLimit, depth: 64 }

/** The limits of an endpoint's body, as its annotation; absent: the usual ones. */
export class LargeBody extends Context.Tag("agent-install/LargeBody")<LargeBody, BodyLimits>() {}

const invalid = (message: string, path = "") => invalidRequest([{ path: path === "" ? [] : [path], message }])

const lost = () => invalid("the body ended before it was complete")

// If the length is given, as it nearly always is, read the body in one piece: a stream would cost more than all the
// rest.
const readSized = ({ arrayBuffer }: HttpServerRequest.HttpServerRequest) =>
  arrayBuffer.pipe(Effect.mapBoth({ onFailure: lost, onSuccess: (bytes) => new Uint8Array(bytes) }))

const readUnsized = ({ stream }: HttpServerRequest.HttpServerRequest, limitBytes: number) =>
  stream.pipe(
    Stream.runFold({ size: 0, chunks: [] as Uint8Array[] }, ({ chunks, size }, chunk) => {
      const total = size + chunk.byteLength
      if (total <= limitBytes) chunks.push(chunk)
      else chunks.length = 0
      return { size: total, chunks }
    }),
    Effect.mapError(lost),
    Effect.filterOrFail(
      ({ size }) => size <= limitBytes,
      () => new TooLarge({ limitBytes })
    ),
    Effect.map(({ chunks, size }) => {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const chunk of chunks) {
        bytes.set(chunk, at)
        at += chunk.byteLength
      }
      return bytes
    })
  )

const hasBody = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

/**
 * Whether a body is encoded or sent in chunks. An encoding of `identity` means that it is not encoded (RFC 9110, 8.4).
 */
const isEncoded = ({ headers }: HttpServerRequest.HttpServerRequest): boolean => {
  const codings = (field = "", plain: string) =>
    field.split(",").some((coding) => !["", plain].includes(coding.trim().toLowerCase()))
  return codings(headers["content-encoding"], "identity") || codings(headers["transfer-encoding"], "chunked")
}

/**
 * Reads a body of at most 64 KiB, or of so many bytes, that is not encoded. A larger body is read to its end and discarded,
 * so that a client which does not read while it sends still gets the answer.
 */
export const readBytes = (
  request: HttpServerRequest.HttpServerRequest,
  limitBytes = bodyLimit
): Effect.Effect<Uint8Array<ArrayBuffer>, ReadError> =>
  Effect.gen(function* () {
    if (hasBody(request) && isEncoded(request)) return yield* new UnsupportedMediaType()
    const isSized = Number(request.headers["content-length"] ?? Number.NaN) <= limitBytes
    return yield* isSized ? readSized(request) : readUnsized(request, limitBytes)
  })

/** Whether a JSON value nests deeper than that. Walks without recursion. */
const tooDeep = (value: unknown, deepest: number): boolean => {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []))
  }
  return false
}

/** The path of an object's repeated member, of which parsers keep one or the other. The text has to be valid JSON. */
const findRepeated = (json: string): ReadonlyArray<PropertyKey> | undefined => {
  const open: Array<{ at: string | number; readonly names: Set<string> }> = []
  for (const [token, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*(:))?|[{}[\],]/g)) {
    const inner = open.at(-1)
    if (token === "{" || token === "[") open.push({ at: token === "{" ? "" : 0, names: new Set() })
    else if (token === "}" || token === "]") open.pop()
    else if (token === "," && typeof inner?.at === "number") inner.at++
    else if (colon !== undefined && inner !== undefined) {
      inner.at = String(JSON.parse(token.slice(0, -1)))
      if (inner.names.has(inner.at)) return open.map(({ at }) => at)
      inner.names.add(inner.at)
    }
  }
  return undefined
}

const isRepeated = "is given more than once"

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** Parses bytes as a JSON value that has no unclean text and no repeated member. */
export const parseJson = (bytes: Uint8Array, deepest = usualLimits.depth): Effect.Effect<unknown, InvalidRequest> =>
  Effect.gen(function* () {
    const [value, text] = yield* Effect.try({
      try: (): readonly [unknown, string] => {
        const text = utf8.decode(bytes)
        return [JSON.parse(text), text]
      },
      catch: () => invalid("the body is not JSON in UTF-8")
    })
    if (tooDeep(value, deepest)) return yield* invalid(`the body nests deeper than ${deepest} levels`)
    // In JSON that is valid UTF-8, unclean characters can occur only as escapes.
    const unclean = text.includes("\\u") ? findUncleanText(value) : undefined
    if (unclean !== undefined) {
      return yield* invalidRequest([{ path: unclean, message: "must hold no NUL character and no lone surrogate" }])
    }
    const repeated = findRepeated(text)
    if (repeated !== undefined) return yield* invalidRequest([{ path: repeated, message: isRepeated }])
    return value
  })

/** Whether the content type of a request is JSON. */
export const saysJson = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")

const maxIssues = 20
const longestText = 200

const bounded = (text: string) => {
  const characters = [...text]
  return characters.length <= longestText ? text : `${characters.slice(0, longestText).join("")}…`
}

/** Refuses a request for the first twenty places where it does not match its schema. */
export const invalidRequest = (places: ReadonlyArray<Place>): InvalidRequest =>
  new InvalidRequest({
    issues: places.slice(0, maxIssues).map(({ message, path }) => ({
      path: bounded(path.map(String).join(".")),
      message: bounded(message)
    }))
  })

/** Decodes an object, or reports each place where it does not match the schema. */
const decoder = <A, I>(schema: Schema.Schema<A, I>, onExcessProperty: "error" | "ignore") => {
  const decodeUnknown = Schema.decodeUnknown(schema, { errors: "all", onExcessProperty })
  return (value: unknown): Effect.Effect<A, InvalidRequest> =>
    Predicate.isRecord(value)
      ? Effect.mapError(decodeUnknown(value), ({ issue }) => invalidRequest(placesOf(issue)))
      : invalid("Expected a JSON object")
}

/** Decodes the members that a schema knows, ignoring others, or reports each place that does not match. */
export const decode = <A, I>(schema: Schema.Schema<A, I>) => decoder(schema, "ignore")

/** Reads the query parameters of a request without a body; with one, if the endpoint has both. */
export const queryReader = <A, I>(schema: Schema.Schema<A, I>, hasBoth = false) => {
  const decodeMembers = decoder(schema, "error")
  return (request: HttpServerRequest.HttpServerRequest): Effect.Effect<A, InvalidRequest> =>
    Effect.gen(function* () {
      const { searchParams } = yield* readTarget(request)
      const given = Object.fromEntries(searchParams)
      const unclean = findUncleanText(given)
      if (unclean !== undefined) {
        return yield* invalidRequest([{ path: unclean, message: "must hold no NUL character and no lone surrogate" }])
      }
      const repeated = Object.keys(given).filter((name) => searchParams.getAll(name).length > 1)
      if (repeated.length > 0) {
        return yield* invalidRequest(repeated.map((name) => ({ path: [name], message: isRepeated })))
      }
      if (hasBody(request) && !hasBoth)
        return yield* invalid("this request has no body: its parameters stand after the question mark")
      return yield* decodeMembers(given)
    })
}

/**
 * Reads the JSON body of a request, and refuses query parameters, which nobody would read, unless the endpoint has both. An
 * empty body counts as `{}` if the schema accepts that.
 */
export const bodyReader = <A, I>(schema: Schema.Schema<A, I>, limits: BodyLimits = usualLimits, hasBoth = false) => {
  const decodeMembers = decoder(schema, "error")
  const mayBeEmpty = Option.isSome(Schema.decodeUnknownOption(schema)({}))
  return (
    request: HttpServerRequest.HttpServerRequest,
    body: Effect.Effect<Uint8Array, ReadError> = readBytes(request, limits.bytes)
  ): Effect.Effect<A, ReadError> =>
    Effect.gen(function* () {
      const bytes = yield* body
      const isEmpty = mayBeEmpty && bytes.byteLength === 0
      if (!isEmpty && !saysJson(request)) return yield* invalid("send the body as application/json", "content-type")
      const members = isEmpty ? {} : yield* parseJson(bytes, limits.depth)
      const names = hasBoth ? [] : [...new Set((yield* readTarget(request)).searchParams.keys())]
      if (names.length > 0) {
        const message = "stands after the question mark, where this request has nothing: its members stand in the body"
        return yield* invalidRequest(names.map((name) => ({ path: [name], message })))
      }
      return yield* decodeMembers(members)
    })
}
