import type { HttpServerRequest } from "@effect/platform"
import { Effect, Either, Schema } from "effect"
import { ForeignOrigin, type ReadError } from "../../domain/Errors.ts"
import { findUncleanText } from "../../domain/Text.ts"
import { invalidRequest, readBytes } from "../Body.ts"
import { ServerConfig } from "../ServerConfig.ts"

/** Something that is wrong with a form: with a field, by name, or with the form as a whole. */
export interface FormProblem {
  readonly field?: string
  readonly message: string
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

const saysForm = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers["content-type"] ?? "")

/** Reads a form, within the limit of any body and without unclean text. */
export const readForm = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<URLSearchParams, ReadError> =>
  Effect.gen(function* () {
    const bytes = yield* readBytes(request)
    if (!saysForm(request)) {
      const message = "send the form as application/x-www-form-urlencoded"
      return yield* invalidRequest([{ path: ["content-type"], message }])
    }
    const form = yield* Effect.try({
      try: () => new URLSearchParams(utf8.decode(bytes)),
      catch: () => invalidRequest([{ path: [], message: "the form is not in UTF-8" }])
    })
    if (findUncleanText([...form]) !== undefined) {
      return yield* invalidRequest([{ path: [], message: "must hold no NUL character and no lone surrogate" }])
    }
    return form
  })

/**
 * Refuses a form that was sent from a page of another site, with or without a session: a sign-in from another site
 * could sign the person in to somebody else's account. `Sec-Fetch-Site` tells; browsers that don't send it, as all on
 * plain HTTP except to this machine, send `Origin`.
 */
export const refuseForeignForm = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  Effect.flatMap(ServerConfig, ({ ownOrigins }) => {
    const { origin } = headers
    const site = headers["sec-fetch-site"]
    const isOwn = origin !== undefined && ownOrigins.includes(origin)
    const passes =
      site === "same-origin" ? origin === undefined || origin === "null" || isOwn : isOwn && (site ?? "none") === "none"
    return passes ? Effect.void : new ForeignOrigin()
  })

/** Decodes the text of a field by a schema; fails with the given problem. */
export const fieldOf = <A>(schema: Schema.Schema<A, string>, text: string, problem: FormProblem) =>
  Either.mapLeft(Schema.decodeEither(schema)(text), () => problem)
