import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Redacted } from "effect"
import { PgPool, PgPoolLive } from "../../../src/layers/postgres/Database.ts"
import { connectionOf } from "../../../src/layers/postgres/DatabaseAddress.ts"
import { ownFolder } from "../../machine.ts"
import { authority, ownServer } from "../../postgres.ts"
import { lacks } from "../../programs.ts"

const read = (address: string) => connectionOf(Redacted.make(address), () => "nothing in PEM")

/** What the driver is given, without the stream, which only stands for a choice made later. */
const driven = (address: string) =>
  Either.map(read(address), ({ options: { stream, ...options }, pooled }) => ({
    ...options,
    ...(stream === undefined ? {} : { tries: true }),
    ...(pooled ? { pooled } : {})
  }))

describe("the address of a database", () => {
  it("says what it says to libpq", () => {
    const local = { host: "localhost", port: 5432, ssl: false, tries: true }
    const socket = { port: 5432, ssl: false }
    const unverified = { ssl: { rejectUnauthorized: false } }
    const cases: ReadonlyArray<readonly [address: string, options: object]> = [
      // The examples of libpq's documentation.
      ["postgresql://", local],
      ["postgresql://localhost", local],
      ["postgresql://localhost:5433", { ...local, port: 5433 }],
      ["postgresql://localhost/mydb", { ...local, database: "mydb" }],
      ["postgresql://user@localhost", { ...local, user: "user" }],
      ["postgresql://user:secret@localhost", { ...local, user: "user", password: "secret" }],
      [
        "postgresql://other@localhost/otherdb?connect_timeout=10&application_name=myapp",
        { ...local, user: "other", database: "otherdb", connectionTimeoutMillis: 10_000, application_name: "myapp" }
      ],
      [
        "postgresql://user@localhost:5433/mydb?options=-c%20synchronous_commit%3Doff",
        { ...local, user: "user", port: 5433, database: "mydb", options: "-c synchronous_commit=off" }
      ],
      ["postgresql:///mydb?host=localhost&port=5433", { ...local, port: 5433, database: "mydb" }],
      ["postgresql://[2001:db8::1234]/database", { ...local, host: "2001:db8::1234", database: "database" }],
      ["postgresql://%2Fvar%2Flib%2Fpostgresql/dbname", { ...socket, host: "/var/lib/postgresql", database: "dbname" }],
      // Sockets, as hosts hand them out.
      [
        "postgres://user:pw@/db?host=/cloudsql/project:region:instance",
        { ...socket, user: "user", password: "pw", database: "db", host: "/cloudsql/project:region:instance" }
      ],
      [
        "postgres:///db?host=%2Frun%2Fpostgresql&port=6432",
        { ...socket, port: 6432, database: "db", host: "/run/postgresql" }
      ],
      [
        "postgres:///?host=/tmp&dbname=d&user=u&password=p%2Fw",
        { ...socket, host: "/tmp", database: "d", user: "u", password: "p/w" }
      ],
      ["postgres://u@/db?host=/tmp&sslmode=require", { ...socket, host: "/tmp", user: "u", database: "db" }],
      // What stands in the field: signs in passwords, databases with percent signs, poolers, managed hosts.
      [
        "postgres://u:p%40w%2F%25%C3%A9@127.0.0.1/my%20db",
        { ...local, host: "127.0.0.1", user: "u", password: "p@w/%é", database: "my db" }
      ],
      ["postgres://u:p@w#x+y@db/x", { ...local, host: "db", user: "u", password: "p@w#x+y", database: "x" }],
      ["postgres://[::1]:6432/x?pgbouncer=true", { ...local, host: "::1", port: 6432, database: "x", pooled: true }],
      ["postgres://h/x?pgbouncer=false", { ...local, host: "h", database: "x" }],
      ["postgres://h/x?sslmode=disable", { host: "h", port: 5432, ssl: false, database: "x" }],
      ["postgres://h/x?sslmode=require", { host: "h", port: 5432, database: "x", ...unverified }],
      ["postgres://h/x?ssl=true", { host: "h", port: 5432, database: "x", ...unverified }],
      ["postgres://h/x?ssl=0", { host: "h", port: 5432, database: "x", ssl: false }],
      ["postgres://h/x?sslmode=no-verify", { host: "h", port: 5432, database: "x", ...unverified }],
      ["postgres://h/x?uselibpqcompat=true&sslmode=require", { host: "h", port: 5432, database: "x", ...unverified }],
      [
        "postgres://h/x?sslmode=require&channel_binding=require&sslnegotiation=direct&target_session_attrs=read-write",
        { host: "h", port: 5432, database: "x", ...unverified, enableChannelBinding: true, sslnegotiation: "direct" }
      ],
      ["postgres://h/x?sslmode=verify-full", { host: "h", port: 5432, database: "x", ssl: {} }],
      ["postgres://h/x?sslrootcert=system", { host: "h", port: 5432, database: "x", ssl: {} }]
    ]
    for (const [address, options] of cases) assert.deepStrictEqual(driven(address), Either.right(options), address)
  })

  it("is refused in a line that says what is wrong with it, and nothing secret of it", () => {
    const several = /names several hosts/
    const cases: ReadonlyArray<readonly [address: string, reason: RegExp]> = [
      ["mysql://h/x", /^must be an address like postgres:\/\//],
      ["postgresql+psycopg://h/x", /^must be an address like/],
      ["h:5432/x", /^must be an address like/],
      ["postgres://no host/x", /^must be an address like/],
      ["postgresql://host1:123,host2:456/somedb?target_session_attrs=any", several],
      ["postgres:///x?host=h1,h2", several],
      ["postgres://h/x?port=5432,5433", several],
      ["postgres://u:very/secret@h/x", /^has a port that is no number .*\/ is written %2F/],
      ["postgres://h:0/x", /^has a port/],
      ["postgres://u:very?secret=@h/x", /^has a port/],
      ["postgres://u:1?secret=@h/x", /^has an unknown parameter; in a password, .*\? is %3F/],
      ["postgres://h:65536/x", /^has a port/],
      ["postgres://u:very%secret@h/x", /^has a % that begins no character/],
      ["postgres://h/x?sslmode", /^has a parameter that is not of the form name=value/],
      ["postgres://h/x?sslmode=on", /^has sslmode=on: sslmode is one of disable, allow, prefer, require/],
      ["postgres://h/x?ssl=yes", /^has ssl=yes: say sslmode=require/],
      ["postgres://h/x?schema=app", /^has an unknown parameter, schema; known are host, port/],
      ["postgres://h/x?pgbouncer=yes", /^has pgbouncer=yes: pgbouncer is one of true, false/],
      ["postgres://h/x?connect_timeout=soon", /^has connect_timeout=soon: it is a whole number from 1/],
      ["postgres://h/x?client_encoding=LATIN1", /^has client_encoding=LATIN1/],
      ["postgres://h/x?target_session_attrs=standby", /^has target_session_attrs=standby/],
      ["postgres://h/x?sslmode=verify-ca", /^has sslmode=verify-ca and no sslrootcert/],
      ["postgres://h/x?sslrootcert=/a.crt", /^has sslrootcert, which sslmode=prefer does not check/],
      [
        "postgres://h/x?sslmode=require&sslrootcert=system",
        /^has sslrootcert=system, which is for sslmode=verify-full/
      ],
      [
        "postgres://h/x?sslmode=require&sslrootcert=/a.crt",
        /^names a file that is no certificate in PEM, sslrootcert=\/a.crt/
      ],
      ["postgres://h/x?sslmode=require&sslkey=/a.key", /^names a file that is no private key/],
      ["postgres://h/x?sslnegotiation=direct", /^has sslnegotiation=direct, which needs sslmode=require/],
      ["postgres://h/x?channel_binding=require", /^has channel_binding=require, which needs/]
    ]
    for (const [address, reason] of cases) {
      const refused = Either.flip(read(address))
      assert(Either.isRight(refused), address)
      assert.match(refused.right.reason, reason, address)
      assert.notInclude(refused.right.reason, "secret", address)
    }
    const missing = Either.flip(
      connectionOf(Redacted.make("postgres://h/x?sslmode=verify-full&sslrootcert=/no/where.crt"))
    )
    assert(Either.isRight(missing))
    assert.strictEqual(
      missing.right.message,
      "DATABASE_URL names a file that can't be read, sslrootcert=/no/where.crt (ENOENT)"
    )
  })
})

/** Whether the connection of that address is encrypted, or why there is none. */
const tried = (address: string) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(PgPoolLive({ url: Redacted.make(address), maxConnections: 1 }))
    const pool = yield* Effect.provide(PgPool, context)
    return yield* Effect.promise(() =>
      pool
        .query("SELECT ssl, repeat('x', 300000) AS long FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .then(({ rows: [row] }) => (row.long.length === 300_000 ? String(row.ssl) : "cut off"))
        .catch((error) => String(error.code ?? error.message))
    )
  }).pipe(Effect.scoped)

const untrusted = "SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*"

const minute = { timeout: 90_000 }

describe.skipIf(lacks("openssl", "version"))("a server with TLS, a private authority and a name", () => {
  it.scopedLive(
    "is met by each mode as by libpq",
    () =>
      Effect.gen(function* () {
        const folder = yield* ownFolder
        const own = authority(folder, "own")
        const other = authority(folder, "other")
        const named = own.issue("localhost", "DNS:localhost")
        const role = own.issue("postgres")
        const foreign = other.issue("postgres")
        const server = yield* ownServer({
          tls: { ...named, authority: own.file },
          hba: [
            "hostssl by_certificate all 127.0.0.1/32 cert",
            "hostssl encrypted all 127.0.0.1/32 trust",
            "hostnossl bare all 127.0.0.1/32 trust",
            "hostssl by_password all 127.0.0.1/32 scram-sha-256",
            "host postgres all 127.0.0.1/32 trust"
          ]
        })
        for (const database of ["by_certificate", "encrypted", "bare", "by_password"]) {
          yield* server.query(`CREATE DATABASE ${database}`)
        }
        yield* server.query("CREATE ROLE locked LOGIN PASSWORD 'a password'")
        const at = (database: string, parameters: string, host = "localhost", user = "postgres") =>
          `postgres://${user}@${host}:${server.port}/${database}?${parameters}`
        const certificate = `sslcert=${role.certificate}&sslkey=${role.key}`
        const cases: ReadonlyArray<readonly [address: string, outcome: string]> = [
          [at("postgres", ""), "false"],
          [at("postgres", "sslmode=disable"), "false"],
          [at("postgres", "sslmode=allow"), "false"],
          [at("postgres", "sslmode=prefer"), "true"],
          [at("postgres", "sslmode=require"), "true"],
          [at("postgres", `sslmode=require&sslrootcert=${own.file}`), "true"],
          [at("postgres", `sslmode=require&sslrootcert=${other.file}`), untrusted],
          [at("postgres", `sslmode=verify-ca&sslrootcert=${own.file}`), "true"],
          [at("postgres", `sslmode=verify-ca&sslrootcert=${own.file}`, "127.0.0.1"), "true"],
          [at("postgres", `sslmode=verify-ca&sslrootcert=${other.file}`), untrusted],
          [at("postgres", `sslmode=verify-full&sslrootcert=${own.file}`), "true"],
          [at("postgres", `sslmode=verify-full&sslrootcert=${own.file}&sslnegotiation=direct`), "true"],
          [at("postgres", `sslmode=verify-full&sslrootcert=${own.file}`, "127.0.0.1"), "ERR_TLS_CERT_ALTNAME_INVALID"],
          [at("postgres", `sslmode=verify-full&sslrootcert=${other.file}`), untrusted],
          [at("postgres", "sslrootcert=system"), untrusted],
          // Where one way is refused, the other is taken.
          [at("encrypted", ""), "true"],
          [at("encrypted", "sslmode=allow"), "true"],
          [at("encrypted", "sslmode=disable"), "28000"],
          [at("bare", "sslmode=prefer"), "false"],
          [at("bare", "sslmode=require"), "28000"],
          [at("nowhere", "sslmode=prefer"), "28000"],
          // Certificates of who asks.
          [at("by_certificate", `sslmode=require&${certificate}`), "true"],
          [at("by_certificate", `sslmode=prefer&${certificate}`), "true"],
          [at("by_certificate", "sslmode=require"), "28000"],
          [
            at("by_certificate", `sslmode=require&sslcert=${foreign.certificate}&sslkey=${foreign.key}`),
            "ERR_SSL_.*|ECONNRESET|EPIPE|Connection terminated.*"
          ],
          [at("by_password", "sslmode=require&channel_binding=require", "localhost", "locked:a%20password"), "true"],
          [at("by_password", "sslmode=require&channel_binding=require", "localhost", "locked:wrong"), "28P01"],
          [
            `postgres:///postgres?user=postgres&host=${encodeURIComponent(server.socketFolder)}&port=${server.port}&sslmode=require`,
            "false"
          ]
        ]
        for (const [address, outcome] of cases) {
          assert.match(yield* tried(address), new RegExp(`^(${outcome})$`), address)
        }
        const mismatched = connectionOf(
          Redacted.make(at("postgres", `sslmode=require&sslcert=${role.certificate}&sslkey=${foreign.key}`))
        )
        assert(Either.isLeft(mismatched))
        assert.match(mismatched.left.reason, /does not belong to the certificate/)
      }),
    minute
  )

  it.scopedLive(
    "is told from one without TLS",
    () =>
      Effect.gen(function* () {
        const server = yield* ownServer()
        const at = (parameters: string) => `postgres://postgres@127.0.0.1:${server.port}/postgres?${parameters}`
        assert.strictEqual(yield* tried(at("sslmode=prefer")), "false")
        assert.strictEqual(yield* tried(at("sslmode=allow")), "false")
        assert.strictEqual(yield* tried(at("")), "false")
        assert.strictEqual(yield* tried(at("sslmode=require")), "The server does not support SSL connections")
        assert.strictEqual(yield* tried(`postgres://postgres@127.0.0.1:1/postgres?sslmode=prefer`), "ECONNREFUSED")
      }),
    minute
  )
})
