import { DateTime, Effect, Either, Layer } from "effect"
import { changesBetween } from "../../domain/catalog/Changes.ts"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { modesUnsaid, saidModes } from "../../domain/catalog/Mode.ts"
import { definitionsOf, type PublishedRow, type Template } from "../../domain/catalog/Template.ts"
import { NoSuchRevision, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { OrganizationId } from "../../domain/Ids.ts"
import type { E164 } from "../../domain/identity/Phone.ts"
import { deprecationOf, mayWithdraw } from "../../domain/publishing/Lifecycle.ts"
import { type OwnTemplate, revisionsOfPage } from "../../domain/publishing/Revision.ts"
import { stopped } from "../../domain/rollout/Rollout.ts"
import { PublishedTemplates } from "../../services/publishing/PublishedTemplates.ts"
import { deprecatedOf, offeredRevision } from "../catalog/OfferedMemory.ts"
import { comparedRow } from "../catalog/TemplateCatalogMemory.ts"
import { type AgentRecord, type MemoryState, MemoryStore, type RevisionRowRecord } from "../memory/MemoryStore.ts"

const publishedRow = ({ content, kind, slug, sourceId, was }: RevisionRowRecord): PublishedRow => {
  const { description, extensions, name } = content
  return {
    kind,
    slug,
    sourceId: String(sourceId),
    was,
    content: { ...content.content, ...content.references, name, description, extensions }
  }
}

const rowsOf = ({ revisionRows }: MemoryState, { id }: AgentRecord, revision: number) =>
  revisionRows.filter((row) => row.templateAgentId === id && row.revision === revision)

type Published = AgentRecord & { readonly revision: number }

const findTemplate = ({ agents }: MemoryState, organizationId: OrganizationId, slug: string) => {
  const template = agents.find((one) => one.slug === slug && one.organizationId === organizationId)
  const found: Published | undefined =
    template?.revision === undefined ? undefined : { ...template, revision: template.revision }
  return Either.fromNullable(found, () => new UnknownTemplateSlug({ slug }))
}

const withTemplate = (state: MemoryState, template: AgentRecord): MemoryState => ({
  ...state,
  agents: state.agents.map((one) => (one.id === template.id ? template : one))
})

const isOffered = ({ agents, organizations }: MemoryState, slug: string | undefined) =>
  agents.some(
    (one) =>
      one.slug === slug &&
      slug !== undefined &&
      one.revision !== undefined &&
      organizations.some(({ id, visibility }) => id === one.organizationId && visibility === "public")
  )

const ownTemplates = (state: MemoryState, organizationId: OrganizationId): ReadonlyArray<OwnTemplate> =>
  state.agents
    .flatMap((agent) => {
      const { description, id, name, revision, slug } = agent
      return agent.organizationId !== organizationId || slug === undefined || revision === undefined
        ? []
        : [
            {
              slug,
              name,
              description,
              templateAgentId: id,
              revision,
              offered: offeredRevision(state.revisions, agent),
              deprecated: deprecatedOf(state.agents, agent),
              definitions: rowsOf(state, agent, revision).length,
              installs: state.agents.filter(({ templateAgentId }) => templateAgentId === id).length
            }
          ]
    })
    .sort((a, b) => (a.slug < b.slug ? -1 : 1))

/** What publishers have published, in memory. */
export const PublishedTemplatesMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    PublishedTemplates,
    Effect.map(MemoryStore, ({ change, read }) => {
      /** Changes one of the publisher's templates, and says how it is then. */
      const changed = <E>(
        organizationId: OrganizationId,
        slug: string,
        act: (state: MemoryState, template: Published) => Either.Either<MemoryState, E>
      ) =>
        change((state) =>
          Either.gen(function* () {
            const template = yield* findTemplate(state, organizationId, slug)
            const after = yield* act(state, template)
            const own = ownTemplates(after, organizationId).find((one) => one.slug === slug)
            return [own, after] as const
          })
        )
      const still = (slug: string) => (own: OwnTemplate | undefined) =>
        own === undefined ? new UnknownTemplateSlug({ slug }) : Effect.succeed(own)

      const found = <A>(
        organizationId: OrganizationId,
        slug: string,
        use: (state: MemoryState, template: Published) => A
      ) =>
        Effect.flatMap(
          read((state) =>
            Either.map(findTemplate(state, organizationId, slug), (template) => ({ answer: use(state, template) }))
          ),
          Either.map(({ answer }) => answer)
        )
      return PublishedTemplates.of({
        list: (organizationId) => read((state) => ownTemplates(state, organizationId)),
        deprecate: (organizationId, slug, request) =>
          Effect.flatMap(
            changed(organizationId, slug, (state, template) =>
              Either.map(deprecationOf(slug, request, isOffered(state, request.successor)), (deprecated) =>
                withTemplate(state, { ...template, deprecated })
              )
            ),
            still(slug)
          ),
        restore: (organizationId, slug) =>
          Effect.flatMap(
            changed(organizationId, slug, (state, template) =>
              Either.right(withTemplate(state, { ...template, deprecated: undefined }))
            ),
            still(slug)
          ),
        markBroken: (organizationId, slug, revision, reason) =>
          Effect.flatMap(
            changed(organizationId, slug, (state, template) => {
              const isIt = (one: { readonly templateAgentId: string; readonly revision: number }) =>
                one.templateAgentId === template.id && one.revision === revision
              if (!state.revisions.some(isIt)) {
                return Either.left(new NoSuchRevision({ revision, newest: template.revision }))
              }
              return Either.right({
                ...state,
                revisions: state.revisions.map((one) => (isIt(one) ? { ...one, broken: reason ?? undefined } : one)),
                rollouts: state.rollouts.map((one) =>
                  isIt(one) && reason !== null ? { ...one, ...stopped(one, "break") } : one
                )
              })
            }),
            still(slug)
          ),
        withdraw: (organizationId, slug) =>
          Effect.flatMap(DateTime.now, (now) =>
            Effect.asVoid(
              changed(organizationId, slug, (state, template) =>
                Either.map(
                  mayWithdraw(state.agents.filter((one) => one.templateAgentId === template.id).length),
                  (): MemoryState => {
                    const { revision, ...left } = template
                    const kept = new Set(
                      state.agents.flatMap((one) =>
                        one.id === template.id || one.revision === undefined
                          ? []
                          : rowsOf(state, one, one.revision).map(({ sourceId }) => sourceId)
                      )
                    )
                    const gone = new Set(
                      rowsOf(state, template, revision).flatMap(({ sourceId }) =>
                        kept.has(sourceId) ? [] : [sourceId]
                      )
                    )
                    return {
                      ...withTemplate(state, { ...left, withdrawn: true }),
                      definitions: state.definitions.map((row) => (gone.has(row.id) ? { ...row, deleted: true } : row)),
                      rollouts: state.rollouts.map((one) =>
                        one.templateAgentId === template.id && one.endedAt === null
                          ? { ...one, ...stopped(one, "cancel"), endedAt: now }
                          : one
                      )
                    }
                  }
                )
              )
            )
          ),
        revisions: (organizationId, slug, before = Number.POSITIVE_INFINITY) =>
          found(organizationId, slug, (state, template) => {
            const all = state.revisions
              .filter(({ revision, templateAgentId }) => templateAgentId === template.id && revision < before)
              .toSorted((a, b) => b.revision - a.revision)
            const revisions = all.slice(0, revisionsOfPage).map(({ broken = null, notes, publishedAt, revision }) => ({
              revision,
              publishedAt,
              notes,
              broken,
              changes: changesBetween(
                rowsOf(state, template, revision - 1).map(comparedRow),
                rowsOf(state, template, revision).map(comparedRow)
              )
            }))
            return { revisions, next: all.length > revisionsOfPage ? (revisions.at(-1)?.revision ?? null) : null }
          }),
        revision: (organizationId, slug, wanted) =>
          Effect.flatten(
            found(organizationId, slug, (state, template) => {
              const revision = wanted ?? template.revision
              const head = state.revisions.find(
                (one) => one.templateAgentId === template.id && one.revision === revision
              )
              const publisher = state.organizations.find(({ id }) => id === organizationId)?.slug
              if (head === undefined || template.slug === undefined || publisher === undefined) {
                return new NoSuchRevision({ revision, newest: template.revision })
              }
              const { description, extensions, name, notes } = head
              const said: Template = {
                slug: template.slug,
                name,
                description,
                publisher,
                botPhone: (template.botPhone ?? null) as E164 | null,
                extensions,
                definitions: definitionsOf(rowsOf(state, template, revision).map(publishedRow), kinds),
                ...saidModes(template.modes ?? modesUnsaid),
                ...(notes === "" ? {} : { notes })
              }
              return Effect.succeed({ revision, template: said })
            })
          )
      })
    })
  )
