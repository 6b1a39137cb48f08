import { Context, type Effect } from "effect"
import type { Template } from "../../domain/catalog/Template.ts"
import type { NoSuchRevision, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { OrganizationId } from "../../domain/Ids.ts"
import type { OwnTemplate, RevisionList } from "../../domain/publishing/Revision.ts"

/** What a publisher has published, as its members see it. A template of another publisher is unknown. */
export class PublishedTemplates extends Context.Tag("agent-install/PublishedTemplates")<
  PublishedTemplates,
  {
    /** The templates of a publisher, by slug. */
    readonly list: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<OwnTemplate>>
    /** The revisions of one before that one (absent: from the newest), a page of them, the newest first. */
    readonly revisions: (
      organizationId: OrganizationId,
      slug: string,
      before?: number
    ) => Effect.Effect<RevisionList, UnknownTemplateSlug>
    /** A revision of one (absent: the newest) as it was published; its publisher, bot and own keys are the newest's. */
    readonly revision: (
      organizationId: OrganizationId,
      slug: string,
      revision?: number
    ) => Effect.Effect<{ readonly revision: number; readonly template: Template }, UnknownTemplateSlug | NoSuchRevision>
  }
>() {}
