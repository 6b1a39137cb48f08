import { DateTime, Effect, Layer } from "effect"
import { type KindDescription, kindDescriptions } from "../../domain/catalog/Kind.ts"
import { type CountedFinding, daysTold, findingsOf, foundRows } from "../../domain/installation/Adoption.ts"
import { decide } from "../../domain/installation/Decide.ts"
import { Adoptions } from "../../services/installation/Adoptions.ts"
import { offeredRevision } from "../catalog/OfferedMemory.ts"
import { type MemoryState, MemoryStore } from "../memory/MemoryStore.ts"
import { installationFacts } from "./FactsMemory.ts"

const daysOf = (history: MemoryState["history"]) => {
  const days = new Map<string, { installs: number; uninstalls: number }>()
  const installed = new Set<string>()
  for (const { action, at, organizationId } of history) {
    const day = DateTime.formatIsoDateUtc(at)
    const counted = days.get(day) ?? { installs: 0, uninstalls: 0 }
    if (action === "uninstall") days.set(day, { ...counted, uninstalls: counted.uninstalls + 1 })
    if (action === "install" && !installed.has(organizationId))
      days.set(day, { ...counted, installs: counted.installs + 1 })
    if (action === "uninstall") installed.delete(organizationId)
    else installed.add(organizationId)
  }
  return [...days]
    .map(([day, counted]) => ({ day, ...counted }))
    .toReversed()
    .slice(0, daysTold)
}

/** Adoption in the world, counted for every call. */
export const AdoptionsMemory = (kinds: ReadonlyArray<KindDescription> = kindDescriptions) =>
  Layer.effect(
    Adoptions,
    Effect.map(MemoryStore, ({ read }) =>
      Adoptions.of({
        of: (templateAgentId) =>
          Effect.flatMap(DateTime.now, (now) =>
            read((state) => {
              const installed = state.agents.filter((agent) => agent.templateAgentId === templateAgentId)
              const template = state.agents.find(({ id }) => id === templateAgentId)
              const offered = offeredRevision(state.revisions, template)
              const found = new Map<string, CountedFinding>()
              const revisions = new Map<number, { installations: number; pinned: number }>()
              for (const { organizationId, pinned = false, revision = 0 } of installed) {
                const counted = revisions.get(revision) ?? { installations: 0, pinned: 0 }
                revisions.set(revision, {
                  installations: counted.installations + 1,
                  pinned: counted.pinned + (pinned ? 1 : 0)
                })
                const organizationSlug = state.organizations.find(({ id }) => id === organizationId)?.slug ?? ""
                const judged = {
                  organizationId,
                  organizationSlug,
                  templateAgentId,
                  revision: pinned ? revision : (offered ?? revision)
                }
                for (const { finding, kind, slug } of findingsOf(
                  decide(installationFacts(state, judged, kinds), kinds)
                )) {
                  const key = `${kind} ${slug} ${finding}`
                  const { installations } = found.get(key) ?? { installations: 0 }
                  found.set(key, { kind, slug, finding, installations: installations + 1 })
                }
              }
              const pinned = installed.filter((agent) => agent.pinned === true).length
              const manual = installed.filter((agent) => agent.pinned !== true && agent.updates === "manual").length
              return {
                installations: installed.length,
                following: installed.length - pinned - manual,
                pinned,
                manual,
                revisions: [...revisions]
                  .map(([revision, counted]) => ({ revision, ...counted }))
                  .sort((a, b) => b.revision - a.revision),
                ...foundRows([...found.values()]),
                days: daysOf(state.history.filter((one) => one.templateAgentId === templateAgentId)),
                counted: installed.length,
                countedSince: installed.length === 0 ? null : now
              }
            })
          )
      })
    )
  )
