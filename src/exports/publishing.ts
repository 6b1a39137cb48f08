/** Publishers: who belongs to them, who may do what, and their keys. */
export type { KeyRequest } from "../domain/account/ApiKey.ts"
export type { BrokenRequest, Deprecation, DeprecationRequest } from "../domain/catalog/Deprecation.ts"
export {
  InvitationNotFound,
  KeyNotFound,
  LastOwner,
  LimitReached,
  MemberNotFound,
  NotPermitted,
  PublisherNotFound,
  TemplateInUse,
  TemplateRefused,
  WithdrawalRefused
} from "../domain/Errors.ts"
export { OrganizationId, Slug, UserId } from "../domain/Ids.ts"
export { deprecationOf, mayWithdraw } from "../domain/publishing/Lifecycle.ts"
export { type Asker, mayDo, mayPublish, mayRead, type PublisherFacts } from "../domain/publishing/MayPublish.ts"
export type {
  CreatedPublisher,
  Invitation,
  InvitationRequest,
  JoinRequest,
  Member,
  NewInvitation,
  OwnPublisher,
  Permission,
  Publisher,
  Role,
  RoleRequest,
  Team
} from "../domain/publishing/Publisher.ts"
export type {
  OwnTemplate,
  Revision,
  RevisionAnswer,
  RevisionDocuments,
  RevisionList,
  RevisionRequest
} from "../domain/publishing/Revision.ts"
export {
  type Admitted,
  admitPublisher,
  type PublisherCall,
  type PublisherDoor
} from "../services/publishing/AdmitPublisher.ts"
export { NoSuchAccount, NotAPublisher } from "../services/publishing/CreatePublisherErrors.ts"
export {
  createKey,
  deleteKey,
  inviteMember,
  joinPublisher,
  listKeys,
  listMembers,
  listPublishers,
  type PublisherBody,
  removeMember,
  setRole,
  viewInvitation,
  withdrawInvitation
} from "../services/publishing/ManagePublisher.ts"
export {
  deprecateTemplate,
  markRevisionBroken,
  type RevisionCall,
  restoreRevision,
  restoreTemplate,
  withdrawTemplate
} from "../services/publishing/ManageTemplate.ts"
export { PublishedTemplates } from "../services/publishing/PublishedTemplates.ts"
export { Publishers } from "../services/publishing/Publishers.ts"
export {
  listOwnTemplates,
  listRevisions,
  publishRevision,
  readRevision,
  type TemplateCall,
  viewImpact
} from "../services/publishing/PublishRevision.ts"
