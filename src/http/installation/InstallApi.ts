import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Manifest } from "../../domain/catalog/Template.ts"
import {
  ForeignOrigin,
  installErrors,
  NoSuchRow,
  PlanStale,
  RateLimitExceeded,
  SchemaCollision,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import { InstallAnswer, InstallRequest, PlanRequest } from "../../domain/installation/Install.ts"
import { Plan, PlanQuery } from "../../domain/installation/Plan.ts"
import { Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn } from "../Contract.ts"
import { problem, problems } from "../Problem.ts"

type InstallRefusal = (typeof installErrors)[number]

const without = (errors: ReadonlyArray<InstallRefusal>, others: ReadonlyArray<InstallRefusal>) =>
  errors.filter((error) => !others.includes(error))

/** What an install can fail with, in the order of refusal, but for what the middleware of the endpoints says. */
const refusals = without(installErrors, [ForeignOrigin, RateLimitExceeded])

/** Of these, what planning can fail with: the others are part of a plan. */
const planRefusals = without(refusals, [NoSuchRow, SchemaCollision, PlanStale])

/** Installing, and what can be installed. */
export class InstallApi extends HttpApiGroup.make("install")
  .add(
    HttpApiEndpoint.post("install", "/api/install")
      .setPayload(InstallRequest)
      .addSuccess(InstallAnswer)
      .addError(problems(refusals))
      .annotateContext(
        OpenApi.annotations({
          identifier: "installTemplate",
          summary: "Install a template",
          description:
            "Puts the template's agent and definitions into the caller's own organization, or brings an installed one up to the newest revision. Repeating it is safe.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("plan", "/api/install/plan")
      .setUrlParams(PlanQuery)
      .setPayload(PlanRequest)
      .addSuccess(Plan)
      .addError(problems(planRefusals))
      .annotateContext(
        OpenApi.annotations({
          identifier: "planInstall",
          summary: "Say what an install would do",
          description:
            "Judges every row and changes nothing. An install with this plan's hash as expectedPlan does exactly this.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.get("manifest", "/api/install/manifest/:slug")
      .setPath(Schema.Struct({ slug: inPath.template }))
      .addSuccess(Manifest)
      .addSuccess(HttpApiSchema.Empty(304))
      .addError(problem(UnknownTemplateSlug))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getManifest",
          summary: "What an install brings",
          description: "Public. The answer has an ETag; asked again with If-None-Match, an unchanged one is 304."
        })
      )
  )
  .annotate(OpenApi.Description, "Installing template agents, and what can be installed") {}
