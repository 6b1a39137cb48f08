import type { Deprecation } from "../../domain/catalog/Deprecation.ts"
import type { AgentRecord, MemoryState } from "../memory/MemoryStore.ts"

/** The newest revision of a template that is not marked as broken. */
export const offeredRevision = (revisions: MemoryState["revisions"], template: AgentRecord | undefined) =>
  template?.revision === undefined
    ? null
    : (revisions.findLast((one) => one.templateAgentId === template.id && one.broken === undefined)?.revision ?? null)

/** Why a template is deprecated, and its successor as long as that is offered. */
export const deprecatedOf = (agents: MemoryState["agents"], template: AgentRecord): Deprecation | null => {
  if (template.deprecated === undefined) return null
  const { reason, successor } = template.deprecated
  const isOffered = agents.some(({ revision, slug }) => slug === successor && revision !== undefined)
  return { reason, successor: isOffered ? successor : null }
}
