import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "@effect/platform"
import { Schema } from "effect"
import {
  InvalidRequest,
  NoSuchRevision,
  TemplateRefused,
  UnknownTemplateSlug,
  WithdrawalRefused
} from "../../domain/Errors.ts"
import {
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
  .annotate(OpenApi.Description, "Publishing: templates, their revisions, and what a new one does") {}
