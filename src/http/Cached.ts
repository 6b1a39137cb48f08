import { createHash } from "node:crypto"
import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"

/** A text that does not change while the process runs, with the tag by which clients and caches ask about it again. */
export interface Kept {
  readonly text: string
  readonly etag: string
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The text with its tag, made from its content. */
export const keep = (text: string, contentType: string, headers?: Readonly<Record<string, string>>): Kept => ({
  text,
  contentType,
  etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`,
  ...(headers === undefined ? {} : { headers })
})

/**
 * The text as an answer that clients and caches may keep and ask about again: 304 without a body where `If-None-Match` has
 * its tag (RFC 9110, 13.1.2: a list of tags, weak ones alike, or `*`).
 */
export const answerKept = (
  request: HttpServerRequest.HttpServerRequest,
  { contentType, etag, headers, text }: Kept
) => {
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
  const all = { etag, "cache-control": "public, no-cache", ...headers }
  return known.includes(etag) || known.includes("*")
    ? HttpServerResponse.empty({ status: 304, headers: all })
    : HttpServerResponse.text(text, { headers: all, contentType })
}

/** A value as a JSON answer that clients and caches may keep and ask about again. */
export const cached = (request: HttpServerRequest.HttpServerRequest, value: unknown) =>
  Effect.sync(() => answerKept(request, keep(JSON.stringify(value), "application/json")))
