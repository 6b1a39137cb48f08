import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ownServer } from "../postgres.ts"
import { run, secret } from "./processes.ts"

const minutes = { timeout: 300_000 }

/** What each command says that can't go on with this database, all of them alike, and what the doctor finds wrong. */
const refusedBy = (url: string, commands: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.gen(function* () {
    const given = { DATABASE_URL: url, AUTH_SECRET: secret, PORT: "1" }
    const said = yield* Effect.forEach(
      commands,
      (args) =>
        Effect.map(run(args, given), ({ code, err, out }) => {
          assert.strictEqual(code, 1, `${args.join(" ")}: ${err}${out}`)
          return err
        }),
      { concurrency: 2 }
    )
    const doctor = yield* run(["doctor", "--json"], given)
    assert.strictEqual(doctor.code, 1)
    const found: ReadonlyArray<{ check: string; found: string; ok: boolean; remedy?: string }> = JSON.parse(
      doctor.out
    ).findings
    const wrong = found.filter(({ check, ok }) => !ok && check !== "port")
    return {
      lines: [...new Set(said)],
      wrong: wrong.map(({ check, found, remedy }) => `${check}: ${found}. ${remedy}`)
    }
  })

const all = [["serve"], ["migrate"], ["template", "list"]]
const one = [["migrate"]]

describe("a database that can't be used", () => {
  it.scopedLive(
    "is refused at the start in one line that says what to do, and found by the doctor",
    () =>
      Effect.gen(function* () {
        const server = yield* ownServer({
          hba: [
            "host guarded all 127.0.0.1/32 scram-sha-256",
            "hostssl encrypted all 127.0.0.1/32 trust",
            "host all all 127.0.0.1/32 trust"
          ]
        })
        for (const statement of [
          "CREATE ROLE poor LOGIN",
          "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
          "CREATE ROLE guest LOGIN PASSWORD 'a password'",
          "CREATE DATABASE plain",
          "CREATE DATABASE guarded",
          "CREATE DATABASE theirs",
          "CREATE DATABASE closed ALLOW_CONNECTIONS false",
          "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'",
          "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
        ]) {
          yield* server.query(statement)
        }
        const at = (user: string, database: string) => `postgres://${user}@127.0.0.1:${server.port}/${database}`
        const before = `The database of DATABASE_URL can't be used: `
        const cases: ReadonlyArray<readonly [url: string, commands: typeof all, line: string, check: string]> = [
          [
            at("poor", "plain"),
            all,
            "role poor may not create tables in schema public. Run as the database's owner: GRANT USAGE, CREATE ON SCHEMA public TO poor",
            "rights"
          ],
          [
            at("postgres", "latin"),
            [["serve"], ["template", "list"]],
            "database latin is encoded in LATIN1. It can't hold every name, and keeps its encoding: make another by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that one.",
            "encoding"
          ],
          [
            at("postgres", "bytes"),
            one,
            "database bytes is encoded in SQL_ASCII. It can't hold every name, and keeps its encoding: make another by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that one.",
            "encoding"
          ],
          [
            at("crowded", "plain"),
            one,
            `too many connections for role "crowded". Each process group takes ten connections: let fewer run, or raise max_connections, or the role's or database's limit.`,
            "database"
          ],
          [
            at("postgres", "closed"),
            one,
            `database "closed" is not currently accepting connections. Run ALTER DATABASE … ALLOW_CONNECTIONS true, or name another in DATABASE_URL.`,
            "database"
          ],
          [
            at("postgres", "nowhere"),
            one,
            `database "nowhere" does not exist. Make it by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, or name another in DATABASE_URL.`,
            "database"
          ],
          [
            at("guest:wrong", "guarded"),
            one,
            `password authentication failed for user "guest". Check user and password in DATABASE_URL, and the server's pg_hba.conf.`,
            "database"
          ]
        ]
        for (const [url, commands, line, check] of cases) {
          const { lines, wrong } = yield* refusedBy(url, commands)
          assert.deepStrictEqual(lines, [`${before}${line}\n`])
          assert.deepStrictEqual(wrong, [`${check}: ${check === "database" ? "can't be used: " : ""}${line}`])
        }

        // Restored, or migrated, by another role.
        const given = { DATABASE_URL: at("postgres", "theirs"), AUTH_SECRET: secret }
        assert.strictEqual((yield* run(["migrate"], given)).code, 0)
        yield* server.query("GRANT CREATE ON SCHEMA public TO poor", "theirs")
        const theirs = yield* refusedBy(at("poor", "theirs"), one)
        const line =
          "the service's tables belong to role postgres, not to poor. Connect as postgres, or run: GRANT postgres TO poor"
        assert.deepStrictEqual(theirs, { lines: [`${before}${line}\n`], wrong: [`rights: ${line}`] })

        // Enough to start, too few to serve.
        yield* server.query("CREATE ROLE narrow LOGIN CONNECTION LIMIT 3")
        yield* server.query("GRANT CREATE ON SCHEMA public TO narrow", "plain")
        const narrow = yield* run(["doctor", "--json"], {
          DATABASE_URL: at("narrow", "plain"),
          AUTH_SECRET: secret,
          PORT: "1"
        })
        assert.match(narrow.out, /"3 for this service, which takes 10"/)

        for (const [parameters, why] of [
          [
            "sslmode=require",
            "can't be reached: The server does not support SSL connections. Turn TLS on there, or say sslmode=prefer in DATABASE_URL."
          ],
          ["sslmode=wrong", ""]
        ]) {
          const { code, err } = yield* run(["migrate"], {
            ...given,
            DATABASE_URL: `${given.DATABASE_URL}?${parameters}`
          })
          assert.strictEqual(code, 1)
          assert.strictEqual(
            err,
            why === ""
              ? "DATABASE_URL has sslmode=wrong: sslmode is one of disable, allow, prefer, require, verify-ca, verify-full\n"
              : `The database of DATABASE_URL ${why}\n`
          )
        }
      }),
    minutes
  )

  it.scopedLive(
    "is refused where it only reads",
    () =>
      Effect.gen(function* () {
        const { port } = yield* ownServer({ standby: true })
        const { lines, wrong } = yield* refusedBy(`postgres://postgres@127.0.0.1:${port}/postgres`, all)
        const line = "the server is a standby, which only reads. Name the primary in DATABASE_URL."
        assert.deepStrictEqual(lines, [`The database of DATABASE_URL can't be used: ${line}\n`])
        assert.deepStrictEqual(wrong, [`writable: ${line}`])
      }),
    minutes
  )
})

describe("queries that read the vocabulary of all organizations", () => {
  it.scopedLive(
    "are named by the doctor, where the database counts its statements",
    () =>
      Effect.gen(function* () {
        const { port, query } = yield* ownServer({ settings: { shared_preload_libraries: "pg_stat_statements" } })
        yield* query("CREATE DATABASE counted")
        const given = { DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/counted`, AUTH_SECRET: secret, PORT: "1" }
        assert.strictEqual((yield* run(["migrate"], given)).code, 0)
        const queries = Effect.map(run(["doctor", "--json"], given), ({ out }) => {
          const found: ReadonlyArray<{ check: string; found: string; ok: boolean }> = JSON.parse(out).findings
          return found.filter(({ check }) => check === "queries").map(({ found, ok }) => [ok, found])
        })
        assert.deepStrictEqual(yield* queries, [[true, "not looked at: the database has no pg_stat_statements"]])
        yield* query("CREATE SCHEMA kept", "counted")
        yield* query("CREATE EXTENSION pg_stat_statements SCHEMA kept", "counted")
        for (const text of [
          "SELECT slug FROM vocabulary.entity_types WHERE organization_id = 'org' AND slug = 'a'",
          "SELECT slug FROM vocabulary.entity_types_of('org')",
          "SELECT e.id FROM entities e JOIN vocabulary.used_entity_types t ON t.id = e.entity_type_id"
        ]) {
          yield* query(text, "counted")
        }
        assert.deepStrictEqual(yield* queries, [[true, "none that reads the vocabulary of all organizations"]])
        yield* query("SELECT slug\n  FROM vocabulary.watchers WHERE slug = 'inbox'", "counted")
        assert.deepStrictEqual(yield* queries, [
          [
            false,
            "these read the vocabulary of all organizations: SELECT slug FROM vocabulary.watchers WHERE slug = $1"
          ]
        ])
      }),
    minutes
  )
})
