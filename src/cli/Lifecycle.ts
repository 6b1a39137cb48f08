import { Effect, Layer, Option } from "effect"
import type { DeprecationRequest } from "../domain/catalog/Deprecation.ts"
import { UnknownTemplateSlug } from "../domain/Errors.ts"
import type { Slug } from "../domain/Ids.ts"
import type { OwnTemplate } from "../domain/publishing/Revision.ts"
import { settings } from "../layers/runtime/Settings.ts"
import { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
import { PublishedTemplates } from "../services/publishing/PublishedTemplates.ts"
import { Publishers } from "../services/publishing/Publishers.ts"
import { ServicesFrom } from "./Application.ts"
import { DatabaseUrlFrom } from "./Database.ts"
import { type AsJson, CommandFailed, print } from "./Output.ts"
import { clientOf, failedAt } from "./OverHttp.ts"

/* What becomes of what is published: deprecated, withdrawn, broken. */

const Services = Layer.unwrapEffect(
  Effect.map(settings, (given) => ServicesFrom(given).pipe(Layer.provide(DatabaseUrlFrom(given))))
)

interface OfTemplate extends AsJson {
  readonly template: string
  /** A service to ask over HTTP; without it the database is asked. */
  readonly url: Option.Option<string>
  readonly publisher: Option.Option<string>
}

type Refused = CommandFailed | { readonly message: string }

/** What can be done with one template, wherever that is asked. */
interface Lifecycle {
  readonly deprecate: (request: DeprecationRequest) => Effect.Effect<OwnTemplate, Refused>
  readonly restore: Effect.Effect<OwnTemplate, Refused>
  readonly withdraw: Effect.Effect<void, Refused>
  readonly markBroken: (revision: number, reason: string | null) => Effect.Effect<OwnTemplate, Refused>
}

/** In the database of the settings. */
const inDatabase = (slug: string) =>
  Effect.gen(function* () {
    const catalog = yield* TemplateCatalog
    const publishers = yield* Publishers
    const templates = yield* PublishedTemplates
    const listed = (yield* catalog.list).find((one) => one.slug === slug)
    const { publisher } = yield* publishers.facts(listed?.publisher ?? "", null)
    if (publisher === null) return yield* new UnknownTemplateSlug({ slug })
    return {
      deprecate: (request) => templates.deprecate(publisher.id, slug, request),
      restore: templates.restore(publisher.id, slug),
      withdraw: templates.withdraw(publisher.id, slug),
      markBroken: (revision, reason) => templates.markBroken(publisher.id, slug, revision, reason)
    } satisfies Lifecycle
  })

/** Over HTTP, with a key of the publisher. */
const overHttp = (url: string, publisher: string, template: string) =>
  Effect.gen(function* () {
    const { revisions } = yield* clientOf(url)
    const asked = <A, E>(answer: Effect.Effect<A, E>) => Effect.mapError(answer, failedAt(url))
    const path = { slug: publisher, template }
    return {
      deprecate: (payload) => asked(revisions.deprecate({ path, payload })),
      restore: asked(revisions.restore({ path })),
      withdraw: asked(revisions.withdraw({ path })),
      markBroken: (number, reason) => {
        const ofRevision = { path: { ...path, revision: String(number) } }
        return reason === null
          ? asked(revisions.restoreRevision(ofRevision))
          : asked(revisions.markBroken({ ...ofRevision, payload: { reason } }))
      }
    } satisfies Lifecycle
  })

const withTemplate = <A>(
  { publisher, template, url }: OfTemplate,
  use: (lifecycle: Lifecycle) => Effect.Effect<A, Refused>
) =>
  Option.match(url, {
    onNone: () => inDatabase(template).pipe(Effect.flatMap(use), Effect.provide(Services)),
    onSome: (address) =>
      Effect.flatMap(
        overHttp(
          address,
          Option.getOrElse(publisher, () => template),
          template
        ),
        use
      )
  })

interface Deprecate extends OfTemplate {
  readonly reason: string
  readonly successor: Option.Option<string>
}

/** Deprecates a template. */
export const deprecate = ({ reason, successor, ...asked }: Deprecate) =>
  withTemplate(asked, (template) =>
    Effect.gen(function* () {
      const instead = Option.match(successor, {
        onNone: () => ({}),
        onSome: (slug) => ({ successor: slug as Slug })
      })
      const after = yield* template.deprecate({ reason, ...instead })
      yield* print(
        asked.json,
        after,
        `${asked.template} is deprecated: nobody installs it anew. ${after.installs} organizations have it and keep it.`
      )
    })
  )

/** Brings a deprecated template back. */
export const restore = (asked: OfTemplate) =>
  withTemplate(asked, (template) =>
    Effect.flatMap(template.restore, (after) =>
      print(asked.json, after, `${asked.template} is installed as before: it is not deprecated.`)
    )
  )

interface Withdraw extends OfTemplate {
  readonly yes: boolean
}

/** Withdraws a template for good. */
export const withdraw = ({ yes, ...asked }: Withdraw) =>
  yes
    ? withTemplate(asked, (template) =>
        Effect.zipRight(
          template.withdraw,
          print(asked.json, { withdrawn: asked.template }, `${asked.template} is withdrawn for good.`)
        )
      )
    : new CommandFailed({
        message: `Withdrawing ${asked.template} is final: nothing is published under its slug again. Say --yes to do it; template deprecate can be undone.`
      })

interface Broken extends OfTemplate {
  readonly revision: number
  readonly reason: Option.Option<string>
  readonly undo: boolean
}

/** Marks a revision as broken, or ends that. */
export const broken = ({ reason, revision, undo, ...asked }: Broken) =>
  Option.isSome(reason) === undo
    ? new CommandFailed({ message: "Say why with --reason, or end it with --undo." })
    : withTemplate(asked, (template) =>
        Effect.gen(function* () {
          const after = yield* template.markBroken(revision, Option.getOrNull(reason))
          const offered =
            after.offered === null ? "No revision is offered now." : `What is offered is revision ${after.offered}.`
          yield* print(
            asked.json,
            after,
            undo
              ? `Revision ${revision} is not marked as broken. ${offered}`
              : `Nobody is brought to revision ${revision} any more. ${offered}`
          )
        })
      )
