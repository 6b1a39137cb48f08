import { DateTime, Redacted, Schema } from "effect"
import type { OrganizationId } from "../Ids.ts"
import { listQuery, next, type PageKey } from "../Page.ts"
import { Name } from "../Text.ts"

/** The prefix of every key, by which a key can be distinguished from a session, and found where it should not be. */
export const keyPrefix = "aik_"

/** What a key may be used for. `publish` includes `read`. */
export const KeyScope = Schema.Literal("publish", "read")
export type KeyScope = typeof KeyScope.Type

/** The maximum number of keys of an organization. */
export const mostKeys = 100

/** What a verified key gives access to, and the id that its budgets count by. */
export interface VerifiedKey {
  readonly id: string
  readonly organizationId: OrganizationId
  readonly scopes: ReadonlyArray<KeyScope>
}

/** The body of `POST /api/publishers/:slug/keys`. */
export const KeyRequest = Schema.Struct({
  name: Name.annotations({ description: "What it is for, as a list shows it." }),
  scopes: Schema.NonEmptyArray(KeyScope).pipe(Schema.maxItems(2))
}).annotations({
  identifier: "KeyRequest",
  description: "The key to make: what it is called and what it may do.",
  examples: [{ name: "CI", scopes: ["publish"] }]
})
export type KeyRequest = typeof KeyRequest.Type

/** A key as a list shows it: its first characters, never the whole key. */
export const ApiKey = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  start: Schema.String.annotations({ description: "How the key begins." }),
  scopes: Schema.Array(KeyScope),
  createdAt: Schema.DateTimeUtc,
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtc)
})
export type ApiKey = typeof ApiKey.Type

/** What `GET /api/publishers/:slug/keys` answers: the newest first. */
export const ApiKeyList = Schema.Struct({ keys: Schema.Array(ApiKey), next }).annotations({
  identifier: "ApiKeyList",
  description: "A page of the keys of a publisher, the newest first.",
  examples: [
    {
      keys: [
        {
          id: "8cVnT2wQ0kLm",
          name: "CI",
          start: `${keyPrefix}QzTe`,
          scopes: ["publish"],
          createdAt: DateTime.unsafeMake("2026-11-23T06:29:58Z"),
          lastUsedAt: null
        }
      ],
      next: null
    }
  ]
})

/** The parameters of that list. */
export const ApiKeysQuery = Schema.Struct(listQuery("keys"))

/** What the list is in the order of. */
export const orderOfKeys = ({ createdAt, id }: ApiKey): PageKey => [-createdAt.epochMillis, id]

/** What `POST /api/publishers/:slug/keys` answers: the key itself, which is never shown again. */
export const NewApiKey = Schema.Struct({ id: Schema.String, key: Schema.Redacted(Schema.String) }).annotations({
  identifier: "NewApiKey",
  description: "A key that was made, with the key itself, which is shown this once.",
  examples: [
    {
      id: "8cVnT2wQ0kLm",
      key: Redacted.make(`${keyPrefix}QzTeKxWbNfLdPaRvHsYcGjMuEiOtBqZlDkXwCnVrSgAfTyUhPmJeLoIbQdKxRzNw`)
    }
  ]
})
export type NewApiKey = typeof NewApiKey.Type
