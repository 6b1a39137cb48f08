import { Effect, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { modesUnsaid, saidModes } from "../../domain/catalog/Mode.ts"
import { definitionsOf, type PublishedRow, type Template } from "../../domain/catalog/Template.ts"
import { NoSuchRevision, UnknownTemplateSlug } from "../../domain/Errors.ts"
import type { OrganizationId } from "../../domain/Ids.ts"
import type { E164 } from "../../domain/identity/Phone.ts"
import { revisionsOfPage } from "../../domain/publishing/Revision.ts"
import { PublishedTemplates } from "../../services/publishing/PublishedTemplates.ts"
import { changesBetween } from "../catalog/TemplateCatalogMemory.ts"
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

/** What publishers have published, in memory. */
export const PublishedTemplatesMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    PublishedTemplates,
    Effect.map(MemoryStore, ({ read }) => {
      const found = <A>(
        organizationId: OrganizationId,
        slug: string,
        use: (state: MemoryState, template: AgentRecord & { readonly revision: number }) => A
      ) =>
        Effect.flatMap(
          read((state) => {
            const template = state.agents.find((one) => one.slug === slug && one.organizationId === organizationId)
            return template?.revision === undefined
              ? undefined
              : { answer: use(state, { ...template, revision: template.revision }) }
          }),
          (one) => (one === undefined ? new UnknownTemplateSlug({ slug }) : Effect.succeed(one.answer))
        )
      return PublishedTemplates.of({
        list: (organizationId) =>
          read((state) =>
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
                        definitions: rowsOf(state, agent, revision).length,
                        installs: state.agents.filter(({ templateAgentId }) => templateAgentId === id).length
                      }
                    ]
              })
              .sort((a, b) => (a.slug < b.slug ? -1 : 1))
          ),
        revisions: (organizationId, slug, before = Number.POSITIVE_INFINITY) =>
          found(organizationId, slug, (state, template) => {
            const all = state.revisions
              .filter(({ revision, templateAgentId }) => templateAgentId === template.id && revision < before)
              .toSorted((a, b) => b.revision - a.revision)
            const revisions = all.slice(0, revisionsOfPage).map(({ notes, publishedAt, revision }) => ({
              revision,
              publishedAt,
              notes,
              changes: changesBetween(rowsOf(state, template, revision - 1), rowsOf(state, template, revision))
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
