import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { AgentNotFound, NotOrgAdmin, RowNotFound, Unauthenticated } from "../../domain/Errors.ts"
import { AgentRow, RowChanges } from "../../domain/installation/Row.ts"
import { Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { inPath, signedIn, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"

const reads = Schema.Union(problem(Unauthenticated), problem(AgentNotFound), problem(RowNotFound))
const changes = Schema.Union(reads, problem(NotOrgAdmin))

const rowPath = Schema.Struct({ id: inPath.agent, kind: inPath.kind, slug: inPath.row })

/** The rows that installed agents brought. */
export class RowsApi extends HttpApiGroup.make("rows")
  .add(
    HttpApiEndpoint.get("view", "/api/agents/:id/rows/:kind/:slug")
      .setPath(rowPath)
      .addSuccess(AgentRow)
      .addError(reads)
      .annotateContext(
        OpenApi.annotations({
          identifier: "getRow",
          summary: "One row of an agent",
          description: "With all that it says, whether it is a copy or referred to.",
          transform: signedIn
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("customize", "/api/agents/:id/rows/:kind/:slug/customize")
      .setPath(rowPath)
      .setPayload(RowChanges)
      .addSuccess(AgentRow)
      .addError(unreadable)
      .addError(changes)
      .annotateContext(
        OpenApi.annotations({
          identifier: "customizeRow",
          summary: "Change a row of an agent",
          description:
            "Changes what is said and leaves the rest. The row keeps its id, and updates leave it alone until a resync reverts it. What is as it was changes nothing.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("remove", "/api/agents/:id/rows/:kind/:slug")
      .setPath(rowPath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(changes)
      .annotateContext(
        OpenApi.annotations({
          identifier: "deleteRow",
          summary: "Delete a row of an agent",
          description:
            "It is seen no more, and updates leave it deleted until a resync restores it. What refers to it stays as it is.",
          transform: signedIn
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Rows of installed agents: seeing, changing and deleting them") {}
