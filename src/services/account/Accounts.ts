import { Context, type Effect, type Redacted, type Stream } from "effect"
import type { Account, HeldRow } from "../../domain/account/Account.ts"
import type { DeletionPlan } from "../../domain/account/Deletion.ts"
import type { OrganizationInUse, Unauthenticated, WrongPassword } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"

/** A person's account as a whole: what it is, what is held with it, and its end. An account that is gone is nobody's. */
export class Accounts extends Context.Tag("agent-install/Accounts")<
  Accounts,
  {
    /** The account and its sessions; `sessionId` is the one that asks. */
    readonly view: (userId: UserId, sessionId: string) => Effect.Effect<Account, Unauthenticated>
    /**
     * Every row held of the person and of the organizations that would go with the account, table by table, the rows of one table
     * next to each other; without passwords, tokens and the digests of codes. Rows are read a page at a time, each as it then
     * stands.
     */
    readonly held: (userId: UserId) => Stream.Stream<HeldRow>
    /** What `delete` would do. */
    readonly planDeletion: (userId: UserId) => Effect.Effect<DeletionPlan, Unauthenticated>
    /**
     * Deletes the account with its sessions, and the organizations that go with it with all their rows: all of it or nothing, also
     * where somebody signs in or installs at the same time.
     */
    readonly delete: (
      userId: UserId,
      password: Redacted.Redacted<string>
    ) => Effect.Effect<void, Unauthenticated | WrongPassword | OrganizationInUse>
  }
>() {}
