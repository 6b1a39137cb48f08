import type { HttpServerRequest } from "@effect/platform"
import { Either } from "effect"
import { readTarget } from "./Target.ts"

/** The day of the last change to the API that a client may have to follow, as `Agent-Install-Version` says it. */
export const apiVersion = "2026-11-29"

/** The name of the header field. */
export const versionHeader = "agent-install-version"

const field = { [versionHeader]: apiVersion }

/** The field that says the version of the API, in every answer under `/api`, whatever it is. */
export const versionFieldFor = (request: HttpServerRequest.HttpServerRequest): Readonly<Record<string, string>> => {
  const target = readTarget(request)
  return Either.isRight(target) && target.right.pathname.startsWith("/api/") ? field : {}
}
