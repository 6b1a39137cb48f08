/** Whole worlds in memory to test one's own programs in, services that go wrong as a script says, and the laws of each service. */
export { AppMemory, type AuthoredRow, type Person, type Seed } from "../layers/AppMemory.ts"
export { type MemoryState, MemoryStore } from "../layers/memory/MemoryStore.ts"
export { type AuthHands, authLaws, type Session } from "../testing/account/AuthLaws.ts"
export { type OrgResolverHands, orgResolverLaws } from "../testing/account/OrgResolverLaws.ts"
export { type KeptAnswersHands, keptAnswersLaws } from "../testing/admission/KeptAnswersLaws.ts"
export { type RateLimiterHands, rateLimiterLaws } from "../testing/admission/RateLimiterLaws.ts"
export { type Failure, failing, type Script } from "../testing/Failing.ts"
export { type IdentityLinkerHands, identityLinkerLaws } from "../testing/identity/IdentityLinkerLaws.ts"
export type {
  RowOfOrganization,
  StoredRow,
  TemplateMirrorHands
} from "../testing/installation/Prepared.ts"
export { templateMirrorLaws } from "../testing/installation/TemplateMirrorLaws.ts"
export type { Law } from "../testing/Law.ts"
export { type TransactorHands, transactorLaws } from "../testing/runtime/TransactorLaws.ts"
export {
  type ClassifierFields,
  classifier,
  type DefinitionFields,
  type EntityFields,
  entity,
  type JsonSchema,
  person,
  type RelationshipFields,
  relationship,
  rowOf,
  signedInAs,
  type TemplateFields,
  template,
  type WatcherFields,
  watcher
} from "../testing/Seeds.ts"
