import { Either } from "effect"
import { type Mode, modesUnsaid } from "../catalog/Mode.ts"
import {
  AgentNotFound,
  ModeNotOffered,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  PlanStale,
  RevisionBroken,
  SchemaCollision,
  SelfInstall,
  TemplateDeprecated,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic
} from "../Errors.ts"
import type { AgentId, OrganizationId } from "../Ids.ts"
import type { Updates } from "./Agent.ts"
import type { Decision } from "./Decide.ts"
import type { RequestFacts } from "./Facts.ts"
import type { WantedRevision } from "./Plan.ts"

/** What is asked for: a template in an organization, and of an agent that is installed also which one, and at which revision. */
export interface Wanted {
  readonly organizationId: OrganizationId
  readonly templateAgentId: AgentId
  readonly agentId?: AgentId | undefined
  readonly revision?: WantedRevision | undefined
}

/** The revision that an install or a resync of it brings. */
export type Revision = Omit<RequestFacts["revisions"][number], "broken">

/**
 * The revision to install, if the caller may install it there; otherwise the first reason why not. Nobody is brought to a broken
 * revision: who names none gets the newest of the others, and stays where there is none.
 */
export const mayInstall = (
  { administers, agent, organizationSlug, revisions, template }: RequestFacts,
  { agentId, organizationId, revision: asked, templateAgentId }: Wanted
): Either.Either<
  Revision & { readonly organizationSlug: string },
  | AgentNotFound
  | NoSuchRevision
  | NotOrgAdmin
  | RevisionBroken
  | SelfInstall
  | TemplateDeprecated
  | TemplateIsInstalled
  | TemplateNotFound
  | TemplateNotPublic
> => {
  if (template === null || !(template.isPublic || template.isMember)) {
    return Either.left(new TemplateNotFound({ templateAgentId }))
  }
  const { deprecated, isInstalled, isNamed, isPublic, newest, offered } = template
  if (isInstalled) return Either.left(new TemplateIsInstalled({ templateAgentId }))
  if (template.organizationId === organizationId) return Either.left(new SelfInstall({ templateAgentId }))
  if (!isPublic || !isNamed || newest === null) return Either.left(new TemplateNotPublic({ templateAgentId }))
  if (!administers || organizationSlug === null) return Either.left(new NotOrgAdmin({ organizationId }))
  const best = offered ?? agent?.revision ?? newest
  const followed = asked === undefined && agent?.pinned === true ? (agent.revision ?? best) : best
  const number = typeof asked === "number" ? asked : followed
  const revision = revisions.find((one) => one.revision === number)
  if (revision === undefined) return Either.left(new NoSuchRevision({ revision: number, newest }))
  if (agentId !== undefined && agent?.id !== agentId) return Either.left(new AgentNotFound({ agentId }))
  if (deprecated !== null && agent === null) return Either.left(new TemplateDeprecated(deprecated))
  const { broken, ...found } = revision
  if (broken !== null && agent?.revision !== number) {
    return Either.left(new RevisionBroken({ revision: number, reason: broken, offered }))
  }
  return Either.right({ ...found, organizationSlug })
}

/** How the template is installed: as it is already, else as is asked for and the publisher offers, else as they prefer. */
export const modeOf = (
  { agent, template }: RequestFacts,
  asked: Mode | undefined
): Either.Either<Mode, ModeNotOffered> => {
  if (agent !== null) return Either.right(agent.mode)
  const modes = template?.modes ?? modesUnsaid
  const mode = asked ?? modes[0]
  return modes.includes(mode) ? Either.right(mode) : Either.left(new ModeNotOffered({ mode, modes }))
}

/** Whether the caller may uninstall the agent; otherwise the first reason why not. */
export const mayUninstall = (
  { administers, agent, organizationSlug }: RequestFacts,
  { agentId, organizationId }: { readonly agentId: AgentId; readonly organizationId: OrganizationId }
): Either.Either<{ readonly organizationSlug: string }, AgentNotFound | NotOrgAdmin> => {
  if (agent?.id !== agentId || organizationSlug === null) return Either.left(new AgentNotFound({ agentId }))
  return administers ? Either.right({ organizationSlug }) : Either.left(new NotOrgAdmin({ organizationId }))
}

/** Why a roll-out leaves an installation out, whatever it would bring; null where it does not. */
export const leftOut = (
  agent: { readonly pinned: boolean; readonly updates: Updates } | null
): "gone" | "pinned" | "manual" | null =>
  agent === null ? "gone" : agent.pinned ? "pinned" : agent.updates === "manual" ? "manual" : null

/** The decision, if it may be written; otherwise the first reason why not. `isAsPlanned` says whether it is what the caller expects. */
export const mayWrite = (
  decision: Decision,
  isAsPlanned: boolean
): Either.Either<Decision, PlanStale | NoSuchRow | SchemaCollision> => {
  const { collisions, unmet } = decision
  if (!isAsPlanned) return Either.left(new PlanStale())
  if (unmet.length > 0) return Either.left(new NoSuchRow({ rows: unmet }))
  return collisions.length > 0 ? Either.left(new SchemaCollision({ collisions })) : Either.right(decision)
}

/** Whether the caller may change how the agent is installed; else the first reason against it. */
export const mayChangeMode = (
  facts: RequestFacts,
  { mode, ...request }: { readonly agentId: AgentId; readonly organizationId: OrganizationId; readonly mode: Mode }
) =>
  Either.flatMap(mayUninstall(facts, request), ({ organizationSlug }) => {
    const { agent, template } = facts
    const modes = template?.modes ?? modesUnsaid
    const isOffered = modes.includes(mode) || agent?.mode === mode
    return isOffered
      ? Either.right({ organizationSlug, revision: agent?.revision ?? 0, isChange: agent?.mode !== mode })
      : Either.left(new ModeNotOffered({ mode, modes }))
  })
