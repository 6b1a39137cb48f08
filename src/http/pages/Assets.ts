import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { RouteNotFound } from "../../domain/Errors.ts"
import { encodingFor } from "./Encoding.ts"
import { finding, followingRollouts, script, searching, trying } from "./Script.ts"
import { styles } from "./Styles.ts"

/** A static file of the pages. */
export interface Asset {
  /** Where it is served. The name contains the hash of the content, so a cached copy is never out of date. */
  readonly path: `/assets/${string}`
  readonly contentType: string
  readonly bodies: Readonly<Record<"identity" | "gzip" | "br", Uint8Array>>
}

const asset = (name: string, extension: string, contentType: string, text: string): Asset => {
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 12)
  const bytes = Buffer.from(text)
  return {
    path: `/assets/${name}.${hash}.${extension}`,
    contentType,
    bodies: { identity: bytes, gzip: gzipSync(bytes, { level: 9 }), br: brotliCompressSync(bytes) }
  }
}

const simple = readFileSync(createRequire(import.meta.url).resolve("simpledotcss/simple.min.css"), "utf8")

/** Simple.css and what the pages add to it. */
export const styleSheet = asset("pages", "css", "text/css; charset=utf-8", `${simple}${styles}`)

/** The script of all pages. They also work without it. */
export const pageScript = asset("pages", "js", "text/javascript; charset=utf-8", script)

/** The search of reference pages. */
export const searchScript = asset("search", "js", "text/javascript; charset=utf-8", `${searching}${finding}`)

/** Trying operations out on their pages. */
export const tryScript = asset("try", "js", "text/javascript; charset=utf-8", trying)

/** Follows a roll-out on the page of its template. */
export const following = asset("rollouts", "js", "text/javascript; charset=utf-8", followingRollouts)

/** The icon in a browser's tab. */
export const icon = asset(
  "icon",
  "svg",
  "image/svg+xml",
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#0d47a1"/><path d="M8 3v6M5 6.5 8 9.5l3-3M4 12.5h8" fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)

const assets: ReadonlyMap<string, Asset> = new Map(
  [styleSheet, pageScript, searchScript, tryScript, following, icon].map((one) => [one.path, one])
)

/** Answers with a static file, compressed as the client accepts, to be cached for a year. */
export const answerAsset = (request: HttpServerRequest.HttpServerRequest, path: string) => {
  const found = assets.get(path)
  if (found === undefined) return new RouteNotFound()
  const encoding = encodingFor(request, ["br", "gzip"])
  return Effect.succeed(
    HttpServerResponse.uint8Array(found.bodies[encoding ?? "identity"], {
      contentType: found.contentType,
      headers: {
        "cache-control": "public, max-age=31536000, immutable",
        vary: "accept-encoding",
        ...(encoding === undefined ? {} : { "content-encoding": encoding })
      }
    })
  )
}
