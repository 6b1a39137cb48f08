import { type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import type { Duration } from "effect"

/*
 * A form is answered by a redirect, and of what is secret the service keeps only a digest. So the browser carries it to the page that
 * shows it, in a cookie that scripts can't read and other sites don't cause to be sent.
 */

const options = { httpOnly: true, sameSite: "strict" } as const

/** The cookie of a name. Its path is that of the pages it is for. */
export const carryCookie = (name: string) => ({
  set: (
    response: HttpServerResponse.HttpServerResponse,
    path: string,
    value: string,
    maxAge: Duration.DurationInput
  ): HttpServerResponse.HttpServerResponse =>
    HttpServerResponse.unsafeSetCookie(response, name, value, { ...options, path, maxAge }),
  /** What it holds, which may be anything; empty if there is none. */
  read: ({ cookies }: HttpServerRequest.HttpServerRequest): string => cookies[name] ?? "",
  clear: (response: HttpServerResponse.HttpServerResponse, path: string): HttpServerResponse.HttpServerResponse =>
    HttpServerResponse.unsafeSetCookie(response, name, "", { ...options, path, maxAge: 0 })
})
