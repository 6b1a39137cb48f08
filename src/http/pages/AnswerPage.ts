import { gzipSync } from "node:zlib"
import { Cookies, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import type { VNode } from "preact"
import { renderToString } from "preact-render-to-string"
import { encodingFor } from "./Encoding.ts"

/** Allows only the service's own files and forms that go to the service: no inline style or script, and no framing. */
export const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Header fields of every page, besides those of every answer. */
export const pageHeaders = {
  "content-security-policy": pagePolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "x-frame-options": "DENY"
}

const htmlType = "text/html; charset=utf-8"

/** How a page is answered. */
export interface PageOptions {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Whether it may be compressed. Not if it holds a secret beside text from the request (BREACH). */
  readonly compress?: boolean
}

/** A page as HTML text. */
export const pageText = (page: VNode): string => `<!doctype html>${renderToString(page)}`

/** Answers with a page. */
export const answerPage = (page: VNode, { compress = true, headers = {}, status = 200 }: PageOptions = {}) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    const text = pageText(page)
    const encoding = compress ? encodingFor(request, ["gzip"]) : undefined
    const fields = { ...pageHeaders, vary: "accept-encoding, cookie", ...headers }
    return encoding === undefined
      ? HttpServerResponse.text(text, { status, headers: fields, contentType: htmlType })
      : HttpServerResponse.uint8Array(gzipSync(text), {
          status,
          headers: { ...fields, "content-encoding": encoding },
          contentType: htmlType
        })
  })

/** Redirects to another of the service's own pages, which is then requested with GET (RFC 9110, 15.4.4). */
export const seeOther = (location: `/${string}`) => HttpServerResponse.empty({ status: 303, headers: { location } })

/** Adds cookies, given as `Set-Cookie` fields. A cookie that the answer sets already stays as it is. */
export const withCookies = (cookies: ReadonlyArray<string>) => (response: HttpServerResponse.HttpServerResponse) =>
  HttpServerResponse.updateCookies(response, (set) => Cookies.merge(Cookies.fromSetCookie(cookies), set))
