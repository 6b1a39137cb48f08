import { Data, Effect } from "effect"
import { type Impact, noImpact } from "../domain/Impact.ts"
import type { Published, PublishRefused, Template } from "../domain/Template.ts"
import { TemplateCatalog } from "./TemplateCatalog.ts"
import { TemplateMirror } from "./TemplateMirror.ts"
import { Transactor } from "./Transactor.ts"

/** What a publication changes, and what that does to those who have the template installed. */
export interface Publication {
  readonly published: Published
  readonly impact: Impact
}

/** Publishes a template, and says what installations will meet when they are brought up to it. */
export const publishTemplate: (
  template: Template
) => Effect.Effect<Publication, PublishRefused, TemplateCatalog | TemplateMirror> = Effect.fn("publishTemplate")(
  function* (template) {
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const published = yield* catalog.publish(template)
    const { changed, revision, since, templateAgentId } = published
    return { published, impact: changed ? yield* mirror.impact(templateAgentId, revision, since) : noImpact }
  }
)

/** Carries what was seen out of a step that is to leave nothing behind. */
class Rehearsed extends Data.TaggedError("Rehearsed")<Publication> {}

/** Says what publishing a template would change and do, by doing all of it and taking it back. */
export const diffTemplate: (
  template: Template
) => Effect.Effect<Publication, PublishRefused, TemplateCatalog | TemplateMirror | Transactor> = Effect.fn(
  "diffTemplate"
)(function* (template) {
  const { atomically } = yield* Transactor
  const rehearsal = Effect.flatMap(publishTemplate(template), (seen) => new Rehearsed(seen))
  return yield* atomically(rehearsal).pipe(
    Effect.catchTag("Rehearsed", ({ impact, published }) => Effect.succeed({ published, impact }))
  )
})
