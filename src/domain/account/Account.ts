import { DateTime, Redacted, Schema } from "effect"
import { exampleIds } from "../Ids.ts"

/** A session, with the address and the browser that began it. */
export const AccountSession = Schema.Struct({
  id: Schema.String,
  current: Schema.Boolean.annotations({ description: "Whether it is the session of this request." }),
  createdAt: Schema.DateTimeUtc,
  expiresAt: Schema.DateTimeUtc,
  ipAddress: Schema.NullOr(Schema.String),
  userAgent: Schema.NullOr(Schema.String).annotations({ description: "The browser's User-Agent." })
})
export type AccountSession = typeof AccountSession.Type

/** What `GET /api/account` answers: the sessions that have not expired, newest first. */
export const Account = Schema.Struct({
  name: Schema.String,
  email: Schema.String,
  emailVerified: Schema.Boolean,
  createdAt: Schema.DateTimeUtc,
  sessions: Schema.Array(AccountSession)
}).annotations({
  identifier: "Account",
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

/** The body of `POST /api/account/delete`. better-auth checks the password, so here its length is only bounded. */
export const DeleteRequest = Schema.Struct({
  password: Schema.Redacted(Schema.String.pipe(Schema.maxLength(1_000)))
}).annotations({ identifier: "DeleteRequest", examples: [{ password: Redacted.make("correct horse battery") }] })
export type DeleteRequest = typeof DeleteRequest.Type

/** A row that the service holds about a person: its table, and its columns as a JSON object in text. */
export interface HeldRow {
  readonly table: string
  readonly row: string
}

/** What `GET /api/account/export` answers: every row held about the person, by table. */
export const AccountExport = Schema.Struct({
  exportedAt: Schema.DateTimeUtc,
  tables: Schema.Record({
    key: Schema.String,
    value: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
  })
}).annotations({
  identifier: "AccountExport",
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
