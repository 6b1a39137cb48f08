import { Context, type Effect } from "effect"
import type { ListedTemplate, Manifest, Published, PublishRefused, Template } from "../../domain/catalog/Template.ts"
import type { UnknownTemplateSlug } from "../../domain/Errors.ts"

/** What publishers offer. */
export class TemplateCatalog extends Context.Tag("agent-install/TemplateCatalog")<
  TemplateCatalog,
  {
    /**
     * Publishes the template as its publisher wrote it, all or nothing: publisher, template agent and definitions are
     * made or brought up to it, and a new revision records the rows it consists of. The same content again changes
     * nothing and makes no revision.
     */
    readonly publish: (template: Template) => Effect.Effect<Published, PublishRefused>
    /**
     * What an install of the template of that slug brings; one in a private organization counts as unknown. A live catalogue
     * answers with the same object for as long as nothing of it is published.
     */
    readonly manifest: (slug: string) => Effect.Effect<Manifest, UnknownTemplateSlug>
    /** Every published template, by slug, those of private organizations too: for whoever runs the service. */
    readonly list: Effect.Effect<ReadonlyArray<ListedTemplate>>
  }
>() {}
