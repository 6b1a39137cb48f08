import type { HttpServerRequest } from "@effect/platform"
import { Effect, ParseResult, Predicate, Schema, Stream } from "effect"
import { InvalidRequest, TooLarge } from "../domain/Errors.ts"
import { findUncleanText } from "../domain/Text.ts"

/** How large a body may be: 64 KiB. */
export const bodyLimit = 64 * 1024

const invalid = (message: string, path = "") => invalidRequest([{ path: path === "" ? [] : [path], message }])

const lost = () => invalid("the body ended before it was complete")

// Where the length is told, as nearly everywhere, all of it is taken at once: a stream would cost more than the rest.
const readTold = ({ arrayBuffer }: HttpServerRequest.HttpServerRequest) =>
  arrayBuffer.pipe(Effect.mapBoth({ onFailure: lost, onSuccess: (bytes) => new Uint8Array(bytes) }))

const readUntold = ({ stream }: HttpServerRequest.HttpServerRequest) =>
  stream.pipe(
    Stream.runFold({ size: 0, chunks: [] as Uint8Array[] }, ({ chunks, size }, chunk) => {
      const total = size + chunk.byteLength
      if (total <= bodyLimit) chunks.push(chunk)
      else chunks.length = 0
      return { size: total, chunks }
    }),
    Effect.mapError(lost),
    Effect.filterOrFail(
      ({ size }) => size <= bodyLimit,
      () => new TooLarge({ limitBytes: bodyLimit })
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

/**
 * Reads a body of at most 64 KiB. A larger one is read to its end and thrown away, so that the client, which may not listen
 * while it sends, sees the answer.
 */
export const readBytes = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Uint8Array<ArrayBuffer>, TooLarge | InvalidRequest> =>
  Effect.suspend(() =>
    Number(request.headers["content-length"] ?? Number.NaN) <= bodyLimit ? readTold(request) : readUntold(request)
  )

const deepest = 64

/** Whether a JSON value nests deeper than anything we are sent has cause to; walks without recursion. */
const tooDeep = (value: unknown): boolean => {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []))
  }
  return false
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** Bytes as a JSON value in which every text is clean. */
export const parseJson = (bytes: Uint8Array): Effect.Effect<unknown, InvalidRequest> =>
  Effect.gen(function* () {
    const value = yield* Effect.try({
      try: (): unknown => JSON.parse(utf8.decode(bytes)),
      catch: () => invalid("the body is not JSON in UTF-8")
    })
    if (tooDeep(value)) return yield* invalid(`the body nests deeper than ${deepest} levels`)
    const unclean = findUncleanText(value)
    if (unclean !== undefined) {
      return yield* invalidRequest([{ path: unclean, message: "must hold no NUL character and no lone surrogate" }])
    }
    return value
  })

/** Whether a request says that its body is JSON. */
export const saysJson = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")

const mostIssues = 20
const longestText = 200

const bounded = (text: string) => {
  const characters = [...text]
  return characters.length <= longestText ? text : `${characters.slice(0, longestText).join("")}…`
}

/** What was expected, in words of JSON: not what was sent, and no type of the language this is written in. */
const inWords = (message: string): string =>
  message
    .replace(/, actual .*$/s, "")
    .replace(/^Expected (?:ReadonlyArray<|readonly \[).*$/s, "Expected a list")
    .replace(/^Expected \{.*$/s, "Expected an object")
    .replace(/^Expected an array of at (least|most) (\d+) item\(s\)$/, "Expected at $1 $2 in the list")

/**
 * Names the places of a request that are not as its schema wants them, the first twenty: what was expected there, not what
 * was sent, which may be anything and of any length.
 */
export const invalidRequest = (
  issues: ReadonlyArray<{ readonly path: ReadonlyArray<PropertyKey>; readonly message: string }>
): InvalidRequest =>
  new InvalidRequest({
    issues: issues.slice(0, mostIssues).map(({ message, path }) => ({
      path: bounded(path.map(String).join(".")),
      message: bounded(inWords(message))
    }))
  })

/** A decoded object, or what is wrong with it, place by place. */
export const decode =
  <A, I>(schema: Schema.Schema<A, I>) =>
  (value: unknown): Effect.Effect<A, InvalidRequest> =>
    Predicate.isRecord(value)
      ? Schema.decodeUnknown(schema, { errors: "all" })(value).pipe(
          Effect.mapError((error) => invalidRequest(ParseResult.ArrayFormatter.formatErrorSync(error)))
        )
      : invalid("Expected a JSON object")

/** Decodes the parameters after the question mark. */
export const readQuery = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, InvalidRequest> =>
  Effect.suspend(() => {
    const { searchParams } = new URL(request.url, "http://service")
    const unclean = findUncleanText(Object.fromEntries(searchParams))
    return unclean === undefined
      ? decode(schema)(Object.fromEntries(searchParams))
      : invalidRequest([{ path: unclean, message: "must hold no NUL character and no lone surrogate" }])
  })

/** Reads and decodes a JSON body; unknown keys are ignored. */
export const readJson = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, TooLarge | InvalidRequest> =>
  Effect.flatMap(readBytes(request), (bytes) => decodeJson(request, bytes, schema))

/** The same, where a body that is empty counts as `{}`. */
export const readOptionalJson = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, TooLarge | InvalidRequest> =>
  Effect.flatMap(readBytes(request), (bytes) =>
    bytes.byteLength === 0 ? decode(schema)({}) : decodeJson(request, bytes, schema)
  )

const decodeJson = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  bytes: Uint8Array,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, InvalidRequest> =>
  Effect.gen(function* () {
    if (!saysJson(request)) return yield* invalid("send the body as application/json", "content-type")
    const value = yield* parseJson(bytes)
    return yield* decode(schema)(value)
  })
