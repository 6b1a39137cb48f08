/** What a person owns of a template: the install workflow, the mirror, installed agents. */
export { Kind, type KindCounts } from "../domain/catalog/Kind.ts"
export {
  type AgentError,
  AgentNotFound,
  type Collision,
  type InstallError,
  InvalidRequest,
  NoPersonalOrg,
  NoSuchRevision,
  NoSuchRow,
  NotOrgAdmin,
  type PlanError,
  PlanStale,
  RateLimitExceeded,
  type ReadError,
  RevisionBroken,
  RowNotFound,
  SchemaCollision,
  SelfInstall,
  TemplateDeprecated,
  TemplateIsInstalled,
  TemplateNotFound,
  TemplateNotPublic,
  TooLarge,
  Unauthenticated,
  UnknownTemplateSlug,
  type UnmetWish,
  UnsupportedMediaType,
  WatcherNotFound
} from "../domain/Errors.ts"
export { AgentId, DefinitionSlug, OrganizationId, Slug, UserId } from "../domain/Ids.ts"
export {
  type AgentList,
  type AgentOverview,
  AgentsQuery,
  type InstalledAgent,
  type ResyncAnswer,
  ResyncPlanQuery,
  ResyncRequest,
  UninstallQuery
} from "../domain/installation/Agent.ts"
export type { FieldDifference, RowDifference, RowPair } from "../domain/installation/Difference.ts"
export { type History, type HistoryEntry, HistoryQuery } from "../domain/installation/History.ts"
export type { Impact, InstallationImpact } from "../domain/installation/Impact.ts"
export { type InstallAnswer, InstallRequest, PlanRequest } from "../domain/installation/Install.ts"
export type {
  Fate,
  Plan,
  PlannedRow,
  RowName,
  Uninstalled,
  UninstallOutcome,
  UninstallPlan,
  Verdict,
  VerdictCount,
  WantedRevision,
  Wishes
} from "../domain/installation/Plan.ts"
export { AgentRow, RowChanges } from "../domain/installation/Row.ts"
export type { AgentWatcher, WatcherChange } from "../domain/installation/Watcher.ts"
export { AgentRows, type RowRequest } from "../services/installation/AgentRows.ts"
export { install, readTemplateCall, type TemplateCall } from "../services/installation/Install.ts"
export { InstalledAgents } from "../services/installation/InstalledAgents.ts"
export { customizeRow, deleteRow, type RowCall, viewRow } from "../services/installation/ManageRows.ts"
export { listWatchers, setWatcher, type WatcherCall } from "../services/installation/ManageWatchers.ts"
export { planInstall } from "../services/installation/PlanInstall.ts"
export { type Preview, previewInstall } from "../services/installation/PreviewInstall.ts"
export { type AgentCall, planResync, resyncAgent } from "../services/installation/ResyncAgent.ts"
export { RowPairs } from "../services/installation/RowPairs.ts"
export {
  type Applied,
  type ApplyRefusal,
  type ApplyRequest,
  type MirrorRefusal,
  type MirrorRequest,
  type ResyncPlanRequest,
  type ResyncRequest as ApplyResyncRequest,
  TemplateMirror,
  type UninstallRequest
} from "../services/installation/TemplateMirror.ts"
export { planUninstall, uninstallAgent } from "../services/installation/UninstallAgent.ts"
export { listAgents, viewAgent, viewHistory } from "../services/installation/ViewAgents.ts"
export { type RowsView, viewRows } from "../services/installation/ViewRows.ts"
export { type WatcherRequest, Watchers } from "../services/installation/Watchers.ts"
