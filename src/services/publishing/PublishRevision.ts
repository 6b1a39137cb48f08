import { Effect } from "effect"
import { headIssue, PublishRefused, type Template } from "../../domain/catalog/Template.ts"
import type { TemplateIssue } from "../../domain/catalog/TemplateIssue.ts"
import {
  type InvalidRequest,
  NoSuchRevision,
  type PublisherError,
  type ReadError,
  TemplateRefused,
  UnknownTemplateSlug,
  WithdrawalRefused
} from "../../domain/Errors.ts"
import type { Publisher } from "../../domain/publishing/Publisher.ts"
import type {
  OwnTemplate,
  RevisionAnswer,
  RevisionDocuments,
  RevisionList,
  RevisionQuery,
  RevisionRequest,
  RevisionsQuery
} from "../../domain/publishing/Revision.ts"
import { diffTemplate, publishTemplate } from "../catalog/PublishTemplate.ts"
import type { TemplateCatalog } from "../catalog/TemplateCatalog.ts"
import { TemplateReader } from "../catalog/TemplateReader.ts"
import { TemplateMirror } from "../installation/TemplateMirror.ts"
import { traced } from "../runtime/Traced.ts"
import type { Transactor } from "../runtime/Transactor.ts"
import { admitPublisher, type PublisherCall, type PublisherDoor } from "./AdmitPublisher.ts"
import { PublishedTemplates } from "./PublishedTemplates.ts"

/** What is asked of one template of a publisher. */
export interface TemplateCall extends PublisherCall {
  /** The template's slug. */
  readonly template: string
}

/** What a template has to say of itself to be published where it is sent. */
const misplaced = (
  { publisher, slug }: Template,
  asked: { readonly publisher: Publisher; readonly template: string }
): ReadonlyArray<TemplateIssue> => [
  ...(slug === asked.template
    ? []
    : [headIssue(["slug"], `"${slug}" is not the template that this is sent to, which is "${asked.template}"`)]),
  ...(publisher === asked.publisher.slug
    ? []
    : [
        headIssue(
          ["publisher"],
          `"${publisher}" is not the publisher that this is sent to; say publisher: ${asked.publisher.slug}`
        )
      ])
]

interface PublishCall<R, RQ> extends TemplateCall {
  readonly body: Effect.Effect<RevisionRequest, ReadError, R>
  readonly query: Effect.Effect<RevisionQuery, InvalidRequest, RQ>
}

/** Publishes a revision of a template, or, for a dry run, says what that would change and do. The same content makes none. */
export const publishRevision: <R, RQ>(
  call: PublishCall<R, RQ>
) => Effect.Effect<
  RevisionAnswer,
  PublisherError | ReadError | TemplateRefused | WithdrawalRefused,
  PublisherDoor | TemplateReader | TemplateCatalog | TemplateMirror | Transactor | R | RQ
> = traced("publishRevision")(function* <R, RQ>(call: PublishCall<R, RQ>) {
  const reader = yield* TemplateReader
  const { publisher } = yield* admitPublisher("publish", call)
  const { dryRun } = yield* call.query
  const { definitions, template: head, withdraw = false } = yield* call.body
  const publishing = Effect.gen(function* () {
    const template = yield* reader.read({ template: head, definitions })
    const issues = misplaced(template, { publisher, template: call.template })
    if (issues.length > 0) return yield* new PublishRefused({ issues })
    const { impact, published } = yield* dryRun ? diffTemplate(template) : publishTemplate(template, withdraw)
    const { affected, installations, pinned, total } = impact
    return { slug: template.slug, ...published, impact: { affected, installations, pinned, total } }
  })
  return yield* publishing.pipe(
    Effect.catchTags({
      PublishRefused: ({ issues }) => new TemplateRefused({ issues }),
      WithdrawalNotAgreed: ({ withdrawal }) => new WithdrawalRefused(withdrawal)
    })
  )
})

/** The templates of a publisher. */
export const listOwnTemplates: (
  call: PublisherCall
) => Effect.Effect<ReadonlyArray<OwnTemplate>, PublisherError, PublisherDoor | PublishedTemplates> = traced(
  "listOwnTemplates"
)(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("read", call)
  return yield* templates.list(publisher.id)
})

/** What a revision of a template does to those who have it installed, compared with the one before, in numbers. Looks at each of them. */
export const viewImpact: (
  call: TemplateCall,
  revision: number
) => Effect.Effect<
  RevisionAnswer["impact"],
  PublisherError | UnknownTemplateSlug | NoSuchRevision,
  PublisherDoor | PublishedTemplates | TemplateMirror
> = traced("viewImpact")(function* (call, revision) {
  const templates = yield* PublishedTemplates
  const mirror = yield* TemplateMirror
  const { publisher } = yield* admitPublisher("read", call, "change")
  const template = (yield* templates.list(publisher.id)).find(({ slug }) => slug === call.template)
  if (template === undefined) return yield* new UnknownTemplateSlug({ slug: call.template })
  if (revision > template.revision) return yield* new NoSuchRevision({ revision, newest: template.revision })
  const { affected, installations, pinned, total } = yield* mirror.impact(
    template.templateAgentId,
    revision,
    revision - 1
  )
  return { affected, installations, pinned, total }
})

/** The revisions of a template, page by page. */
export const listRevisions: <R>(
  call: TemplateCall & { readonly query: Effect.Effect<RevisionsQuery, InvalidRequest, R> }
) => Effect.Effect<
  RevisionList,
  PublisherError | InvalidRequest | UnknownTemplateSlug,
  PublisherDoor | PublishedTemplates | R
> = traced("listRevisions")(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("read", call)
  const { before } = yield* call.query
  return yield* templates.revisions(publisher.id, call.template, before)
})

/** A revision of a template as what its files say; null: the newest. */
export const readRevision: (
  call: TemplateCall,
  revision: number | null
) => Effect.Effect<
  RevisionDocuments,
  PublisherError | UnknownTemplateSlug | NoSuchRevision,
  PublisherDoor | PublishedTemplates | TemplateReader
> = traced("readRevision")(function* (call, revision) {
  const templates = yield* PublishedTemplates
  const reader = yield* TemplateReader
  const { publisher } = yield* admitPublisher("read", call)
  const found = yield* templates.revision(publisher.id, call.template, revision ?? undefined)
  return { revision: found.revision, ...(yield* reader.write(found.template)) }
})
