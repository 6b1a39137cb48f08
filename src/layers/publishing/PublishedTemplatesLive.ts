import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Modes, saidModes } from "../../domain/catalog/Mode.ts"
import { definitionsOf, PublishedChange, sortChanges } from "../../domain/catalog/Template.ts"
import { NoSuchRevision, UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId, Slug } from "../../domain/Ids.ts"
import { E164 } from "../../domain/identity/Phone.ts"
import { deprecationOf, mayWithdraw } from "../../domain/publishing/Lifecycle.ts"
import { OwnTemplate, revisionsOfPage } from "../../domain/publishing/Revision.ts"
import { RolloutId, RolloutState, stopped } from "../../domain/rollout/Rollout.ts"
import { isCleanText } from "../../domain/Text.ts"
import { PublishedTemplates } from "../../services/publishing/PublishedTemplates.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { deprecatedOf } from "../catalog/OfferedSql.ts"
import { withdrawStatement } from "../catalog/PublishStatements.ts"
import { dieOfFaults, retryTransient } from "../postgres/Database.ts"
import { setStatement } from "../rollout/RolloutStatements.ts"

const Record = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient

    const findTemplates = SqlSchema.findAll({
      Request: Schema.Struct({ organizationId: OrganizationId, slug: Schema.NullOr(Schema.String) }),
      Result: OwnTemplate,
      execute: ({ organizationId, slug }) => sql`
        SELECT a.slug, a.name, a.description, a.id AS template_agent_id, a.revision, offered_revision(a.id) AS offered,
          ${sql.unsafe(deprecatedOf("a"))} AS deprecated,
          (SELECT count(*)::integer FROM template_revision_rows r
            WHERE r.template_agent_id = a.id AND r.revision = a.revision) AS definitions,
          (SELECT count(*)::integer FROM agents i WHERE i.template_agent_id = a.id) AS installs
        FROM agents a
        WHERE a.organization_id = ${organizationId} AND a.slug IS NOT NULL AND a.revision IS NOT NULL
          AND (${slug}::text IS NULL OR a.slug = ${slug})
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
        broken: Schema.NullOr(Schema.String),
        changes: Schema.Array(PublishedChange)
      }),
      execute: ({ before, templateAgentId }) => sql`
        SELECT v.revision, v.created_at AS published_at, v.notes, v.broken, COALESCE(changed.rows, '[]') AS changes
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
      const template = isCleanText(slug) ? yield* Effect.orDie(findTemplate({ organizationId, slug })) : Option.none()
      return yield* Effect.mapError(template, () => new UnknownTemplateSlug({ slug }))
    })

    const own = Effect.fnUntraced(function* (organizationId: OrganizationId, slug: string) {
      const [template] = yield* Effect.orDie(findTemplates({ organizationId, slug }))
      return template ?? (yield* new UnknownTemplateSlug({ slug }))
    })

    const isOffered = SqlSchema.single({
      Request: Schema.String,
      Result: Schema.Struct({ offered: Schema.Boolean }),
      execute: (slug) => sql`
        SELECT EXISTS (
          SELECT FROM agents a JOIN organization o ON o.id = a.organization_id
          WHERE a.slug = ${slug} AND a.revision IS NOT NULL AND o.visibility = 'public'
        ) AS offered
      `
    })

    const writeDeprecation = SqlSchema.void({
      Request: Schema.Struct({
        id: AgentId,
        reason: Schema.NullOr(Schema.String),
        successor: Schema.NullOr(Schema.String)
      }),
      execute: ({ id, reason, successor }) => sql`
        UPDATE agents SET deprecation = ${reason}, successor = ${successor} WHERE id = ${id} AND revision IS NOT NULL
      `
    })

    const writeBroken = SqlSchema.findOne({
      Request: Schema.Struct({ ...OfRevision.fields, reason: Schema.NullOr(Schema.String) }),
      Result: Schema.Struct({ revision: Schema.Int }),
      execute: ({ reason, revision, templateAgentId }) => sql`
        UPDATE template_revisions SET broken = ${reason}
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision} RETURNING revision
      `
    })

    /** Those that run to the revision; no batch of them is under way then. */
    const holdRollouts = SqlSchema.findAll({
      Request: OfRevision,
      Result: Schema.Struct({
        rolloutId: RolloutId,
        state: RolloutState,
        wave: Schema.Int,
        attempt: Schema.Int,
        stopAbove: Schema.Number
      }),
      execute: ({ revision, templateAgentId }) => sql`
        SELECT id AS rollout_id, state, wave, attempt, stop_above FROM rollouts
        WHERE template_agent_id = ${templateAgentId} AND revision = ${revision} AND ended_at IS NULL FOR UPDATE
      `
    })

    /** The template, while nobody installs it. */
    const holdTemplate = SqlSchema.findOne({
      Request: AgentId,
      Result: Schema.Struct({ id: AgentId, organizationId: OrganizationId, revision: Schema.Int }),
      execute: (id) => sql`
        SELECT id, organization_id, revision FROM agents WHERE id = ${id} AND revision IS NOT NULL FOR UPDATE
      `
    })
    const countInstalled = SqlSchema.single({
      Request: AgentId,
      Result: Schema.Struct({ installations: Schema.Int }),
      execute: (id) => sql`SELECT count(*)::integer AS installations FROM agents WHERE template_agent_id = ${id}`
    })
    const withdrawals = kinds.map((kind) => ({ kind: kind.kind, text: withdrawStatement(kind) }))

    const withdrawOnce = Effect.fnUntraced(function* (slug: string, templateAgentId: AgentId) {
      const held = yield* holdTemplate(templateAgentId)
      if (Option.isNone(held)) return yield* new UnknownTemplateSlug({ slug })
      const { organizationId, revision } = held.value
      yield* mayWithdraw((yield* countInstalled(templateAgentId)).installations)
      const rows = yield* findRows({ templateAgentId, revision })
      for (const { kind, text } of withdrawals) {
        const ids = rows.flatMap((row) => (row.kind === kind ? [row.sourceId] : []))
        yield* sql.unsafe(text, [organizationId, ids, templateAgentId])
      }
      yield* sql`
        UPDATE rollouts SET state = 'cancelled', because = NULL, ended_at = now()
        WHERE template_agent_id = ${templateAgentId} AND ended_at IS NULL
      `
      yield* sql`UPDATE agents SET revision = NULL, withdrawn_at = now() WHERE id = ${templateAgentId}`
    })

    return PublishedTemplates.of({
      deprecate: traced("PublishedTemplates.deprecate")(function* (organizationId, slug, request) {
        const { id } = yield* found(organizationId, slug)
        const { offered } = yield* Effect.orDie(isOffered(request.successor ?? ""))
        yield* Effect.orDie(writeDeprecation({ id, ...(yield* deprecationOf(slug, request, offered)) }))
        return yield* own(organizationId, slug)
      }),
      restore: traced("PublishedTemplates.restore")(function* (organizationId, slug) {
        const { id } = yield* found(organizationId, slug)
        yield* Effect.orDie(writeDeprecation({ id, reason: null, successor: null }))
        return yield* own(organizationId, slug)
      }),
      markBroken: traced("PublishedTemplates.markBroken")(function* (organizationId, slug, revision, reason) {
        const { id: templateAgentId, revision: newest } = yield* found(organizationId, slug)
        if (revision > newest) return yield* new NoSuchRevision({ revision, newest })
        yield* Effect.gen(function* () {
          const written = yield* writeBroken({ templateAgentId, revision, reason })
          if (Option.isNone(written)) return yield* new NoSuchRevision({ revision, newest })
          if (reason === null) return
          for (const before of yield* holdRollouts({ templateAgentId, revision })) {
            const after = stopped(before, "break")
            if (after === undefined) continue
            const { attempt, rolloutId, stopAbove, wave } = before
            yield* sql.unsafe(setStatement, [rolloutId, after.state, after.because, wave, attempt, revision, stopAbove])
          }
        }).pipe(sql.withTransaction, retryTransient(), dieOfFaults)
        return yield* own(organizationId, slug)
      }),
      withdraw: traced("PublishedTemplates.withdraw")(function* (organizationId, slug) {
        const { id } = yield* found(organizationId, slug)
        yield* withdrawOnce(slug, id).pipe(sql.withTransaction, retryTransient(), dieOfFaults)
      }),
      list: traced("PublishedTemplates.list")((organizationId) =>
        Effect.orDie(findTemplates({ organizationId, slug: null }))
      ),
      revisions: traced("PublishedTemplates.revisions")(function* (organizationId, slug, before = 2 ** 31 - 1) {
        const { id: templateAgentId } = yield* found(organizationId, slug)
        const all = yield* Effect.orDie(findRevisions({ templateAgentId, before: Math.min(before, 2 ** 31 - 1) }))
        const revisions = all
          .slice(0, revisionsOfPage)
          .map((revision) => ({ ...revision, changes: sortChanges(revision.changes, kinds) }))
        return { revisions, next: all.length > revisionsOfPage ? (revisions.at(-1)?.revision ?? null) : null }
      }),
      revision: traced("PublishedTemplates.revision")(function* (organizationId, slug, wanted) {
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
