import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { HttpApiSchema, type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Data, Schema } from "effect"
import { encodingFor } from "./pages/Encoding.ts"

type Headers = Readonly<Record<string, string>>

/** A value as the text that is sent of it, with the tag by which clients and caches ask about it again. */
export class Cached<out A> extends Data.Class<{
  readonly text: string
  readonly etag: string
  readonly contentType: string
  readonly headers: Headers
}> {
  /** What this is the text of: for the compiler alone. */
  declare readonly of: A
}

/** The value as its schema writes it, tagged by its content. */
export const cached = <A, I>(schema: Schema.Schema<A, I>, value: A, headers: Headers = {}): Cached<A> => {
  const { contentType = "application/json", kind } = HttpApiSchema.getEncoding(schema.ast)
  const encoded = Schema.encodeSync(schema)(value)
  const text = kind === "Text" ? String(encoded) : JSON.stringify(encoded)
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`
  return new Cached({ text, etag, contentType, headers: { etag, "cache-control": "public, no-cache", ...headers } })
}

const compressions = new WeakMap<Cached<unknown>, Uint8Array>()

/** The text as it is sent to whoever reads gzip: made once, since it stays the same. Its tag is weak (RFC 9110, 8.8.3). */
const compressed = (kept: Cached<unknown>): Uint8Array => {
  const before = compressions.get(kept)
  if (before !== undefined) return before
  const bytes = gzipSync(kept.text)
  compressions.set(kept, bytes)
  return bytes
}

/**
 * The text as an answer that clients and caches may keep and ask about again: 304 without a body where `If-None-Match` has
 * its tag (RFC 9110, 13.1.2: a list of tags, weak ones alike, or `*`).
 */
export const answerCached = (request: HttpServerRequest.HttpServerRequest, kept: Cached<unknown>) => {
  const { contentType, etag, text } = kept
  const headers = { ...kept.headers, vary: "accept-encoding" }
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
  return known.includes(etag) || known.includes("*")
    ? HttpServerResponse.empty({ status: 304, headers })
    : encodingFor(request, ["gzip"]) === undefined
      ? HttpServerResponse.text(text, { headers, contentType })
      : HttpServerResponse.uint8Array(compressed(kept), {
          headers: { ...headers, etag: `W/${etag}`, "content-encoding": "gzip" },
          contentType
        })
}
