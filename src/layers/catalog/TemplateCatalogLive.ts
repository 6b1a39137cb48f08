import { SqlClient, SqlSchema } from "@effect/sql"
import { Effect, Layer, Option, Schema } from "effect"
import { boundedMap } from "../../domain/BoundedMap.ts"
import { Kind, type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { Mode, modesUnsaid } from "../../domain/catalog/Mode.ts"
import { type KnownSource, renameIssues, resolveSources } from "../../domain/catalog/Publication.ts"
import {
  differingSiblingIssues,
  foreignSlugIssue,
  ListedTemplate,
  Manifest,
  ManifestRow,
  type Published,
  PublishedChange,
  PublishRefused,
  positions,
  privatePublisherIssue,
  rowsByKind,
  sortChanges,
  type Template,
  takenSlugIssues,
  templateIssues,
  withdrawnIssue
} from "../../domain/catalog/Template.ts"
import type { TemplateIssue } from "../../domain/catalog/TemplateIssue.ts"
import { UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { isCleanText } from "../../domain/Text.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import { traced } from "../../services/runtime/Traced.ts"
import { dieOfFaults, retryTransient, violates } from "../postgres/Database.ts"
import { deprecatedOf } from "./OfferedSql.ts"
import {
  formerSlugsStatement,
  knownSourcesStatement,
  publishStatement,
  recordRevisionStatement,
  setAsideStatement,
  takenSlugsStatement,
  withdrawStatement
} from "./PublishStatements.ts"

const refuse = (...issues: ReadonlyArray<TemplateIssue>) => Effect.fail(new PublishRefused({ issues }))

/** Of how many templates manifests are kept in memory. */
const mostManifests = 1_000

const make = (kinds: ReadonlyArray<KindDescription>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // A definition of that slug was made by hand since the publisher's were read.
    const isConflict = violates(...kinds.map(({ table }) => `${table}_slug`))

    // A person's own organization may have the slug as well: it is another one.
    const publisher = SqlSchema.single({
      Request: Schema.Struct({ slug: Schema.String, name: Schema.String }),
      Result: Schema.Struct({ id: OrganizationId, visibility: Schema.String }),
      execute: ({ name, slug }) => sql`
      INSERT INTO organization (slug, name, visibility) VALUES (${slug}, ${name}, 'public')
      ON CONFLICT (slug) WHERE NOT (visibility = 'private' AND metadata ->> 'personal_org_for_user_id' IS NOT NULL)
      DO UPDATE SET slug = excluded.slug
      RETURNING id, visibility
    `
    })

    const templateAgent = SqlSchema.findOne({
      Request: Schema.Struct({
        organizationId: OrganizationId,
        slug: Schema.String,
        name: Schema.String,
        description: Schema.String,
        botPhone: Schema.NullOr(Schema.String),
        modes: Schema.Array(Mode),
        extensions: Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
      }),
      Result: Schema.Struct({ id: AgentId, withdrawn: Schema.Boolean }),
      execute: (row) => sql`
      INSERT INTO agents (organization_id, slug, name, description, bot_phone, modes, extensions)
      VALUES (${row.organizationId}, ${row.slug}, ${row.name}, ${row.description}, ${row.botPhone}, ${row.modes}::text[],
        ${row.extensions}::jsonb)
      ON CONFLICT (slug) WHERE slug IS NOT NULL DO UPDATE
      SET name = excluded.name, description = excluded.description, bot_phone = excluded.bot_phone,
        modes = excluded.modes, extensions = excluded.extensions, updated_at = now()
      WHERE agents.organization_id = excluded.organization_id
      RETURNING id, withdrawn_at IS NOT NULL AS withdrawn
    `
    })

    const knownSourcesText = knownSourcesStatement(kinds)
    const knownSources = SqlSchema.findAll({
      Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId }),
      Result: Schema.Struct({
        kind: Kind,
        slug: Schema.String,
        sourceId: Schema.String,
        was: Schema.Array(Schema.String),
        foundIn: Schema.Literal("newest", "earlier", "elsewhere")
      }),
      execute: ({ organizationId, templateAgentId }) => sql.unsafe(knownSourcesText, [organizationId, templateAgentId])
    })

    const formerSlugs = SqlSchema.findAll({
      Request: OrganizationId,
      Result: Schema.Struct({ kind: Kind, slug: Schema.String }),
      execute: (organizationId) => sql.unsafe(formerSlugsStatement, [organizationId])
    })

    const Rows = Schema.parseJson(Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })))

    const writeKind = kinds.map((kind) => {
      const setAsideText = setAsideStatement(kind)
      const withdrawText = withdrawStatement(kind)
      const publishText = publishStatement(kind)
      const takenSlugsText = takenSlugsStatement(kind)
      return {
        ...kind,
        setAside: SqlSchema.void({
          Request: Schema.Struct({ organizationId: OrganizationId, ids: Schema.Array(Schema.String) }),
          execute: ({ ids, organizationId }) => sql.unsafe(setAsideText, [organizationId, ids])
        }),
        withdraw: SqlSchema.void({
          Request: Schema.Struct({
            organizationId: OrganizationId,
            templateAgentId: AgentId,
            ids: Schema.Array(Schema.String)
          }),
          execute: ({ ids, organizationId, templateAgentId }) =>
            sql.unsafe(withdrawText, [organizationId, ids, templateAgentId])
        }),
        held: SqlSchema.findAll({
          Request: Schema.Struct({ organizationId: OrganizationId, slugs: Schema.Array(Schema.String) }),
          Result: Schema.Struct({ slug: Schema.String }),
          execute: ({ organizationId, slugs }) => sql.unsafe(takenSlugsText, [organizationId, slugs])
        }),
        publish: SqlSchema.findAll({
          Request: Schema.Struct({ organizationId: OrganizationId, templateAgentId: AgentId, rows: Rows }),
          Result: Schema.Struct({ slug: Schema.String, sourceId: Schema.String }),
          execute: ({ organizationId, rows, templateAgentId }) =>
            sql.unsafe(publishText, [organizationId, templateAgentId, rows])
        })
      }
    })

    const recordRevisionText = recordRevisionStatement(kinds)
    const recordRevision = SqlSchema.single({
      Request: Schema.Struct({ templateAgentId: AgentId, rows: Rows }),
      Result: Schema.Struct({
        revision: Schema.NullOr(Schema.Int),
        changed: Schema.Boolean,
        differing: Schema.Array(Schema.Struct({ kind: Kind, slug: Schema.String, template: Schema.String }))
      }),
      execute: ({ rows, templateAgentId }) => sql.unsafe(recordRevisionText, [templateAgentId, rows])
    })

    const recordPublished = SqlSchema.void({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
      execute: ({ revision, templateAgentId }) => sql`SELECT record_published(${templateAgentId}, ${revision})`
    })

    const writeNotes = SqlSchema.void({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int, notes: Schema.String }),
      execute: ({ notes, revision, templateAgentId }) => sql`
      UPDATE template_revisions SET notes = ${notes}
      WHERE template_agent_id = ${templateAgentId} AND revision = ${revision} AND notes <> ${notes}
    `
    })

    const findChanges = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
      Result: PublishedChange,
      execute: ({ revision, templateAgentId }) => sql`
      SELECT COALESCE(n.kind, o.kind) AS kind, COALESCE(n.slug, o.slug) AS slug,
        CASE
          WHEN o.kind IS NULL THEN 'added'
          WHEN n.kind IS NULL THEN 'withdrawn'
          WHEN n.slug <> o.slug THEN 'renamed'
          ELSE 'changed'
        END AS change,
        CASE WHEN n.slug <> o.slug THEN o.slug END AS was,
        ARRAY(
          SELECT now.key FROM jsonb_each(n.content) now
          WHERE o.kind IS NOT NULL AND now.value IS DISTINCT FROM o.content -> now.key ORDER BY now.key
        ) AS fields
      FROM (
        SELECT * FROM template_revision_rows WHERE template_agent_id = ${templateAgentId} AND revision = ${revision}
      ) n
      FULL JOIN (
        SELECT * FROM template_revision_rows WHERE template_agent_id = ${templateAgentId} AND revision = ${revision} - 1
      ) o ON o.kind = n.kind AND o.source_id = n.source_id
      WHERE (n.slug, n.hash) IS DISTINCT FROM (o.slug, o.hash)
    `
    })

    const writeTemplate = Effect.fnUntraced(function* (template: Template) {
      // As long as the largest template takes.
      yield* sql`SET LOCAL statement_timeout = 0`
      const organization = yield* publisher({ slug: template.publisher, name: template.publisher })
      if (organization.visibility !== "public") {
        return yield* refuse(privatePublisherIssue(template))
      }
      const agent = yield* templateAgent({ organizationId: organization.id, modes: modesUnsaid, ...template })
      if (Option.isNone(agent)) {
        return yield* refuse(foreignSlugIssue(template))
      }
      if (agent.value.withdrawn) return yield* refuse(withdrawnIssue(template))
      const ids = { organizationId: organization.id, templateAgentId: agent.value.id }
      const known: ReadonlyArray<KnownSource> = yield* knownSources(ids)
      const { definitions } = template
      const former = definitions.some(({ was }) => was.length > 0) ? yield* formerSlugs(organization.id) : []
      const clashes = renameIssues(definitions, known, former)
      if (clashes.length > 0) return yield* refuse(...clashes)
      const resolved = resolveSources(definitions, known)
      const at = positions(definitions)

      const written: Array<{ readonly kind: Kind; readonly source_id: string; readonly was: ReadonlyArray<string> }> =
        []
      const sourceIds = new Map<string, string>()
      for (const { held, kind, publish, setAside, references = {}, withdraw } of writeKind) {
        const ofKind = definitions.filter((definition) => definition.kind === kind)
        const continued = new Set(ofKind.flatMap((definition) => resolved.get(definition) ?? []))
        const withdrawn = known.flatMap((source) =>
          source.kind === kind && source.foundIn === "newest" && !continued.has(source.sourceId)
            ? [source.sourceId]
            : []
        )
        yield* setAside({ ...ids, ids: [...continued] })
        yield* withdraw({ ...ids, ids: withdrawn })
        const taken = yield* held({ ...ids, slugs: ofKind.map(({ slug }) => slug) })
        if (taken.length > 0)
          return yield* refuse(
            ...takenSlugIssues(
              definitions,
              taken.map(({ slug }) => ({ kind, slug }))
            )
          )
        const rows = ofKind.map((definition) => ({
          ...definition.content,
          ...Object.fromEntries(
            Object.entries(definition.references).map(([column, slug]) => [
              column,
              sourceIds.get(`${references[column]} ${slug}`)
            ])
          ),
          slug: definition.slug,
          name: definition.name,
          description: definition.description,
          extensions: definition.extensions,
          source_id: resolved.get(definition) ?? null
        }))
        for (const { slug, sourceId } of yield* publish({ ...ids, rows })) {
          sourceIds.set(`${kind} ${slug}`, sourceId)
          const was = definitions[at.get(`${kind} ${slug}`) ?? -1]?.was ?? []
          written.push({ kind, source_id: sourceId, was })
        }
      }

      const recorded = yield* recordRevision({ templateAgentId: ids.templateAgentId, rows: written })
      if (recorded.differing.length > 0 || recorded.revision === null) {
        return yield* refuse(...differingSiblingIssues(definitions, recorded.differing))
      }
      const { changed, revision } = recorded
      if (changed) yield* recordPublished({ templateAgentId: ids.templateAgentId, revision })
      if (template.notes !== undefined) yield* writeNotes({ ...ids, revision, notes: template.notes })
      const changes = changed ? yield* findChanges({ ...ids, revision }) : []
      const published: Published = {
        templateAgentId: ids.templateAgentId,
        revision,
        changed,
        since: changed ? revision - 1 : revision,
        changes: sortChanges(changes, kinds)
      }
      return published
    })

    const Head = Manifest.pipe(Schema.omit("rows"))

    /** All of a manifest but its rows: one look by the slug. */
    const findHead = SqlSchema.findOne({
      Request: Schema.String,
      Result: Head,
      execute: (slug) => sql`
      SELECT a.slug, a.name, a.description, ltrim(a.bot_phone, '+') AS bot_phone, a.id AS template_agent_id,
        COALESCE(offered_revision(a.id), a.revision) AS revision, ${sql.unsafe(deprecatedOf("a"))} AS deprecated
      FROM agents a
      JOIN organization o ON o.id = a.organization_id
      WHERE a.slug = ${slug} AND a.revision IS NOT NULL AND o.visibility = 'public'
    `
    })

    const findRows = SqlSchema.findAll({
      Request: Schema.Struct({ templateAgentId: AgentId, revision: Schema.Int }),
      Result: Schema.Struct({ ...ManifestRow.fields, kind: Kind }),
      execute: ({ revision, templateAgentId }) => sql`
      SELECT r.kind, r.slug, r.content ->> 'name' AS name, r.content ->> 'description' AS description
      FROM template_revision_rows r
      WHERE r.template_agent_id = ${templateAgentId} AND r.revision = ${revision}
    `
    })

    const isSameHead = Schema.equivalence(Head)

    /** The manifest of each template as it was last asked for: the rows of a revision never change. */
    const manifests = boundedMap<AgentId, Manifest>(mostManifests)

    const manifestOf = (head: typeof Head.Type) =>
      Effect.suspend(() => {
        const known = manifests.get(head.templateAgentId)
        if (known !== undefined && isSameHead(known, head)) return Effect.succeed(known)
        return Effect.map(findRows(head), (rows): Manifest => {
          const manifest = { ...head, rows: rowsByKind(rows) }
          manifests.set(head.templateAgentId, manifest)
          return manifest
        })
      })

    const findAll = SqlSchema.findAll({
      Request: Schema.Void,
      Result: ListedTemplate,
      execute: () => sql`
      SELECT a.slug, a.name, o.slug AS publisher, o.visibility, a.revision,
        (SELECT count(*)::integer FROM template_revision_rows r
          WHERE r.template_agent_id = a.id AND r.revision = a.revision) AS definitions,
        (SELECT count(*)::integer FROM agents i WHERE i.template_agent_id = a.id) AS installs
      FROM agents a
      JOIN organization o ON o.id = a.organization_id
      WHERE a.slug IS NOT NULL AND a.revision IS NOT NULL
      ORDER BY a.slug COLLATE "C"
    `
    })

    return TemplateCatalog.of({
      list: Effect.orDie(findAll()).pipe(Effect.withSpan("TemplateCatalog.list")),
      publish: traced("TemplateCatalog.publish")(function* (template) {
        const issues = templateIssues(template, kinds)
        if (issues.length > 0) return yield* refuse(...issues)
        return yield* sql.withTransaction(writeTemplate(template)).pipe(retryTransient(isConflict), dieOfFaults)
      }),
      manifest: traced("TemplateCatalog.manifest")(function* (slug) {
        // Postgres can't even be asked for other text, and nothing has such a slug.
        const head = isCleanText(slug) ? yield* Effect.orDie(findHead(slug)) : Option.none()
        return yield* Option.isSome(head) ? Effect.orDie(manifestOf(head.value)) : new UnknownTemplateSlug({ slug })
      })
    })
  })

/** The catalogue in Postgres. */
export const TemplateCatalogLive = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(TemplateCatalog, make(kinds))
