import { DateTime, Redacted, Schema } from "effect"
import { exampleIds } from "../Ids.ts"

/** Where somebody is signed in. */
export const AccountSession = Schema.Struct({
  id: Schema.String,
  current: Schema.Boolean.annotations({ description: "Whether it is the session that asks." }),
  createdAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
  ipAddress: Schema.NullOr(Schema.String),
  userAgent: Schema.NullOr(Schema.String).annotations({ description: "What the browser says of itself." })
})
export type AccountSession = typeof AccountSession.Type

/** What `GET /api/account` answers: the sessions that have not expired, the newest first. */
export const Account = Schema.Struct({
  name: Schema.String,
  email: Schema.String,
  emailVerified: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  sessions: Schema.Array(AccountSession)
}).annotations({
  identifier: "Account",
  description: "The person's account with its sessions.",
  examples: [
    {
      name: "Ada Lovelace",
      email: "ada@example.org",
      emailVerified: false,
      createdAt: DateTime.unsafeMake("2026-11-22T09:12:44Z"),
      sessions: [
        {
          id: "c8JqZ0m1yT5",
          current: true,
          createdAt: DateTime.unsafeMake("2026-11-23T06:29:58Z"),
          expiresAt: DateTime.unsafeMake("2026-11-30T06:29:58Z"),
          ipAddress: "192.0.2.17",
          userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
        }
      ]
    }
  ]
})
export type Account = typeof Account.Type

/** The body of `POST /api/account/delete`. Its text is nobody's business but better-auth's, so it is only bounded here. */
export const DeleteRequest = Schema.Struct({
  password: Schema.Redacted(Schema.String.pipe(Schema.maxLength(1_000)))
}).annotations({
  identifier: "DeleteRequest",
  description: "The person's password, as proof that they mean it.",
  examples: [{ password: Redacted.make("correct horse battery") }]
})
export type DeleteRequest = typeof DeleteRequest.Type

/** A row that the service holds of a person: its table, and its columns as the JSON text of an object. */
export interface HeldRow {
  readonly table: string
  readonly row: string
}

/** What `GET /api/account/export` answers: every row held of the person, by table, as the columns of that table stand. */
export const AccountExport = Schema.Struct({
  exportedAt: Schema.DateTimeUtc,
  tables: Schema.Record({
    key: Schema.String,
    value: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
  })
}).annotations({
  identifier: "AccountExport",
  description: "All that is held of the person, by table.",
  examples: [
    {
      exportedAt: DateTime.unsafeMake("2026-11-23T06:31:07Z"),
      tables: {
        user: [{ id: exampleIds.userId, name: "Ada Lovelace", email: "ada@example.org", emailVerified: false }],
        organization: [{ id: exampleIds.organizationId, slug: "ada-lovelace", name: "Ada Lovelace" }]
      }
    }
  ]
})
