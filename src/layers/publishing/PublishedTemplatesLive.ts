import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Modes, saidModes } from "../../domain/catalog/Mode.ts"
import { definitionsOf, PublishedChange, sortChanges } from "../../domain/catalog/Template.ts"
import { NoSuchRevision, UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug } from "../../domain/Ids.ts"
import { E164 } from "../../domain/identity/Phone.ts"
import { OwnTemplate, revisionsOfPage } from "../../domain/publishing/Revision.ts"
import { CleanText } from "../../domain/Text.ts"
import { PublishedTemplates } from "../../services/publishing/PublishedTemplates.ts"

const Record = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const findTemplates = SqlSchema.findAll({
      Request: OrganizationId,
      Result: OwnTemplate,
      execute: (organizationId) => sql`
        SELECT a.slug, a.name, a.description, a.id AS template_agent_id, a.revision,
          (SELECT count(*)::integer FROM template_revision_rows r
            WHERE r.template_agent_id = a.id AND r.revision = a.revision) AS definitions,
          (SELECT count(*)::integer FROM agents i WHERE i.template_agent_id = a.id) AS installs
        FROM agents a
        WHERE a.organization_id = ${organizationId} AND a.slug IS NOT NULL AND a.revision IS NOT NULL
        ORDER BY a.slug COLLATE "C"
      `
    })

    const findTemplate = SqlSchema.findOne({
      Request: Schema.Struct({ organizationId: OrganizationId, slug: Schema.String }),
      Result: Schema.Struct({
        id: AgentId,
        slug: Slug,
        revision: Schema.Int,
        publisher: Slug,
        botPhone: Schema.NullOr(E164),
        modes: Modes,
        extensions: Record
      }),
      execute: ({ organizationId, slug }) => sql`
        SELECT a.id, a.slug, a.revision, o.slug AS publisher, a.bot_phone, a.modes, a.extensions
        FROM agents a JOIN organization o ON o.id = a.organization_id
        WHERE a.slug = ${slug} AND a.organization_id = ${organizationId} AND a.revision IS NOT NULL
      `
    })

    const findRevisions = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, before: Schema.Int }),
      Result: Schema.Struct({
        revision: Schema.Int,
        publishedAt: Schema.DateTimeUtcFromDate,
        notes: Schema.String,
        changes: Schema.Array(PublishedChange)
      }),
      execute: ({ before, templateAgentId }) => sql`
        SELECT v.revision, v.created_at AS published_at, v.notes, COALESCE(changed.rows, '[]') AS changes
        FROM template_revisions v
        CROSS JOIN LATERAL (
          SELECT jsonb_agg(jsonb_build_object(
            'kind', COALESCE(n.kind, o.kind), 'slug', COALESCE(n.slug, o.slug),
            'change', CASE
              WHEN o.kind IS NULL THEN 'added' WHEN n.kind IS NULL THEN 'withdrawn'
              WHEN n.slug <> o.slug THEN 'renamed' ELSE 'changed' END,
            'was', CASE WHEN n.slug <> o.slug THEN o.slug END,
            'fields', CASE WHEN n.kind IS NULL OR o.kind IS NULL THEN '[]' ELSE (
              SELECT COALESCE(jsonb_agg(now.key ORDER BY now.key), '[]') FROM jsonb_each(n.content) now
              WHERE now.value IS DISTINCT FROM o.content -> now.key
            ) END
          )) AS rows
          FROM (SELECT * FROM template_revision_rows WHERE template_agent_id = v.template_agent_id AND revision = v.revision) n
          FULL JOIN (
            SELECT * FROM template_revision_rows WHERE template_agent_id = v.template_agent_id AND revision = v.revision - 1
          ) o ON o.kind = n.kind AND o.source_id = n.source_id
          WHERE (n.slug, n.hash) IS DISTINCT FROM (o.slug, o.hash)
        ) changed
        WHERE v.template_agent_id = ${templateAgentId} AND v.revision < ${before}
        ORDER BY v.revision DESC LIMIT ${revisionsOfPage + 1}
      `
    })

    const OfRevision = Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int })

    const findHead = SqlSchema.findOne({
      Request: OfRevision,
      Result: Schema.Struct({ name: Schema.String, description: Schema.String, notes: Schema.String }),
      execute: ({ revision, templateAgentId }) => sql`
        SELECT name, description, notes FROM template_revisions
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision}
      `
    })

    const findRows = SqlSchema.findAll({
      Request: OfRevision,
      Result: Schema.Struct({
        kind: Kind,
        slug: Schema.String,
        sourceId: Schema.String,
        was: Schema.Array(Schema.String),
        content: Record
      }),
      execute: ({ revision, templateAgentId }) => sql`
        SELECT kind, slug, source_id::text AS source_id, was, content FROM template_revision_rows
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision}
      `
    })

    const found = Effect.fnUntraced(function* (organizationId: OrganizationId, slug: string) {
      const template = Schema.is(CleanText)(slug)
        ? yield* Effect.orDie(findTemplate({ organizationId, slug }))
        : Option.none()
      return yield* Effect.mapError(template, () => new UnknownTemplateSlug({ slug }))
    })

    return PublishedTemplates.of({
      list: Effect.fn("PublishedTemplates.list")((organizationId) => Effect.orDie(findTemplates(organizationId))),
      revisions: Effect.fn("PublishedTemplates.revisions")(function* (organizationId, slug, before = 2 ** 31 - 1) {
        const { id: templateAgentId } = yield* found(organizationId, slug)
        const all = yield* Effect.orDie(findRevisions({ templateAgentId, before: Math.min(before, 2 ** 31 - 1) }))
        const revisions = all
          .slice(0, revisionsOfPage)
          .map((revision) => ({ ...revision, changes: sortChanges(revision.changes, kinds) }))
        return { revisions, next: all.length > revisionsOfPage ? (revisions.at(-1)?.revision ?? null) : null }
      }),
      revision: Effect.fn("PublishedTemplates.revision")(function* (organizationId, slug, wanted) {
        const { id: templateAgentId, modes, revision: newest, ...template } = yield* found(organizationId, slug)
        const revision = wanted ?? newest
        const head = revision > newest ? Option.none() : yield* Effect.orDie(findHead({ templateAgentId, revision }))
        const { notes, ...said } = yield* Effect.mapError(head, () => new NoSuchRevision({ revision, newest }))
        const rows = yield* Effect.orDie(findRows({ templateAgentId, revision }))
        const definitions = definitionsOf(rows, kinds)
        return {
          revision,
          template: { ...template, ...saidModes(modes), ...said, definitions, ...(notes === "" ? {} : { notes }) }
        }
      })
    })
  })

/** What publishers have published, in Postgres. */
export const PublishedTemplatesLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(PublishedTemplates, make(kinds))
