import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { Effect, Schema } from "effect"
import { InstallAnswer, InstallRequest, PlanRequest } from "../domain/Install.ts"
import { Plan } from "../domain/Plan.ts"
import { Manifest } from "../domain/Template.ts"
import { install } from "../services/Install.ts"
import { planInstall } from "../services/PlanInstall.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { Api } from "./Api.ts"
import { readJson } from "./Body.ts"
import { cached } from "./Cached.ts"
import { credentialOf, refuseForeignOrigin } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

const answer = HttpServerResponse.schemaJson(InstallAnswer)
const plan = HttpServerResponse.schemaJson(Plan)

export const InstallHttp = HttpApiBuilder.group(Api, "install", (handlers) =>
  handlers
    .handleRaw("install", ({ request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(install({ credential: credentialOf(request), body: readJson(request, InstallRequest) })),
        withRateLimitFields,
        Effect.flatMap((installed) => Effect.orDie(answer(installed)))
      )
    )
    .handleRaw("plan", ({ request }) =>
      refuseForeignOrigin(request).pipe(
        Effect.zipRight(planInstall({ credential: credentialOf(request), body: readJson(request, PlanRequest) })),
        withRateLimitFields,
        Effect.flatMap((planned) => Effect.orDie(plan(planned)))
      )
    )
    .handleRaw("manifest", ({ path, request }) =>
      TemplateCatalog.pipe(
        Effect.flatMap((catalog) => catalog.manifest(path.slug)),
        Effect.flatMap((manifest) => Effect.orDie(Schema.encode(Manifest)(manifest))),
        Effect.flatMap((manifest) => cached(request, manifest))
      )
    )
)
