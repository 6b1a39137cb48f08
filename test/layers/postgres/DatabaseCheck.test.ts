import { assert, describe, it } from "@effect/vitest"
import { connectionsFree, type DatabaseFacts, findingsOf } from "../../../src/layers/postgres/DatabaseCheck.ts"

const good: DatabaseFacts = {
  version: 150_004,
  encoding: "UTF8",
  database: "d",
  role: "r",
  schema: "public",
  mayCreate: true,
  standby: false,
  readOnly: false,
  migrated: false,
  otherOwner: null
}

describe("what the service needs of a database", () => {
  it("is found missing, each by its own remedy", () => {
    const wrong = (facts: Partial<DatabaseFacts>) =>
      findingsOf({ ...good, ...facts }).flatMap(({ found, remedy }) =>
        remedy === undefined ? [] : [`${found}. ${remedy}`]
      )
    assert.deepStrictEqual(wrong({}), [])
    const cases: ReadonlyArray<readonly [facts: Partial<DatabaseFacts>, line: RegExp]> = [
      [{ version: 140_011 }, /^Postgres 14. Use Postgres 15 or later.$/],
      [{ encoding: "SQL_ASCII" }, /^database d is encoded in SQL_ASCII/],
      [{ standby: true, readOnly: true }, /^the server is a standby.*Name the primary/],
      [{ readOnly: true }, /^role r only reads there.*ALTER ROLE r SET default_transaction_read_only = off/],
      [{ schema: null, mayCreate: false }, /^role r may use no schema.*ON SCHEMA public TO r$/],
      [{ schema: "app", mayCreate: false }, /^role r may not create tables in schema app.*ON SCHEMA app TO r$/],
      [{ otherOwner: "o" }, /^the service's tables belong to role o, not to r/]
    ]
    for (const [facts, line] of cases) {
      const lines = wrong(facts)
      assert.strictEqual(lines.length, 1)
      assert.match(lines.join(), line)
    }
  })

  it("is connections, of which the least that server, role and database leave", () => {
    const none = { limit: -1, taken: 7 }
    assert.strictEqual(connectionsFree({ server: none, role: none, database: none, own: 1 }), Number.POSITIVE_INFINITY)
    assert.strictEqual(
      connectionsFree({ server: { limit: 97, taken: 90 }, role: none, database: { limit: 20, taken: 16 }, own: 3 }),
      7
    )
  })
})
