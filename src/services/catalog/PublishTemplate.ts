import { Data, Effect } from "effect"
import { type Withdrawal, withdrawalToAgreeTo } from "../../domain/catalog/Publication.ts"
import type { Published, PublishRefused, Template } from "../../domain/catalog/Template.ts"
import { type Impact, noImpact } from "../../domain/installation/Impact.ts"
import { TemplateMirror } from "../installation/TemplateMirror.ts"
import { traced } from "../runtime/Traced.ts"
import { Transactor } from "../runtime/Transactor.ts"
import { TemplateCatalog } from "./TemplateCatalog.ts"

/** What a publication changes, and what that does to those who have the template installed. */
export interface Publication {
  readonly published: Published
  readonly impact: Impact
}

/**
 * A publication that withdraws so much that somebody has to agree to it (`withdrawalToAgreeTo`), and nobody has. Nothing was written;
 * `publication` is what it would have been.
 */
export class WithdrawalNotAgreed extends Data.TaggedError("WithdrawalNotAgreed")<{
  readonly publication: Publication
  readonly withdrawal: Withdrawal
}> {
  override get message() {
    const { installed, of, rows } = this.withdrawal
    const copies = installed === 0 ? "" : `, and with them ${installed} of those who have it installed`
    return `It withdraws ${rows} of ${of} rows${copies}.`
  }
}

const publish = Effect.fnUntraced(function* (template: Template) {
  const catalog = yield* TemplateCatalog
  const mirror = yield* TemplateMirror
  const published = yield* catalog.publish(template)
  const { changed, revision, since, templateAgentId } = published
  const publication: Publication = {
    published,
    impact: changed ? yield* mirror.impact(templateAgentId, revision, since) : noImpact
  }
  return publication
})

/**
 * Publishes a template, and says what the new revision will do to installations. Unless `withdraw` agrees to it beforehand, a
 * publication that withdraws much is rolled back.
 */
export const publishTemplate: (
  template: Template,
  withdraw: boolean
) => Effect.Effect<Publication, PublishRefused | WithdrawalNotAgreed, TemplateCatalog | TemplateMirror | Transactor> =
  traced("publishTemplate")(function* (template, withdraw) {
    if (withdraw) return yield* publish(template)
    const { atomically } = yield* Transactor
    return yield* atomically(
      Effect.tap(publish(template), (publication) => {
        const { impact, published } = publication
        const withdrawal = withdrawalToAgreeTo(template.definitions.length, published.changes, impact.total)
        return withdrawal === undefined ? Effect.void : new WithdrawalNotAgreed({ publication, withdrawal })
      })
    )
  })

/** Carries the result out of a transaction that is rolled back. */
class Rehearsed extends Data.TaggedError("Rehearsed")<Publication> {}

/** Says what publishing a template would change, by publishing it in a transaction that is rolled back. */
export const diffTemplate: (
  template: Template
) => Effect.Effect<Publication, PublishRefused, TemplateCatalog | TemplateMirror | Transactor> = traced("diffTemplate")(
  function* (template) {
    const { atomically } = yield* Transactor
    const rehearsal = Effect.flatMap(publish(template), (seen) => new Rehearsed(seen))
    return yield* atomically(rehearsal).pipe(
      Effect.catchTag("Rehearsed", ({ impact, published }) => Effect.succeed({ published, impact }))
    )
  }
)
