import { createHash } from "node:crypto"
import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"

/**
 * A JSON answer that clients and caches may keep and ask about again: with an `ETag` made from its text, and 304 without a
 * body where `If-None-Match` has it (RFC 9110, 13.1.2: a list of tags, weak ones alike, or `*`).
 */
export const cached = (request: HttpServerRequest.HttpServerRequest, value: unknown) =>
  Effect.sync(() => {
    const text = JSON.stringify(value)
    const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`
    const headers = { etag, "cache-control": "public, no-cache" }
    const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""))
    return known.includes(etag) || known.includes("*")
      ? HttpServerResponse.empty({ status: 304, headers })
      : HttpServerResponse.text(text, { headers, contentType: "application/json" })
  })
