import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import { BrokenRequest, DeprecationRequest } from "../../domain/catalog/Deprecation.ts"
import {
  InvalidRequest,
  NoSuchRevision,
  TemplateInUse,
  TemplateRefused,
  UnknownTemplateSlug,
  WithdrawalRefused
} from "../../domain/Errors.ts"
import {
  OwnTemplate,
  OwnTemplateList,
  OwnTemplatesQuery,
  publicationLimits,
  RevisionAnswer,
  RevisionDocuments,
  RevisionList,
  RevisionQuery,
  RevisionRequest,
  RevisionsQuery
} from "../../domain/publishing/Revision.ts"
import { Idempotent, Limited, OwnOrigin } from "../admission/AdmissionApi.ts"
import { LargeBody } from "../Body.ts"
import { inPath, publisher, unreadable } from "../Contract.ts"
import { problem } from "../Problem.ts"
import { publisherRefusals } from "./PublishersApi.ts"

const templatePath = Schema.Struct({ slug: inPath.publisher, template: inPath.template })
const revisionPath = Schema.Struct({ ...templatePath.fields, revision: inPath.revisionNumber })

/** What publishers publish. */
export class RevisionsApi extends HttpApiGroup.make("revisions")
  .add(
    HttpApiEndpoint.get("templates", "/api/publishers/:slug/templates")
      .setPath(Schema.Struct({ slug: inPath.publisher }))
      .setUrlParams(OwnTemplatesQuery)
      .addSuccess(OwnTemplateList)
      .addError(publisherRefusals)
      .addError(problem(InvalidRequest))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listPublisherTemplates",
          summary: "The templates of a publisher",
          description: "By slug, in pages.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("list", "/api/publishers/:slug/templates/:template/revisions")
      .setPath(templatePath)
      .setUrlParams(RevisionsQuery)
      .addSuccess(RevisionList)
      .addError(publisherRefusals)
      .addError(Schema.Union(problem(InvalidRequest), problem(UnknownTemplateSlug)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "listRevisions",
          summary: "The revisions of a template",
          description:
            "The newest first, in pages: when each was published, its notes, and what changed since the one before.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.get("read", "/api/publishers/:slug/templates/:template/revisions/:revision")
      .setPath(Schema.Struct({ slug: inPath.publisher, template: inPath.template, revision: inPath.revision }))
      .addSuccess(RevisionDocuments)
      .addError(publisherRefusals)
      .addError(Schema.Union(problem(InvalidRequest), problem(UnknownTemplateSlug), problem(NoSuchRevision)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "getRevision",
          summary: "A revision as what its files say",
          description: "By its number, or newest. Publishing it again changes nothing.",
          transform: publisher
        })
      )
      .middleware(Limited)
  )
  .add(
    HttpApiEndpoint.post("publish", "/api/publishers/:slug/templates/:template/revisions")
      .annotate(LargeBody, publicationLimits)
      .setPath(templatePath)
      .setUrlParams(RevisionQuery)
      .setPayload(RevisionRequest)
      .addSuccess(RevisionAnswer)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(Schema.Union(problem(TemplateRefused), problem(WithdrawalRefused)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "publishRevision",
          summary: "Publish a revision",
          description:
            "The body is what a template's files say: template is template.yaml (its notes are those of the revision), definitions are the files below models. It may have 5 MiB. All or nothing; the same content again makes no revision and answers with the one there is. With dryRun=true nothing is written, and the answer says what would be.",
          transform: publisher
        })
      )
      .middleware(Idempotent)
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.put("deprecate", "/api/publishers/:slug/templates/:template/deprecation")
      .setPath(templatePath)
      .setPayload(DeprecationRequest)
      .addSuccess(OwnTemplate)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(problem(UnknownTemplateSlug))
      .annotateContext(
        OpenApi.annotations({
          identifier: "deprecateTemplate",
          summary: "Deprecate a template",
          description:
            "For owners and admins, and keys that publish. Nobody installs it anew; the reason and the successor are shown. Who has it keeps it, and gets its revisions. Repeating it gives it another reason.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("restore", "/api/publishers/:slug/templates/:template/deprecation")
      .setPath(templatePath)
      .addSuccess(OwnTemplate)
      .addError(publisherRefusals)
      .addError(problem(UnknownTemplateSlug))
      .annotateContext(
        OpenApi.annotations({
          identifier: "restoreTemplate",
          summary: "Bring a deprecated template back",
          description: "For owners and admins, and keys that publish. It is installed as before.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("withdraw", "/api/publishers/:slug/templates/:template")
      .setPath(templatePath)
      .addSuccess(HttpApiSchema.NoContent)
      .addError(publisherRefusals)
      .addError(Schema.Union(problem(UnknownTemplateSlug), problem(TemplateInUse)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "withdrawTemplate",
          summary: "Withdraw a template for good",
          description:
            "For owners and admins, and keys that publish; only where nobody has it installed. It is unknown from then on, and nothing is published under its slug again.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.put("markBroken", "/api/publishers/:slug/templates/:template/revisions/:revision/broken")
      .setPath(revisionPath)
      .setPayload(BrokenRequest)
      .addSuccess(OwnTemplate)
      .addError(publisherRefusals)
      .addError(unreadable)
      .addError(Schema.Union(problem(UnknownTemplateSlug), problem(NoSuchRevision)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "markRevisionBroken",
          summary: "Mark a revision as broken",
          description:
            "For owners and admins, and keys that publish. Nobody is brought to it any more: installs and updates take the newest that is not broken, a roll-out to it is paused. Who has it keeps it until they update.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .add(
    HttpApiEndpoint.del("restoreRevision", "/api/publishers/:slug/templates/:template/revisions/:revision/broken")
      .setPath(revisionPath)
      .addSuccess(OwnTemplate)
      .addError(publisherRefusals)
      .addError(Schema.Union(problem(InvalidRequest), problem(UnknownTemplateSlug), problem(NoSuchRevision)))
      .annotateContext(
        OpenApi.annotations({
          identifier: "restoreRevision",
          summary: "Mark a revision as broken no more",
          description: "For owners and admins, and keys that publish. It is installed and rolled out as any other.",
          transform: publisher
        })
      )
      .middleware(Limited)
      .middleware(OwnOrigin)
  )
  .annotate(OpenApi.Description, "Publishing: templates, their revisions, and what a new one does") {}
