/** Whose message this is: identifiers, what was claimed of them and what was proved. */
export {
  IdentityNotFound,
  IdentityTaken,
  InvalidPhone,
  NoMember,
  NotGateway,
  PendingNotFound
} from "../domain/Errors.ts"
export {
  type AnswerOutcome,
  type AnswerResult,
  type ClaimAnswer,
  type ClaimedPhone,
  ClaimRequest,
  IdentityId,
  type IdentityState,
  LinkId,
  type LookupAnswer,
  LookupRequest,
  type LookupResult,
  type OwnIdentity,
  PhoneRequest,
  SenderAnswer,
  type TokenAnswer
} from "../domain/identity/Identity.ts"
export type { Challenge } from "../domain/identity/Link.ts"
export { E164, type LinkedPhone, WaJid } from "../domain/identity/Phone.ts"
export { Namespace, Platform } from "../domain/identity/Platform.ts"
export type { Sender } from "../domain/identity/Sender.ts"
export type { Identifier } from "../domain/identity/WaId.ts"
export { type AnswerCall, answerChallenge } from "../services/identity/AnswerChallenge.ts"
export { Gateway, type GatewayCall } from "../services/identity/Gateway.ts"
export {
  type GivenAnswer,
  IdentityLinker,
  type IdentityLinkerOptions,
  type OwnedIdentity,
  type Person,
  type PhoneClaim,
  type SentCode
} from "../services/identity/IdentityLinker.ts"
export {
  type CodeOwner,
  type ConsumedCode,
  InstallCodes,
  type RejectedCode
} from "../services/identity/InstallCodes.ts"
export { lookUp } from "../services/identity/LookUp.ts"
export { makeInstallCode } from "../services/identity/MakeInstallCode.ts"
export {
  confirmIdentity,
  listIdentities,
  type OwnCall,
  type PhoneCall,
  typePhone,
  unlinkIdentity
} from "../services/identity/OwnIdentities.ts"
export { redeemCode } from "../services/identity/RedeemCode.ts"
