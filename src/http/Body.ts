import type { HttpServerRequest } from "@effect/platform"
import { Effect, ParseResult, Schema, Stream } from "effect"
import { InvalidRequest, TooLarge } from "../domain/Errors.ts"
import { findUncleanText } from "../domain/Text.ts"

/** How large a body may be: 64 KiB. */
export const bodyLimit = 64 * 1024

const invalid = (message: string, path = "") => invalidRequest([{ path: path === "" ? [] : [path], message }])

/**
 * Reads a body of at most 64 KiB. A larger one is read to its end and thrown away, so that the client, which may not listen
 * while it sends, sees the answer.
 */
export const readBytes = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Uint8Array<ArrayBuffer>, TooLarge | InvalidRequest> =>
  request.stream.pipe(
    Stream.runFold({ size: 0, chunks: [] as Uint8Array[] }, ({ chunks, size }, chunk) => {
      const total = size + chunk.byteLength
      if (total <= bodyLimit) chunks.push(chunk)
      else chunks.length = 0
      return { size: total, chunks }
    }),
    Effect.mapError(() => invalid("the body ended before it was complete")),
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

/** Names every place of a request that is not as its schema wants it. */
export const invalidRequest = (
  issues: ReadonlyArray<{ readonly path: ReadonlyArray<PropertyKey>; readonly message: string }>
): InvalidRequest =>
  new InvalidRequest({ issues: issues.map(({ message, path }) => ({ path: path.map(String).join("."), message })) })

// A schema's message ends in what it was given, which may be a phone or a code; whoever sent it knows.
const withoutValue = (message: string) => message.replace(/, actual [\s\S]*$/, "")

/** A decoded value, or what is wrong with it, place by place; what it was given is not repeated. */
export const decode =
  <A, I>(schema: Schema.Schema<A, I>) =>
  (value: unknown): Effect.Effect<A, InvalidRequest> =>
    Schema.decodeUnknown(schema, { errors: "all" })(value).pipe(
      Effect.mapError((error) =>
        invalidRequest(
          ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) => ({
            path,
            message: withoutValue(message)
          }))
        )
      )
    )

/** Reads and decodes a JSON body; unknown keys are ignored. */
export const readJson = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, TooLarge | InvalidRequest> =>
  Effect.gen(function* () {
    const bytes = yield* readBytes(request)
    if (!saysJson(request)) return yield* invalid("send the body as application/json", "content-type")
    const value = yield* parseJson(bytes)
    return yield* decode(schema)(value)
  })
