import type { KindDescription } from "../../domain/catalog/Kind.ts"

/** The rows of one table that the service holds about a person. */
export interface HeldTable {
  readonly table: string
  /** Its key: the columns with their types. */
  readonly key: ReadonlyArray<readonly [column: string, type: "text" | "bigint" | "integer" | "bytea"]>
  /**
   * Which rows. Parameters: `$1` the person, `$2` the organizations that would be deleted with the account, `$3` the
   * digest by which budgets know the e-mail address.
   */
  readonly where: string
  /** Columns that give access to something, or that belong to somebody else. */
  readonly withheld?: ReadonlyArray<string>
}

const id = [["id", "text"]] as const
const number = [["id", "bigint"]] as const
const inOrganizations = "organization_id = ANY ($2)"
const ofTemplates = `template_agent_id IN (SELECT id FROM agents WHERE ${inOrganizations})`

/**
 * Everything that is held about a person, by table. A test compares it with the tables that exist, so that a new one is
 * either listed here or declared to hold nothing about anybody.
 */
export const heldTables = (kinds: ReadonlyArray<KindDescription>): ReadonlyArray<HeldTable> => [
  { table: `"user"`, key: id, where: "id = $1" },
  {
    table: "account",
    key: id,
    where: `"userId" = $1`,
    withheld: ["password", "accessToken", "refreshToken", "idToken"]
  },
  { table: "session", key: id, where: `"userId" = $1`, withheld: ["token"] },
  // The identifier is what the link in the mail contains.
  { table: "verification", key: id, where: "value = $1", withheld: ["identifier"] },
  { table: "organization", key: id, where: "id = ANY ($2)" },
  { table: "member", key: id, where: "user_id = $1" },
  { table: "apikey", key: id, where: `"referenceId" = ANY ($2)`, withheld: ["key"] },
  {
    table: "invitations",
    key: id,
    where: `${inOrganizations} OR email = (SELECT email FROM "user" WHERE id = $1)`,
    withheld: ["digest"]
  },
  { table: "agents", key: id, where: `${inOrganizations} OR owner_user_id = $1` },
  {
    table: "template_revisions",
    key: [
      ["template_agent_id", "text"],
      ["revision", "integer"]
    ],
    where: ofTemplates
  },
  {
    table: "template_revision_rows",
    key: [
      ["template_agent_id", "text"],
      ["revision", "integer"],
      ["kind", "text"],
      ["slug", "text"]
    ],
    where: ofTemplates,
    // Both are part of the content.
    withheld: ["document", "rest"]
  },
  // The same again, each in columns of its own.
  ...kinds.flatMap(
    ({ published }): ReadonlyArray<HeldTable> =>
      published === undefined
        ? []
        : [
            {
              table: published,
              key: [
                ["template_agent_id", "text"],
                ["revision", "integer"],
                ["ordinal", "integer"]
              ],
              where: ofTemplates
            }
          ]
  ),
  ...kinds.flatMap(
    ({ table, versions }): ReadonlyArray<HeldTable> => [
      { table, key: number, where: inOrganizations },
      ...(versions === undefined
        ? []
        : [
            {
              table: versions.table,
              key: number,
              where: `${versions.owner} IN (SELECT id FROM ${table} WHERE ${inOrganizations})`
            }
          ])
    ]
  ),
  { table: "entities", key: number, where: inOrganizations },
  { table: "entity_relationships", key: number, where: inOrganizations },
  {
    table: "entity_identities",
    key: number,
    where: `${inOrganizations} OR namespace = 'auth_user_id' AND identifier = $1 AND state = 'verified' AND deleted_at IS NULL`
  },
  { table: "identity_links", key: id, where: inOrganizations },
  {
    table: "identity_refusals",
    key: [
      ["entity_id", "bigint"],
      ["namespace", "text"],
      ["identifier", "text"]
    ],
    where: `entity_id IN (SELECT id FROM entities WHERE ${inOrganizations})`
  },
  {
    table: "install_tokens",
    key: [
      ["user_id", "text"],
      ["template_agent_id", "text"]
    ],
    where: "user_id = $1",
    withheld: ["digest"]
  },
  {
    table: "kept_answers",
    key: [["digest", "bytea"]],
    where: "user_id = $1 OR organization_id = ANY ($2)",
    withheld: ["digest", "fingerprint", "answer"]
  },
  {
    table: "mirror_ledger",
    key: [
      ["template_agent_id", "text"],
      ["organization_id", "text"],
      ["kind", "text"],
      ["source_id", "bigint"]
    ],
    where: inOrganizations
  },
  { table: "mirror_history", key: number, where: inOrganizations },
  { table: "hand_edited_organizations", key: number, where: inOrganizations },
  { table: "events", key: number, where: inOrganizations },
  {
    table: "installation_checks",
    key: [["agent_id", "text"]],
    where: `agent_id IN (SELECT id FROM agents WHERE ${inOrganizations})`
  },
  {
    table: "installation_findings",
    key: [
      ["agent_id", "text"],
      ["kind", "text"],
      ["source_id", "bigint"]
    ],
    where: `agent_id IN (SELECT id FROM agents WHERE ${inOrganizations})`
  },
  { table: "rollouts", key: id, where: ofTemplates },
  {
    table: "rollout_targets",
    key: [
      ["rollout_id", "text"],
      ["organization_id", "text"]
    ],
    where: inOrganizations
  },
  // In organizations that stay: the contents of the rows belong to them.
  { table: "mirror_history", key: number, where: "user_id = $1 AND organization_id <> ALL ($2)", withheld: ["rows"] },
  {
    table: "rate_limits",
    key: [["key", "text"]],
    where: `key IN ('install:' || $1, 'change:' || $1, 'password:user ' || $1, 'account:' || $3, 'mail:' || $3)
      OR key ~>=~ ('password:' || $3 || ' ') AND key ~<~ ('password:' || $3 || '!')`
  }
]

/** How many rows are read at once, and about how many bytes of them. */
export const heldPage = { rows: 200, bytes: 1024 * 1024 } as const

/**
 * A page of a table's rows. Parameters: those of `where`, then `$4` the key of the last row of the previous page as
 * texts (null for the first page). Result: each row as JSON text with its key, and how many rows are left, counting
 * from this page.
 */
export const heldStatement = ({ key, table, where, withheld = [] }: HeldTable): string => {
  const columns = key.map(([column]) => column).join(", ")
  const last = key.map(([, type], at) => `($4::text[])[${at + 1}]::${type}`).join(", ")
  return `WITH given AS (SELECT $1::text, $2::text[], $3::text),
mine AS MATERIALIZED (
  SELECT ${columns} FROM ${table} WHERE (${where}) AND ($4::text[] IS NULL OR (${columns}) > (${last}))
),
page AS MATERIALIZED (SELECT ${columns} FROM mine ORDER BY ${columns} LIMIT ${heldPage.rows}),
written AS MATERIALIZED (
  SELECT ${columns}, (to_jsonb(t) - ARRAY[${withheld.map((column) => `'${column}'`).join(", ")}]::text[])::text AS row
  FROM page JOIN ${table} t USING (${columns})
),
sized AS (
  SELECT *, sum(octet_length(row)) OVER (ORDER BY ${columns}) - octet_length(row) AS bytes_before FROM written
)
SELECT row, ARRAY[${key.map(([column]) => `${column}::text`).join(", ")}] AS key, (SELECT count(*) FROM mine)::integer AS remaining
FROM sized WHERE bytes_before < ${heldPage.bytes} ORDER BY ${columns}`
}
