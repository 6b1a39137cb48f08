import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { Account, AccountExport, DeleteRequest } from "../../domain/account/Account.ts"
import { DeletionPlan } from "../../domain/account/Deletion.ts"
import { OrganizationInUse, Unauthenticated, WrongPassword } from "../../domain/Errors.ts"
import { Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { signedIn, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

/** The caller's account as a whole. */
export class AccountApi extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.get("view", "/api/account")
      .addSuccess(Account)
      .addError(problem(Unauthenticated))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getAccount",
          summary: "The caller's account",
          description:
            "With its sessions that have not expired, the newest first. POST /api/auth/revoke-other-sessions ends all but the one that asks.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("export", "/api/account/export")
      .addSuccess(AccountExport)
      .addError(problem(Unauthenticated))
      .annotateContext(
        OpenApi.annotations({
          identifier: "exportAccount",
          summary: "Download all that is held of the caller",
          description:
            "Every row, by table, of the person and of the organizations that would go with the account; without passwords, tokens and the digests of codes.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("planDeletion", "/api/account/deletion")
      .addSuccess(DeletionPlan)
      .addError(problem(Unauthenticated))
      .annotateContext(
        OpenApi.annotations({
          identifier: "planAccountDeletion",
          summary: "Say what goes with the account",
          description: "And what is in the way of its deletion. Changes nothing.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("delete", "/api/account/delete")
      .setPayload(DeleteRequest)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(Schema.Union(problem(Unauthenticated), unreadable))
      .addError(Schema.Union(problem(WrongPassword), problem(OrganizationInUse)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "deleteAccount",
          summary: "Delete the account",
          description:
            "With its sessions, and the organizations that are the caller's alone with all their rows: all or nothing, for good.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "The caller's account: seeing it, taking its data along, ending it") {}
