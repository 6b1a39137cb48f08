import { HttpApiBuilder } from "@effect/platform"
import { Effect, Schema } from "effect"
import { InstallAnswer, InstallRequest, PlanRequest } from "../domain/Install.ts"
import { Plan } from "../domain/Plan.ts"
import { Manifest } from "../domain/Template.ts"
import { install } from "../services/Install.ts"
import { planInstall } from "../services/PlanInstall.ts"
import { TemplateCatalog } from "../services/TemplateCatalog.ts"
import { answer, fromOwnOrigin } from "./Answer.ts"
import { Api } from "./Api.ts"
import { readJson } from "./Body.ts"
import { cached } from "./Cached.ts"
import { credentialOf } from "./Caller.ts"
import { withRateLimitFields } from "./RateLimitFields.ts"

const installed = answer(InstallAnswer)
const plan = answer(Plan)

export const InstallHttp = HttpApiBuilder.group(Api, "install", (handlers) =>
  handlers
    .handleRaw("install", ({ request }) =>
      install({ credential: credentialOf(request), body: readJson(request, InstallRequest) }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        installed
      )
    )
    .handleRaw("plan", ({ request }) =>
      planInstall({ credential: credentialOf(request), body: readJson(request, PlanRequest) }).pipe(
        fromOwnOrigin(request),
        withRateLimitFields,
        plan
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
