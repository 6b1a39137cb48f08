import { Context, type Effect } from "effect"
import type { DeprecationRequest } from "../../domain/catalog/Deprecation.ts"
import type { Template } from "../../domain/catalog/Template.ts"
import type { InvalidRequest, NoSuchRevision, TemplateInUse, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { OrganizationId } from "../../domain/Ids.ts"
import type { OwnTemplate, RevisionList } from "../../domain/publishing/Revision.ts"

/** What a publisher has published, and what is to become of it. A template of another publisher is unknown. */
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
    /** Deprecates one: it is not installed anew, and who has it keeps it. Again: with another reason. */
    readonly deprecate: (
      organizationId: OrganizationId,
      slug: string,
      request: DeprecationRequest
    ) => Effect.Effect<OwnTemplate, UnknownTemplateSlug | InvalidRequest>
    /** Ends a deprecation. */
    readonly restore: (organizationId: OrganizationId, slug: string) => Effect.Effect<OwnTemplate, UnknownTemplateSlug>
    /**
     * Marks a revision as broken, or (null) ends that. From then on nobody is brought to it, and a roll-out that runs to it is paused:
     * once this answers, none of its batches is under way.
     */
    readonly markBroken: (
      organizationId: OrganizationId,
      slug: string,
      revision: number,
      reason: string | null
    ) => Effect.Effect<OwnTemplate, UnknownTemplateSlug | NoSuchRevision>
    /** Withdraws one for good, where nobody has it installed: its slug is never published again, and its roll-outs end. */
    readonly withdraw: (
      organizationId: OrganizationId,
      slug: string
    ) => Effect.Effect<void, UnknownTemplateSlug | TemplateInUse>
  }
>() {}
