import { Cause, Effect, Option } from "effect"
import type { Account, DeleteRequest } from "../../domain/account/Account.ts"
import { ownPasswordKey } from "../../domain/admission/Budget.ts"
import type {
  OrganizationInUse,
  RateLimitExceeded,
  ReadError,
  Unauthenticated,
  WrongPassword
} from "../../domain/Errors.ts"
import { admit } from "../admission/Admission.ts"
import { RateLimiter } from "../admission/RateLimiter.ts"
import { traced } from "../runtime/Traced.ts"
import { Accounts } from "./Accounts.ts"
import { Auth, type Credential } from "./Auth.ts"

/* What a person does with their account as a whole. */

/** The account of whoever asks. */
export const viewAccount: (
  credential: Credential
) => Effect.Effect<Account, Unauthenticated | RateLimitExceeded, Accounts | Auth | RateLimiter> = traced(
  "OwnAccount.viewAccount"
)(function* (credential) {
  const auth = yield* Auth
  const accounts = yield* Accounts
  const limiter = yield* RateLimiter
  const { sessionId, userId } = yield* auth.identify(credential)
  yield* limiter.take("read", userId)
  return yield* accounts.view(userId, sessionId)
})

/** What is held of whoever asks, to be read as it is sent. It costs more than a read, so it spends the budget of changes. */
export const exportAccount = traced("OwnAccount.exportAccount")(function* (credential: Credential) {
  const accounts = yield* Accounts
  const userId = yield* admit("change", credential)
  return accounts.held(userId)
})

/** What the deletion of the account would do. */
export const planAccountDeletion = traced("OwnAccount.planAccountDeletion")(function* (credential: Credential) {
  const accounts = yield* Accounts
  const userId = yield* admit("read", credential)
  return yield* accounts.planDeletion(userId)
})

export interface DeleteAccountRequest {
  readonly credential: Credential
  readonly body: Effect.Effect<DeleteRequest, ReadError>
}

/**
 * Deletes the account of whoever asks and gives its password. A try of the password budget is taken first, so that many
 * requests at once can't pass together; it is given back unless the password was wrong or the account is gone.
 */
export const deleteAccount: (
  request: DeleteAccountRequest
) => Effect.Effect<
  void,
  Unauthenticated | RateLimitExceeded | ReadError | WrongPassword | OrganizationInUse,
  Accounts | Auth | RateLimiter
> = traced("OwnAccount.deleteAccount")(function* ({ body, credential }) {
  const accounts = yield* Accounts
  const limiter = yield* RateLimiter
  const userId = yield* admit("change", credential)
  const { password } = yield* body
  const budget = ownPasswordKey(userId)
  yield* limiter.take("password", budget)
  return yield* Effect.tapErrorCause(accounts.delete(userId, password), (cause) =>
    Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag === "WrongPassword")
      ? Effect.void
      : limiter.giveBack("password", budget)
  )
})
