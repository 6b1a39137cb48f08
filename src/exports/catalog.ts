/** What is published: templates, their revisions, and what anybody may know of them. */
export { type ColumnType, Kind, type KindDescription, kindDescriptions } from "../domain/catalog/Kind.ts"
export type { Offer, OfferedTemplate, OffersQuery } from "../domain/catalog/Offer.ts"
export { nextDue } from "../domain/catalog/Schedule.ts"
export {
  Definition,
  type ListedTemplate,
  type Manifest,
  type ManifestRow,
  type Published,
  type PublishedChange,
  PublishRefused,
  Template
} from "../domain/catalog/Template.ts"
export type { TemplateIssue } from "../domain/catalog/TemplateIssue.ts"
export { UnknownTemplateSlug } from "../domain/Errors.ts"
export { AgentId, DefinitionSlug, Slug } from "../domain/Ids.ts"
export {
  diffTemplate,
  type Publication,
  publishTemplate,
  WithdrawalNotAgreed
} from "../services/catalog/PublishTemplate.ts"
export { TemplateCatalog } from "../services/catalog/TemplateCatalog.ts"
export { TemplateOffers } from "../services/catalog/TemplateOffers.ts"
export { TemplateReader } from "../services/catalog/TemplateReader.ts"
