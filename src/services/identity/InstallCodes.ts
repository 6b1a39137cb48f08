import { Context, type Effect, type Redacted } from "effect"
import type { AgentId, UserId } from "../../domain/Ids.ts"
import type { E164 } from "../../domain/identity/Phone.ts"

/** Whose code, and for which template. */
export interface CodeOwner {
  readonly userId: UserId
  readonly templateAgentId: AgentId
}

/** A code that was used up just now, and whether the template stands in the person's own organization already. */
export interface ConsumedCode extends CodeOwner {
  readonly status: "consumed"
  readonly installed: boolean
}

/** Why a code does nothing. */
export interface RejectedCode {
  readonly status: "token_invalid" | "token_expired" | "token_used"
}

/** Single-use codes by which a message from a phone says whose it is. */
export class InstallCodes extends Context.Tag("agent-install/InstallCodes")<
  InstallCodes,
  {
    /**
     * Makes the one live code of that person and template, for 15 minutes; an earlier one is forgotten. The phone of the
     * template's bot comes with it.
     */
    readonly mint: (
      owner: CodeOwner
    ) => Effect.Effect<{ readonly code: Redacted.Redacted<string>; readonly botPhone: E164 | null }>
    /** Uses the code up. Of many at once, one gets it. */
    readonly consume: (code: Redacted.Redacted<string>) => Effect.Effect<ConsumedCode | RejectedCode>
  }
>() {}
