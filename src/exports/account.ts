/** Who calls, which organization is their own, and their account as a whole. */
export type { Account, AccountSession, DeleteRequest, HeldRow } from "../domain/account/Account.ts"
export type { ApiKey, KeyRequest, KeyScope, NewApiKey, VerifiedKey } from "../domain/account/ApiKey.ts"
export type { DeletionObstacle, DeletionPlan } from "../domain/account/Deletion.ts"
export type { Mail } from "../domain/account/Mail.ts"
export {
  KeyNotFound,
  LimitReached,
  NoPersonalOrg,
  OrganizationInUse,
  Unauthenticated,
  UnknownTemplateSlug,
  WrongPassword
} from "../domain/Errors.ts"
export { OrganizationId, Slug, UserId } from "../domain/Ids.ts"
export { Accounts } from "../services/account/Accounts.ts"
export { ApiKeys } from "../services/account/ApiKeys.ts"
export { Auth, type Credential } from "../services/account/Auth.ts"
export { AuthRoutes, type BrowserSession } from "../services/account/AuthRoutes.ts"
export { Mailer, type MailSender } from "../services/account/Mailer.ts"
export {
  type Organization,
  OrgResolver,
  type ResolvedTemplate,
  type ResolveRequest
} from "../services/account/OrgResolver.ts"
export {
  type DeleteAccountRequest,
  deleteAccount,
  exportAccount,
  planAccountDeletion,
  viewAccount
} from "../services/account/OwnAccount.ts"
export { PersonalOrgs } from "../services/account/PersonalOrgs.ts"
