import { Array as Arr } from "effect"
import { contentText } from "../../domain/catalog/Content.ts"
import type { Kind, KindDescription } from "../../domain/catalog/Kind.ts"
import { modesUnsaid } from "../../domain/catalog/Mode.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Installation, InstallationFacts, RequestFacts, RowFacts } from "../../domain/installation/Facts.ts"
import type { Wanted } from "../../domain/installation/MayInstall.ts"
import { deprecatedOf, offeredRevision } from "../catalog/OfferedMemory.ts"
import { contentOf, type DefinitionRecord, fieldsOf, hashOf, type MemoryState } from "../memory/MemoryStore.ts"

/* The facts for decisions, from the memory store. */

/** The facts about a request: about the template, the caller and the installed agent. */
export const requestFacts = (
  { agents, history, members, organizations, revisions }: MemoryState,
  { organizationId, revision, templateAgentId, userId }: Wanted & { readonly userId: UserId }
): RequestFacts => {
  const roleIn = (id: string | undefined) =>
    members.find((member) => member.organizationId === id && member.userId === userId)?.role
  const template = agents.find(({ id }) => id === templateAgentId)
  const publisher = organizations.find(({ id }) => id === template?.organizationId)
  const agent = agents.find((one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId)
  const offered = offeredRevision(revisions, template)
  const last = history.findLast(
    (one) => one.organizationId === organizationId && one.templateAgentId === templateAgentId
  )
  return {
    organizationSlug: organizations.find(({ id }) => id === organizationId)?.slug ?? null,
    administers: ["owner", "admin"].includes(roleIn(organizationId) ?? "none"),
    template:
      template === undefined || publisher === undefined
        ? null
        : {
            organizationId: publisher.id,
            isPublic: publisher.visibility === "public",
            isMember: roleIn(publisher.id) !== undefined,
            isInstalled: template.templateAgentId !== undefined,
            isNamed: template.slug !== undefined,
            modes: template.modes ?? modesUnsaid,
            newest: template.revision ?? null,
            offered,
            deprecated: deprecatedOf(agents, template)
          },
    agent:
      agent === undefined
        ? null
        : {
            id: agent.id,
            name: agent.name,
            description: agent.description,
            templateName: agent.templateName ?? null,
            templateDescription: agent.templateDescription ?? null,
            revision: agent.revision ?? null,
            pinned: agent.pinned === true,
            mode: agent.mode ?? "copy"
          },
    revisions: revisions
      .filter(
        (one) =>
          one.templateAgentId === templateAgentId &&
          [template?.revision, offered, agent?.revision, revision].includes(one.revision)
      )
      .map(({ broken = null, description, name, revision }) => ({ revision, name, description, broken })),
    lastRevision: last?.revision ?? null
  }
}

const keyOf = (kind: Kind, id: number | string) => `${kind} ${id}`

/** Every choice of at most one of each list. */
const choices = <A>(lists: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<ReadonlyArray<A>> =>
  lists.reduce<ReadonlyArray<ReadonlyArray<A>>>(
    (chosen, list) => chosen.flatMap((some) => [some, ...list.map((one) => [...some, one])]),
    [[]]
  )

/** The facts about every row of an installation. */
export const installationFacts = (
  { agents, definitions, ledger, organizations, revisionRows, uses }: MemoryState,
  installation: Installation,
  kinds: ReadonlyArray<KindDescription>
): InstallationFacts => {
  const { organizationId, revision, templateAgentId } = installation
  const descriptions = new Map(kinds.map((description) => [description.kind, description]))
  const here = ledger.filter((entry) => entry.organizationId === organizationId)
  const own = new Map(
    here.flatMap((entry) =>
      entry.templateAgentId === templateAgentId ? [[keyOf(entry.kind, entry.sourceId), entry] as const] : []
    )
  )
  const agentOf = new Map(
    agents.flatMap((agent) =>
      agent.organizationId === organizationId ? [[agent.templateAgentId, agent] as const] : []
    )
  )
  const age = (templateAgentId: string) => agentOf.get(templateAgentId as never)?.made ?? Number.POSITIVE_INFINITY
  const siblings = new Map(
    here
      .filter((entry) => entry.templateAgentId !== templateAgentId)
      // The last one set counts.
      .sort((a, b) => age(b.templateAgentId) - age(a.templateAgentId))
      .map((entry) => [keyOf(entry.kind, entry.sourceId), entry])
  )
  const sourceOf = new Map(here.map(({ copyId, sourceId }) => [copyId, sourceId]))
  const mine = definitions.filter((row) => row.organizationId === organizationId)
  const byId = new Map(mine.map((row) => [row.id, row]))
  const bySlug = new Map(mine.flatMap((row) => (row.deleted ? [] : [[keyOf(row.kind, row.slug), row] as const])))
  const used = new Set(uses)
  const wantedRows = new Map(
    revisionRows.flatMap((row) =>
      row.templateAgentId === templateAgentId && row.revision === revision
        ? [[keyOf(row.kind, row.sourceId), row] as const]
        : []
    )
  )

  const scheduleOf = ({ content, kind }: DefinitionRecord) => {
    const value = content[descriptions.get(kind)?.schedule?.cron ?? ""]
    return typeof value === "string" ? { schedule: value } : {}
  }
  const referred = (id: number) => sourceOf.get(id) ?? `own:${id}`
  const isLive = (id: number) => byId.get(id)?.deleted === false
  const copyFacts = (copy: DefinitionRecord, appliedHash: string | undefined): NonNullable<RowFacts["copy"]> => {
    const fields = fieldsOf(copy, referred)
    const hash = hashOf(fields)
    const gone = Object.entries(descriptions.get(copy.kind)?.references ?? {}).map(([column, kind]) =>
      (copy.references[column] ?? null) === null
        ? here.flatMap((one) =>
            one.kind === kind && !isLive(one.copyId) ? [[column, String(one.sourceId)] as const] : []
          )
        : []
    )
    const lost =
      hash === appliedHash
        ? undefined
        : choices(gone).find((lost) => {
            const refs = lost.map(([column, source]) => [column, contentText(Number(source))])
            return lost.length > 0 && hashOf({ ...fields, ...Object.fromEntries(refs) }) === appliedHash
          })
    return {
      slug: copy.slug,
      name: copy.name,
      hash,
      deleted: copy.deleted,
      retired: copy.retired === true,
      ...(copy.managedBy !== undefined && { managedBy: copy.managedBy }),
      ...(copy.agentId !== undefined && { agentId: copy.agentId }),
      ...scheduleOf(copy),
      ...(lost !== undefined && { lost: Object.fromEntries(lost) })
    }
  }
  const holderFacts = (holder: DefinitionRecord): NonNullable<RowFacts["holder"]> => ({
    id: holder.id,
    owner: organizations.find(({ id }) => id === (holder.sourceOrganizationId ?? holder.organizationId))?.slug ?? "",
    authored: holder.managedBy === undefined,
    ...scheduleOf(holder)
  })
  const references = mine.flatMap((row) =>
    row.deleted
      ? []
      : Object.entries(row.references).map(([column, to]) => ({
          row,
          to: keyOf(descriptions.get(row.kind)?.references?.[column] ?? row.kind, to ?? 0)
        }))
  )
  const referring = Arr.groupBy(references, ({ to }) => to)

  const rows = [...new Set([...wantedRows.keys(), ...own.keys()])].map((key): RowFacts => {
    const wanted = wantedRows.get(key)
    const sibling = siblings.get(key)
    const entry = own.get(key) ?? sibling
    const copy = entry === undefined ? undefined : byId.get(entry.copyId)
    const holder = wanted === undefined ? undefined : bySlug.get(keyOf(wanted.kind, wanted.slug))
    const siblingAgent = sibling === undefined ? undefined : agentOf.get(sibling.templateAgentId)
    const { kind = "entity_types", sourceId = 0 } = wanted ?? entry ?? {}
    return {
      kind,
      sourceId,
      ...(wanted !== undefined && {
        wanted: { slug: wanted.slug, name: wanted.content.name, hash: wanted.hash, ...scheduleOf(wanted.content) }
      }),
      ...(entry !== undefined && { entry: { ...entry, own: own.has(key) } }),
      ...(sibling !== undefined && {
        sibling: {
          templateAgentId: sibling.templateAgentId,
          ...(siblingAgent !== undefined && { agentId: siblingAgent.id })
        }
      }),
      ...(copy !== undefined && { copy: copyFacts(copy, entry?.appliedHash) }),
      ...(holder !== undefined && holder.id !== copy?.id && { holder: holderFacts(holder) }),
      ...(wanted === undefined &&
        copy !== undefined && {
          used: used.has(copy.id),
          referredBy: (referring[keyOf(kind, copy.id)] ?? []).map(({ row }) => ({ kind: row.kind, id: row.id }))
        }),
      ...(wanted !== undefined &&
        copy !== undefined && {
          contents: { wanted: contentOf(wanted.content, String), copy: contentOf(copy, (id) => String(referred(id))) }
        })
    }
  })
  return { ...installation, rows }
}
