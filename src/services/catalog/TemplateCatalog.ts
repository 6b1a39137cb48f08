import { Context, type Effect } from "effect"
import type { ListedTemplate, Manifest, Published, PublishRefused, Template } from "../../domain/catalog/Template.ts"
import type { UnknownTemplateSlug } from "../../domain/Errors.ts"

/** What publishers offer. */
export class TemplateCatalog extends Context.Tag("agent-install/TemplateCatalog")<
  TemplateCatalog,
  {
    /**
     * Publishes the template as its publisher wrote it, all or nothing: creates or updates the publisher, the template agent and the
     * definitions, and records the rows in a new revision. If nothing changed, no revision is made.
     */
    readonly publish: (template: Template) => Effect.Effect<Published, PublishRefused>
    /**
     * What an install of the template of that slug brings; one in a private organization counts as unknown. A live catalogue
     * answers with the same object until a new revision is published.
     */
    readonly manifest: (slug: string) => Effect.Effect<Manifest, UnknownTemplateSlug>
    /** Every published template, by slug, those of private organizations too: for whoever runs the service. */
    readonly list: Effect.Effect<ReadonlyArray<ListedTemplate>>
  }
>() {}
