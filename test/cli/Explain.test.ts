import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted } from "effect"
import { isAtLeast } from "../../src/cli/Doctor.ts"
import { databaseNamed, explain } from "../../src/cli/Explain.ts"
import { table } from "../../src/cli/Output.ts"

const said = (code: string, message: string, databaseUrl: Option.Option<Redacted.Redacted<string>>) =>
  Option.getOrUndefined(
    explain(
      new SqlError({ cause: Object.assign(new Error(message), { code }), message: "Failed" }),
      databaseNamed(Option.some({ databaseUrl }))
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
    assert.deepStrictEqual(databaseNamed(Option.none()), { name: "The database of DATABASE_URL" })
  })

  it("says where Postgres refuses who asks, and where a pooler stands between", () => {
    assert.strictEqual(
      said("28P01", "password authentication failed", own),
      "The database of DATABASE_URL can't be used: password authentication failed. Check user and password in DATABASE_URL, and the server's pg_hba.conf."
    )
    assert.match(
      said("42P05", "prepared statement exists", own) ?? "",
      /add pgbouncer=true to the parameters of DATABASE_URL$/
    )
    assert.isUndefined(said("42601", "syntax error", own))
  })

  it("says what to do about what a server refuses, whoever asked it", () => {
    const cases: ReadonlyArray<readonly [code: string, message: string, remedy: RegExp]> = [
      ["42501", "permission denied for schema app", /: GRANT USAGE, CREATE ON SCHEMA app TO keeper$/],
      ["42501", "permission denied for table agents", /tables have to belong to role keeper/],
      ["3F000", "no schema has been selected to create in", /GRANT USAGE, CREATE ON SCHEMA public TO keeper$/],
      ["25006", "cannot execute INSERT in a read-only transaction", /Name the primary in DATABASE_URL/],
      ["55000", "cannot acquire lock mode while recovery is in progress", /Name the primary in DATABASE_URL/],
      ["55000", 'database "x" is not currently accepting connections', /ALLOW_CONNECTIONS true/],
      ["53300", "sorry, too many clients already", /raise max_connections/],
      ["53100", "could not extend file: No space left on device", /disk is full/],
      ["53200", "out of memory", /lacks memory/],
      ["XX000", "could not write init file", /whether its disk is full/],
      ["58030", "could not read block 3", /See the server's log/],
      ["55P03", "canceling statement due to lock timeout", /see pg_locks/],
      ["0A000", "not supported", /Use Postgres 15 or later/],
      ["28000", "no pg_hba.conf entry for host, no encryption", /Say sslmode=require/],
      [
        "SELF_SIGNED_CERT_IN_CHAIN",
        "self-signed certificate in certificate chain",
        /^.* can't be trusted: .*sslrootcert/
      ],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match", /Check host, sslmode/]
    ]
    const database = databaseNamed(Option.some({ databaseUrl: Option.some(Redacted.make("postgres://keeper@x/y")) }))
    for (const [code, message, remedy] of cases) {
      const fault = Object.assign(new Error(message), { code })
      for (const error of [fault, new SqlError({ cause: fault }), new Error("Failed", { cause: fault })]) {
        assert.match(
          Option.getOrElse(explain(error, database), () => ""),
          remedy,
          code
        )
      }
    }
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
