import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
import { OwnIdentities, OwnIdentity, PhoneRequest, TokenAnswer } from "../domain/Identity.ts"
import { LinkedPhone, PlanRequest } from "../domain/Install.ts"
import { makeInstallToken } from "../services/InstallToken.ts"
import { confirmIdentity, listIdentities, typePhone, unlinkIdentity } from "../services/OwnIdentities.ts"
import { Api } from "./Api.ts"
import { readJson } from "./Body.ts"
import { credentialOf, refuseForeignOrigin } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

const identities = HttpServerResponse.schemaJson(OwnIdentities)
const identity = HttpServerResponse.schemaJson(OwnIdentity)
const phone = HttpServerResponse.schemaJson(LinkedPhone)
const token = HttpServerResponse.schemaJson(TokenAnswer)

/** What only the caller is to see, and once. */
const unkept = { headers: { "cache-control": "no-store" } }

export const IdentitiesHttp = HttpApiBuilder.group(Api, "identities", (handlers) =>
  handlers
    .handleRaw("list", ({ request }) =>
      listIdentities(credentialOf(request)).pipe(
        Effect.flatMap((own) => Effect.orDie(identities({ identities: own }, unkept)))
      )
    )
    .handleRaw("phone", ({ request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(typePhone({ credential: credentialOf(request), body: readJson(request, PhoneRequest) })),
        withRateLimitFields,
        Effect.flatMap((linked) => Effect.orDie(phone(linked)))
      )
    )
    .handleRaw("confirm", ({ path, request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(confirmIdentity({ credential: credentialOf(request), id: path.id })),
        withRateLimitFields,
        Effect.flatMap((own) => Effect.orDie(identity(own)))
      )
    )
    .handleRaw("unlink", ({ path, request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(unlinkIdentity({ credential: credentialOf(request), id: path.id })),
        withRateLimitFields,
        Effect.as(HttpServerResponse.empty())
      )
    )
    .handleRaw("token", ({ request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(makeInstallToken({ credential: credentialOf(request), body: readJson(request, PlanRequest) })),
        withRateLimitFields,
        Effect.flatMap((made) => Effect.orDie(token(made, unkept)))
      )
    )
)
