import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { ClaimedPhone, OwnIdentities, OwnIdentity, PhoneRequest, TokenAnswer } from "../../domain/identity/Identity.ts"
import { PlanRequest } from "../../domain/installation/Install.ts"
import { makeInstallCode } from "../../services/identity/MakeInstallCode.ts"
import { confirmIdentity, listIdentities, typePhone, unlinkIdentity } from "../../services/identity/OwnIdentities.ts"
import { answer, fromOwnOrigin } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readJson } from "../Body.ts"

const identities = answer(OwnIdentities)
const identity = answer(OwnIdentity)
const phone = answer(ClaimedPhone)
const token = answer(TokenAnswer)

export const IdentitiesHttp = HttpApiBuilder.group(Api, "identities", (handlers) =>
  handlers
    .handleRaw("list", ({ request }) =>
      listIdentities(credentialOf(request)).pipe(
        Effect.map((own) => ({ identities: own })),
        withRateLimitFields,
        identities
      )
    )
    .handleRaw("phone", ({ request }) =>
      typePhone({ credential: credentialOf(request), body: readJson(request, PhoneRequest) }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        phone
      )
    )
    .handleRaw("confirm", ({ path, request }) =>
      confirmIdentity({ credential: credentialOf(request), id: path.id }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        identity
      )
    )
    .handleRaw("unlink", ({ path, request }) =>
      unlinkIdentity({ credential: credentialOf(request), id: path.id }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        Effect.as(HttpServerResponse.empty())
      )
    )
    .handleRaw("token", ({ request }) =>
      makeInstallCode({ credential: credentialOf(request), body: readJson(request, PlanRequest) }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        token
      )
    )
)
