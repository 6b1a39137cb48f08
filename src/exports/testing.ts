/** Whole worlds in memory to test one's own programs in, services that go wrong as a script says, and the laws of each service. */
export { AppMemory, type AuthoredRow, type Person, type Seed } from "../layers/AppMemory.ts"
export { type MemoryState, MemoryStore } from "../layers/memory/MemoryStore.ts"
export { type Failure, failing, type Script } from "../testing/Failing.ts"
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
