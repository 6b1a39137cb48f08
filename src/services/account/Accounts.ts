import { Context, type Effect, type Option, type Redacted, type Stream } from "effect"
import type { Account, HeldRow } from "../../domain/account/Account.ts"
import type { DeletionPlan } from "../../domain/account/Deletion.ts"
import type { OrganizationInUse, Unauthenticated, WrongPassword } from "../../domain/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"

/** A person's account as a whole: its data, their export, and its deletion. A deleted account is answered with `Unauthenticated`. */
export class Accounts extends Context.Tag("agent-install/Accounts")<
  Accounts,
  {
    /** The account with that e-mail address, in whatever case it is written; for whoever runs the service. */
    readonly withEmail: (email: string) => Effect.Effect<Option.Option<UserId>>
    /** The account and its sessions; `sessionId` is the one that asks. */
    readonly view: (userId: UserId, sessionId: string) => Effect.Effect<Account, Unauthenticated>
    /**
     * Every row about the person, and about the organizations that would be deleted with the account, table by table; without
     * passwords, tokens and the digests of codes. Rows are read page by page, so the export is no snapshot of one moment.
     */
    readonly held: (userId: UserId) => Stream.Stream<HeldRow>
    /** What `delete` would do. */
    readonly planDeletion: (userId: UserId) => Effect.Effect<DeletionPlan, Unauthenticated>
    /**
     * Deletes the account with its sessions, and the organizations that are deleted with it, with all their rows: all or nothing, also
     * if somebody signs in or installs at the same time.
     */
    readonly delete: (
      userId: UserId,
      password: Redacted.Redacted<string>
    ) => Effect.Effect<void, Unauthenticated | WrongPassword | OrganizationInUse>
  }
>() {}
