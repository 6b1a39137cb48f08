import { DateTime, Effect, Either, Layer } from "effect"
import { type ComparedRow, changesBetween } from "../../domain/catalog/Changes.ts"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { type FormerSlug, type KnownSource, renameIssues, resolveSources } from "../../domain/catalog/Publication.ts"
import {
  differingSiblingIssues,
  foreignSlugIssue,
  type ListedTemplate,
  type Published,
  PublishRefused,
  positions,
  privatePublisherIssue,
  rowsByKind,
  type Template,
  takenSlugIssues,
  templateIssues,
  withdrawnIssue
} from "../../domain/catalog/Template.ts"
import type { TemplateIssue } from "../../domain/catalog/TemplateIssue.ts"
import { UnknownTemplateSlug } from "../../domain/Errors.ts"
import { AgentId, OrganizationId } from "../../domain/Ids.ts"
import { TemplateCatalog } from "../../services/catalog/TemplateCatalog.ts"
import {
  type AgentRecord,
  type Change,
  type DefinitionRecord,
  fieldsOf,
  hashOf,
  isPersonal,
  type MemoryState,
  MemoryStore,
  type OrganizationRecord,
  type RevisionRowRecord
} from "../memory/MemoryStore.ts"
import { deprecatedOf, offeredRevision } from "./OfferedMemory.ts"

const refuse = (...issues: ReadonlyArray<TemplateIssue>) => Either.left(new PublishRefused({ issues }))

const newestRows = ({ agents, revisionRows }: MemoryState, wanted: (agent: AgentRecord) => boolean) => {
  const newest = new Map(agents.filter(wanted).map(({ id, revision }) => [id, revision]))
  return revisionRows.filter((row) => newest.get(row.templateAgentId) === row.revision)
}

const keyed = <A extends { readonly kind: string }>(rows: ReadonlyArray<A>, id: (row: A) => string | number) =>
  new Map(rows.map((row) => [`${row.kind} ${id(row)}`, row]))

/** The rows that a template may continue: those of the latest revision with the slug, and the publisher's own. */
const knownSources = (state: MemoryState, agent: AgentRecord): ReadonlyArray<KnownSource> => {
  const revisions = state.revisionRows
    .filter((row) => row.templateAgentId === agent.id)
    .sort((a, b) => a.revision - b.revision)
  const published = new Set(state.revisionRows.map(({ sourceId }) => sourceId))
  const own = [...keyed(revisions, ({ slug }) => slug).values()].map(
    ({ kind, revision, slug, sourceId, was }): KnownSource => {
      const foundIn = revision === agent.revision ? "newest" : "earlier"
      return { kind, slug, sourceId: String(sourceId), was, foundIn }
    }
  )
  const elsewhere = state.definitions
    .filter(
      (row) =>
        row.organizationId === agent.organizationId &&
        !row.slug.startsWith("$") &&
        (!row.deleted || published.has(row.id))
    )
    .sort((a, b) => Number(a.deleted) - Number(b.deleted) || b.id - a.id)
    .map(({ id, kind, slug }): KnownSource => ({ kind, slug, sourceId: String(id), was: [], foundIn: "elsewhere" }))
  return [...own, ...elsewhere]
}

/** Every slug that a definition of the publisher's templates had in some revision, or was declared to have had. */
const formerSlugs = (
  { agents, revisionRows }: MemoryState,
  organizationId: OrganizationId
): ReadonlyArray<FormerSlug> => {
  const templates = new Set(agents.filter((agent) => agent.organizationId === organizationId).map(({ id }) => id))
  return revisionRows
    .filter(({ templateAgentId }) => templates.has(templateAgentId))
    .flatMap(({ kind, slug, was }) => [slug, ...was].map((one) => ({ kind, slug: one })))
}

/** A row of a revision, as it is compared. */
export const comparedRow = ({ content, kind, slug, sourceId }: RevisionRowRecord): ComparedRow => ({
  kind,
  slug,
  identity: sourceId,
  fields: fieldsOf(content, (id) => id)
})

const publish =
  (kinds: ReadonlyArray<KindDescription>) =>
  (template: Template, publishedAt: DateTime.Utc): Change<Published, PublishRefused> =>
  (before) => {
    const issues = templateIssues(template, kinds)
    if (issues.length > 0) return refuse(...issues)
    let nextId = before.nextId
    const newId = () => nextId++

    const organization: OrganizationRecord = before.organizations.find(
      (known) => known.slug === template.publisher && !isPersonal(known)
    ) ?? {
      id: OrganizationId.make(`org_${newId()}`),
      slug: template.publisher,
      name: template.publisher,
      visibility: "public"
    }
    if (organization.visibility !== "public") {
      return refuse(privatePublisherIssue(template))
    }
    const known = before.agents.find(({ slug }) => slug === template.slug)
    if (known !== undefined && known.organizationId !== organization.id) {
      return refuse(foreignSlugIssue(template))
    }
    if (known?.withdrawn === true) return refuse(withdrawnIssue(template))
    const agent: AgentRecord = {
      id: AgentId.make(`agent_${newId()}`),
      organizationId: organization.id,
      slug: template.slug,
      ...known,
      name: template.name,
      description: template.description,
      botPhone: template.botPhone,
      modes: template.modes
    }
    const sources = knownSources(before, agent)
    const clashes = renameIssues(template.definitions, sources, formerSlugs(before, organization.id))
    if (clashes.length > 0) return refuse(...clashes)
    const resolved = resolveSources(template.definitions, sources)
    const ids = new Map(
      template.definitions.map((definition) => [
        `${definition.kind} ${definition.slug}`,
        Number(resolved.get(definition) ?? newId())
      ])
    )
    const at = positions(template.definitions)
    const described = new Map(kinds.map((kind) => [kind.kind, kind]))
    const idOf = (kind: string, slug: string) => ids.get(`${kind} ${slug}`) ?? null
    const written = template.definitions.map((definition): DefinitionRecord => {
      const description = described.get(definition.kind)
      return {
        id: idOf(definition.kind, definition.slug) ?? 0,
        kind: definition.kind,
        organizationId: organization.id,
        slug: definition.slug,
        name: definition.name,
        description: definition.description,
        extensions: definition.extensions,
        content: definition.content,
        references: Object.fromEntries(
          Object.entries(description?.references ?? {}).map(([column, kind]) => {
            const slug = definition.references[column]
            return [column, slug === undefined ? null : idOf(kind, slug)]
          })
        ),
        agentId: description?.agent === undefined ? undefined : agent.id,
        deleted: false
      }
    })
    const rows = written.map(
      (row): RevisionRowRecord => ({
        templateAgentId: agent.id,
        revision: (known?.revision ?? 0) + 1,
        kind: row.kind,
        slug: row.slug,
        sourceId: row.id,
        was: template.definitions[at.get(`${row.kind} ${row.slug}`) ?? -1]?.was ?? [],
        content: row,
        hash: hashOf(fieldsOf(row, (id) => id))
      })
    )

    const siblings = newestRows(before, (other) => other.id !== agent.id)
    const hashes = keyed(rows, ({ sourceId }) => sourceId)
    const others = siblings.filter((theirs) => {
      const ours = hashes.get(`${theirs.kind} ${theirs.sourceId}`)
      return ours !== undefined && ours.hash !== theirs.hash
    })
    const differing = rows.flatMap((row) => {
      const theirs = others.find(({ kind, sourceId }) => kind === row.kind && sourceId === row.sourceId)
      const sibling = before.agents.find(({ id }) => id === theirs?.templateAgentId)
      return sibling?.slug === undefined ? [] : [{ kind: row.kind, slug: row.slug, template: sibling.slug }]
    })
    if (differing.length > 0) return refuse(...differingSiblingIssues(template.definitions, differing))

    const hash = JSON.stringify([
      agent.name,
      agent.description,
      template.botPhone,
      template.extensions,
      rows.map((row) => `${row.sourceId} ${row.hash}`).sort()
    ])
    const since = known?.revision ?? 0
    const newest = before.revisions.find((one) => one.templateAgentId === agent.id && one.revision === since)
    const changed = newest?.hash !== hash
    const revision = changed ? since + 1 : since
    const earlier = newestRows(before, ({ id }) => id === agent.id)
    const writtenIds = new Set(written.map(({ id }) => id))
    const shared = new Set(siblings.map(({ sourceId }) => sourceId))
    const withdrawn = new Set(
      earlier.flatMap(({ sourceId }) => (writtenIds.has(sourceId) || shared.has(sourceId) ? [] : [sourceId]))
    )
    const held = before.definitions.filter(
      (row) =>
        row.organizationId === organization.id &&
        !row.deleted &&
        !withdrawn.has(row.id) &&
        !writtenIds.has(row.id) &&
        at.has(`${row.kind} ${row.slug}`)
    )
    if (held.length > 0) return refuse(...takenSlugIssues(template.definitions, held))
    // The notes of a revision can be written anew.
    const noted = before.revisions.map((one) =>
      one.templateAgentId === agent.id && one.revision === revision && template.notes !== undefined
        ? { ...one, notes: template.notes }
        : one
    )
    const state: MemoryState = {
      ...before,
      revisions: noted,
      nextId,
      organizations: [...before.organizations.filter(({ id }) => id !== organization.id), organization],
      agents: [...before.agents.filter(({ id }) => id !== agent.id), { ...agent, revision }],
      definitions: [
        ...before.definitions
          .filter(({ id }) => !writtenIds.has(id))
          .map((row) => (withdrawn.has(row.id) ? { ...row, deleted: true } : row)),
        ...written
      ],
      ...(changed && {
        revisionRows: [...before.revisionRows, ...rows],
        revisions: [
          ...noted,
          {
            templateAgentId: agent.id,
            revision,
            hash,
            name: agent.name,
            description: agent.description,
            extensions: template.extensions,
            notes: template.notes ?? "",
            publishedAt
          }
        ]
      })
    }
    const changes = changed ? changesBetween(earlier.map(comparedRow), rows.map(comparedRow)) : []
    return Either.right([
      { templateAgentId: agent.id, revision, changed, since: changed ? since : revision, changes },
      state
    ])
  }

const revisionOf = ({ revisionRows }: MemoryState, { id }: AgentRecord, revision: number) => ({
  revision,
  rows: revisionRows.filter((row) => row.templateAgentId === id && row.revision === revision)
})

/** The catalogue in memory. */
export const TemplateCatalogMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    TemplateCatalog,
    Effect.map(MemoryStore, ({ change, read }) =>
      TemplateCatalog.of({
        publish: (template) => Effect.flatMap(DateTime.now, (now) => change(publish(kinds)(template, now))),
        list: read((state) =>
          state.agents
            .flatMap((agent): ReadonlyArray<ListedTemplate> => {
              const publisher = state.organizations.find(({ id }) => id === agent.organizationId)
              if (agent.slug === undefined || agent.revision === undefined || publisher === undefined) return []
              return [
                {
                  slug: agent.slug,
                  name: agent.name,
                  publisher: publisher.slug,
                  visibility: publisher.visibility,
                  revision: agent.revision,
                  definitions: newestRows(state, ({ id }) => id === agent.id).length,
                  installs: state.agents.filter(({ templateAgentId }) => templateAgentId === agent.id).length
                }
              ]
            })
            .sort((a, b) => (a.slug < b.slug ? -1 : 1))
        ),
        manifest: (slug) =>
          Effect.gen(function* () {
            const found = yield* read((state) => {
              const agent = state.agents.find((known) => known.slug === slug && known.revision !== undefined)
              const publisher = state.organizations.find(({ id }) => id === agent?.organizationId)
              return agent?.revision === undefined || publisher?.visibility !== "public"
                ? undefined
                : {
                    ...agent,
                    deprecated: deprecatedOf(state.agents, agent),
                    ...revisionOf(state, agent, offeredRevision(state.revisions, agent) ?? agent.revision)
                  }
            })
            if (found === undefined) return yield* new UnknownTemplateSlug({ slug })
            return {
              slug,
              name: found.name,
              description: found.description,
              botPhone: found.botPhone?.replace("+", "") ?? null,
              templateAgentId: found.id,
              revision: found.revision,
              deprecated: found.deprecated,
              rows: rowsByKind(found.rows.map(({ content }) => content))
            }
          })
      })
    )
  )
