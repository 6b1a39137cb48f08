import { Context, type Effect, type Redacted } from "effect"
import type { ApiKey, KeyRequest, NewApiKey, VerifiedKey } from "../../domain/account/ApiKey.ts"
import type { KeyNotFound, LimitReached, Unauthenticated } from "../../domain/Errors.ts"
import type { OrganizationId } from "../../domain/Ids.ts"

/** The keys by which programs act for an organization. A key is shown once; what is kept is its hash. */
export class ApiKeys extends Context.Tag("agent-install/ApiKeys")<
  ApiKeys,
  {
    /** What a key opens; one that was deleted, and what is none, is nobody's. */
    readonly verify: (key: Redacted.Redacted<string>) => Effect.Effect<VerifiedKey, Unauthenticated>
    /** Makes a key of an organization. */
    readonly create: (organizationId: OrganizationId, request: KeyRequest) => Effect.Effect<NewApiKey, LimitReached>
    /** The keys of an organization, the newest first. */
    readonly list: (organizationId: OrganizationId) => Effect.Effect<ReadonlyArray<ApiKey>>
    /** Ends a key of an organization, at once. */
    readonly delete: (organizationId: OrganizationId, id: string) => Effect.Effect<void, KeyNotFound>
  }
>() {}
