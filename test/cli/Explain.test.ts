import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted } from "effect"
import { isAtLeast } from "../../src/cli/Doctor.ts"
import { databaseName, explain } from "../../src/cli/Explain.ts"
import { table } from "../../src/cli/Output.ts"

const said = (code: string, message: string, databaseUrl: Option.Option<Redacted.Redacted<string>>) =>
  Option.getOrUndefined(
    explain(
      new SqlError({ cause: Object.assign(new Error(message), { code }), message: "Failed" }),
      databaseName(Option.some({ databaseUrl }))
    )
  )
const own = Option.some(Redacted.make("postgres://x/y"))

describe("what the program says when it can't go on", () => {
  it("names the database by the variable that is its", () => {
    assert.strictEqual(
      said("ECONNREFUSED", "connect ECONNREFUSED", own),
      "The database of DATABASE_URL can't be reached: connect ECONNREFUSED"
    )
    assert.strictEqual(
      said("57P03", "the database system is starting up", Option.none()),
      "The embedded Postgres in DATA_DIR can't be reached: the database system is starting up"
    )
    assert.strictEqual(databaseName(Option.none()), "The database of DATABASE_URL")
  })

  it("says where Postgres refuses who asks, and where a pooler stands between", () => {
    assert.strictEqual(
      said("28P01", "password authentication failed", own),
      "The database of DATABASE_URL can't be used: password authentication failed"
    )
    assert.match(said("42P05", "prepared statement exists", own) ?? "", /add \?pgbouncer=true to DATABASE_URL$/)
    assert.isUndefined(said("42601", "syntax error", own))
  })
})

describe("tables", () => {
  it("line their columns up, numbers to the right", () => {
    assert.strictEqual(
      table([
        { slug: "a", rows: 5 },
        { slug: "longer", rows: 12 }
      ]),
      "slug   | rows\n-------+-----\na      |    5\nlonger |   12"
    )
    assert.strictEqual(table([]), "(none)")
  })
})

describe("versions", () => {
  it("are compared by number", () => {
    const cases: ReadonlyArray<readonly [version: string, atLeast: boolean]> = [
      ["20.19.0", true],
      ["20.9.0", false],
      ["22.0.0", true],
      ["18.20.4", false]
    ]
    for (const [version, atLeast] of cases) assert.strictEqual(isAtLeast(version, [20, 19]), atLeast, version)
  })
})
