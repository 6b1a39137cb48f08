import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import {
  IdentityNotFound,
  IdentityTaken,
  InvalidPhone,
  InvalidRequest,
  NoMember,
  NoPersonalOrg,
  NotOrgAdmin,
  RevisionBroken,
  TemplateDeprecated,
  Unauthenticated,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import {
  ClaimedPhone,
  IdentitiesQuery,
  OwnIdentities,
  OwnIdentity,
  PhoneRequest,
  TokenAnswer
} from "../../domain/identity/Identity.ts"
import { PlanRequest } from "../../domain/installation/Install.ts"
import { Idempotent, Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn, templateRefusals, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

const id = Schema.Struct({ id: inPath.identity })

const refusals = Schema.Union(problem(Unauthenticated), problem(NoPersonalOrg))

/** A person's identities, and the codes that prove them. */
export class IdentitiesApi extends HttpApiGroup.make("identities")
  .add(
    HttpApiEndpoint.get("list", "/api/identities")
      .setUrlParams(IdentitiesQuery)
      .addSuccess(OwnIdentities)
      .addError(refusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listIdentities",
          summary: "List the caller's identities",
          description:
            "Those of chat platforms, masked, each with its state, in pages. What others claim is not shown.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("phone", "/api/identities/phone")
      .setPayload(PhoneRequest)
      .addSuccess(ClaimedPhone)
      .addError(refusals)
      .addError(unreadable)
      .addError(Schema.Union(problem(InvalidPhone), problem(NoMember), problem(IdentityTaken)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "claimPhone",
          summary: "Claim a phone",
          description:
            "It is verified once somebody says yes from it; after a no from it, state is declined. An earlier claim of another number ends.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("confirm", "/api/identities/:id/confirm")
      .setPath(id)
      .addSuccess(OwnIdentity)
      .addError(refusals)
      .addError(problem(IdentityNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "confirmIdentity",
          summary: "Confirm the sender of a code",
          description:
            "For an identity in confirm_session: the caller says that the masked sender is theirs. Changes nothing where nothing waits for it.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("unlink", "/api/identities/:id")
      .setPath(id)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(refusals)
      .addError(problem(IdentityNotFound))
      .annotateContext(
        OpenApi.annotations({
          identifier: "endIdentity",
          summary: "End an identity",
          description:
            "With all that was claimed or proved together with it. One that is only claimed is declined by it.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.post("token", "/api/install/token")
      .setPayload(PlanRequest)
      .addSuccess(TokenAnswer)
      .addError(refusals)
      .addError(unreadable)
      .addError(Schema.Union(problem(UnknownTemplateSlug), templateRefusals, problem(NotOrgAdmin)))
      .addError(Schema.Union(problem(TemplateDeprecated), problem(RevisionBroken)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "createInstallCode",
          summary: "Make a code to send",
          description:
            "A message with it installs the template and links the chat it is sent from, once the sender says yes. It works once, for 15 minutes; one a person and template.",
          transform: signedIn
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "The caller's identities on chat platforms") {}
