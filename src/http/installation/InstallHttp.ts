import { HttpApiBuilder } from "@effect/platform"
import { Effect, Schema } from "effect"
import { Manifest } from "../../domain/catalog/Template.ts"
import { InstallAnswer, InstallRequest, PlanRequest } from "../../domain/installation/Install.ts"
import { Plan } from "../../domain/installation/Plan.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import { install } from "../../services/installation/Install.ts"
import { planInstall } from "../../services/installation/PlanInstall.ts"
import { answer, fromOwnOrigin } from "../Answer.ts"
import { Api } from "../Api.ts"
import { credentialOf } from "../admission/Caller.ts"
import { withRateLimitFields } from "../admission/RateLimitFields.ts"
import { readJson } from "../Body.ts"
import { cached } from "../Cached.ts"

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
