import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { HttpApiSchema, type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Data, Schema } from "effect"
import { oncePer } from "../domain/OncePer.ts"
import { encodingFor } from "./pages/Encoding.ts"

type Headers = Readonly<Record<string, string>>

/** A value encoded for sending, with the entity tag by which clients and caches revalidate it. */
export class Cached<out A> extends Data.Class<{
  readonly text: string
  readonly etag: string
  readonly contentType: string
  readonly headers: Headers
}> {
  /** The type of the encoded value, for the compiler only. */
  declare readonly of: A
}

/** Encodes a value by its schema, tagged by its content. */
export const cached = <A, I>(schema: Schema.Schema<A, I>, value: A, headers: Headers = {}): Cached<A> => {
  const { contentType = "application/json", kind } = HttpApiSchema.getEncoding(schema.ast)
  const encoded = Schema.encodeSync(schema)(value)
  const text = kind === "Text" ? String(encoded) : JSON.stringify(encoded)
  const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`
  return new Cached({ text, etag, contentType, headers: { etag, "cache-control": "public, no-cache", ...headers } })
}

/** The text compressed with gzip. Its tag is weak (RFC 9110, 8.8.3). */
const compressed = oncePer(({ text }: Cached<unknown>): Uint8Array => gzipSync(text))

/**
 * Answers with a text that clients and caches may keep and revalidate: 304 without a body if `If-None-Match` has its
 * tag (RFC 9110, 13.1.2: a list of tags, weak ones too, or `*`).
 */
export const answerCached = (request: HttpServerRequest.HttpServerRequest, kept: Cached<unknown>) => {
  const { contentType, etag, text } = kept
  const headers = { ...kept.headers, vary: "accept, accept-encoding" }
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
