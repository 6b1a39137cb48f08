import type { Effect } from "effect"
import type { BrokenRequest, DeprecationRequest } from "../../domain/catalog/Deprecation.ts"
import type {
  InvalidRequest,
  NoSuchRevision,
  PublisherError,
  ReadError,
  TemplateInUse,
  UnknownTemplateSlug
} from "../../domain/Errors.ts"
import type { OwnTemplate } from "../../domain/publishing/Revision.ts"
import { traced } from "../runtime/Traced.ts"
import { admitPublisher, type PublisherDoor } from "./AdmitPublisher.ts"
import { PublishedTemplates } from "./PublishedTemplates.ts"
import type { TemplateCall } from "./PublishRevision.ts"

/* What owners and admins of a publisher, and its keys that publish, make of what is published. */

type Dependencies = PublisherDoor | PublishedTemplates

/** A revision of a template, by its number. */
export interface RevisionCall<R> extends TemplateCall {
  readonly revision: Effect.Effect<number, InvalidRequest, R>
}

/** Deprecates a template: it is not installed anew. */
export const deprecateTemplate: <R>(
  call: TemplateCall & { readonly body: Effect.Effect<DeprecationRequest, ReadError, R> }
) => Effect.Effect<OwnTemplate, PublisherError | ReadError | UnknownTemplateSlug, Dependencies | R> = traced(
  "deprecateTemplate"
)(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("withdraw", call)
  return yield* templates.deprecate(publisher.id, call.template, yield* call.body)
})

/** Ends the deprecation of a template. */
export const restoreTemplate: (
  call: TemplateCall
) => Effect.Effect<OwnTemplate, PublisherError | UnknownTemplateSlug, Dependencies> = traced("restoreTemplate")(
  function* (call) {
    const templates = yield* PublishedTemplates
    const { publisher } = yield* admitPublisher("withdraw", call)
    return yield* templates.restore(publisher.id, call.template)
  }
)

/** Withdraws a template for good, where nobody has it installed. */
export const withdrawTemplate: (
  call: TemplateCall
) => Effect.Effect<void, PublisherError | UnknownTemplateSlug | TemplateInUse, Dependencies> = traced(
  "withdrawTemplate"
)(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("withdraw", call)
  return yield* templates.withdraw(publisher.id, call.template)
})

/** Marks a revision of a template as broken: nobody is brought to it any more. */
export const markRevisionBroken: <R, RB>(
  call: RevisionCall<R> & { readonly body: Effect.Effect<BrokenRequest, ReadError, RB> }
) => Effect.Effect<
  OwnTemplate,
  PublisherError | ReadError | UnknownTemplateSlug | NoSuchRevision,
  Dependencies | R | RB
> = traced("markRevisionBroken")(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("withdraw", call)
  const revision = yield* call.revision
  const { reason } = yield* call.body
  return yield* templates.markBroken(publisher.id, call.template, revision, reason)
})

/** Ends that. */
export const restoreRevision: <R>(
  call: RevisionCall<R>
) => Effect.Effect<
  OwnTemplate,
  PublisherError | InvalidRequest | UnknownTemplateSlug | NoSuchRevision,
  Dependencies | R
> = traced("restoreRevision")(function* (call) {
  const templates = yield* PublishedTemplates
  const { publisher } = yield* admitPublisher("withdraw", call)
  return yield* templates.markBroken(publisher.id, call.template, yield* call.revision, null)
})
