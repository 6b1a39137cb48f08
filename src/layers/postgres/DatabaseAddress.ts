import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import type { ConnectionOptions } from "node:tls"
import { Data, Either, Redacted } from "effect"
import type Pg from "pg"
import { TlsWhereOffered } from "./TlsWhereOffered.ts"

/** Why an address can't be used, as what follows the variable's name; nothing secret of the address stands in it. */
export class DatabaseAddressRefused extends Data.TaggedError("DatabaseAddressRefused")<{ readonly reason: string }> {
  override get message() {
    return `DATABASE_URL ${this.reason}`
  }
}

/** What an address says. */
export interface Connection {
  /** For the driver: all that says where the database is, who asks, and how it is encrypted. */
  readonly options: Pg.PoolConfig
  /** `pgbouncer=true`: a pooler hands a connection on between transactions. */
  readonly pooled: boolean
}

type Refusable<A> = Either.Either<A, DatabaseAddressRefused>

const refuse = (reason: string) => Either.left(new DatabaseAddressRefused({ reason }))

const form = "must be an address like postgres://user:password@host:5432/database"

const severalHosts = "names several hosts: one is needed, that of the server that is written to"
const signs = "in a password, / is written %2F, : is %3A, @ is %40, ? is %3F"

const decode = (text: string): Refusable<string> =>
  Either.mapLeft(
    Either.try(() => decodeURIComponent(text)),
    () => new DatabaseAddressRefused({ reason: "has a % that begins no character: a % itself is written %25" })
  )

interface Parts {
  readonly user: string
  readonly password: string
  readonly host: string
  readonly port: string
  readonly database: string
  readonly parameters: ReadonlyMap<string, string>
}

/** Takes an address apart; a parameter stands over what the address says elsewhere, as `host=` over the host. */
const partsOf = (address: string): Refusable<Parts> =>
  Either.gen(function* () {
    const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/is.exec(address) ?? []
    if (rest === undefined) return yield* refuse(form)
    const [, authority = "", path = "", query = ""] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest) ?? []
    const at = authority.lastIndexOf("@")
    const [, user = "", password = ""] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, Math.max(0, at))) ?? []
    const place = authority.slice(at + 1)
    if (place.includes(",")) return yield* refuse(severalHosts)
    const [, bracketed, name = "", port = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(place) ?? []
    const parameters = new Map<string, string>()
    for (const pair of query === "" ? [] : query.split("&")) {
      const [, key = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(pair) ?? []
      if (key === "" || value === undefined) return yield* refuse("has a parameter that is not of the form name=value")
      parameters.set(yield* decode(key), yield* decode(value))
    }
    return {
      user: parameters.get("user") ?? (yield* decode(user)),
      password: parameters.get("password") ?? (yield* decode(password)),
      host: parameters.get("host") ?? (yield* decode(bracketed ?? name)),
      port: parameters.get("port") ?? (yield* decode(port)),
      database: parameters.get("dbname") ?? (yield* decode(path)),
      parameters
    }
  })

const oneOf = <A extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  values: ReadonlyArray<A>
): Refusable<A | undefined> => {
  const given = parameters.get(name)
  const value = values.find((one) => one === given)
  return given === undefined || value !== undefined
    ? Either.right(value)
    : refuse(`has ${name}=${given}: ${name} is one of ${values.join(", ")}`)
}

const wholeNumber = (
  parameters: ReadonlyMap<string, string>,
  name: string,
  max: number
): Refusable<number | undefined> => {
  const given = parameters.get(name)
  if (given === undefined) return Either.right(undefined)
  const value = /^\d{1,9}$/.test(given) ? Number(given) : 0
  return value >= 1 && value <= max
    ? Either.right(value)
    : refuse(`has ${name}=${given}: it is a whole number from 1 to ${max}`)
}

const modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const
type Mode = (typeof modes)[number]

// What the field writes in place of a mode: libpq's old ssl=, and the driver's own name for what libpq calls require.
const modeOf = (parameters: ReadonlyMap<string, string>, host: string): Refusable<Mode> => {
  const given = parameters.get("sslmode")
  if (given === "no-verify") return Either.right("require")
  if (given !== undefined) return Either.map(oneOf(parameters, "sslmode", modes), (mode) => mode ?? "prefer")
  const switched = parameters.get("ssl")
  if (switched !== undefined) {
    return /^(true|1|false|0)$/.test(switched)
      ? Either.right(switched === "true" || switched === "1" ? "require" : "disable")
      : refuse(`has ssl=${switched}: say sslmode=require, verify-full or another mode instead`)
  }
  if (parameters.get("sslrootcert") === "system") return Either.right("verify-full")
  // Nobody stands between on one machine: a server that has TLS is not asked for it there, unless it insists.
  return Either.right(/^(localhost|127\.[\d.]+|::1)$/i.test(host) ? "allow" : "prefer")
}

type Read = (file: string) => string
const readFile: Read = (file) => readFileSync(file, "utf8")

const contentOf = <A>(
  read: Read,
  parameters: ReadonlyMap<string, string>,
  name: string,
  check: (text: string) => A,
  what: string
) => {
  const file = parameters.get(name)
  if (file === undefined || file === "") return Either.right(undefined)
  return Either.gen(function* () {
    const text = yield* Either.try({
      try: () => read(file),
      catch: (error) => {
        const why = error instanceof Error && "code" in error ? String(error.code) : "unknown"
        return new DatabaseAddressRefused({ reason: `names a file that can't be read, ${name}=${file} (${why})` })
      }
    })
    const value = yield* Either.try({
      try: () => check(text),
      catch: () => new DatabaseAddressRefused({ reason: `names a file that is no ${what} in PEM, ${name}=${file}` })
    })
    return { text, value }
  })
}

interface Tls {
  readonly mode: Mode
  readonly options: ConnectionOptions
}

const verifies: ReadonlySet<Mode> = new Set(["require", "verify-ca", "verify-full"])

/**
 * How to encrypt, by libpq's rules: `require` checks the authority where one is given and nothing where none is, `verify-ca`
 * the authority, `verify-full` the name as well. Without `sslrootcert`, `verify-full` trusts the authorities that Node knows.
 * https://www.postgresql.org/docs/current/libpq-ssl.html
 */
const tlsOf = (parameters: ReadonlyMap<string, string>, host: string, read: Read): Refusable<Tls> =>
  Either.gen(function* () {
    const mode = yield* modeOf(parameters, host)
    const root = parameters.get("sslrootcert")
    const known = root !== undefined && root !== ""
    if (known && !verifies.has(mode) && mode !== "disable") {
      return yield* refuse(
        `has sslrootcert, which sslmode=${mode} does not check: say sslmode=verify-full or verify-ca`
      )
    }
    if (root === "system" && mode !== "verify-full" && mode !== "disable") {
      return yield* refuse(
        `has sslrootcert=system, which is for sslmode=verify-full only, not ${mode}: anybody has such a certificate`
      )
    }
    if (mode === "verify-ca" && !known)
      return yield* refuse("has sslmode=verify-ca and no sslrootcert: name the authority's file")
    if (mode === "disable") return { mode, options: {} }

    const certificate = (text: string) => new X509Certificate(text)
    const authority =
      root === "system" ? undefined : yield* contentOf(read, parameters, "sslrootcert", certificate, "certificate")
    const own = yield* contentOf(read, parameters, "sslcert", certificate, "certificate")
    const passphrase = parameters.get("sslpassword")
    const key = yield* contentOf(
      read,
      parameters,
      "sslkey",
      (text) => createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) }),
      "private key that opens (with sslpassword)"
    )
    if ((own === undefined) !== (key === undefined)) return yield* refuse("needs both sslcert and sslkey, or neither")
    if (own !== undefined && key !== undefined && !own.value.checkPrivateKey(key.value)) {
      return yield* refuse("names an sslkey that does not belong to the certificate of sslcert")
    }
    return {
      mode,
      options: {
        ...(authority === undefined ? {} : { ca: authority.text }),
        ...(own === undefined ? {} : { cert: own.text }),
        ...(key === undefined ? {} : { key: key.text }),
        ...(passphrase === undefined ? {} : { passphrase }),
        ...(mode === "verify-full"
          ? {}
          : authority === undefined
            ? { rejectUnauthorized: false }
            : { checkServerIdentity: () => undefined })
      }
    }
  })

// By their place among these: said elsewhere, or good for what the service does anyway.
const understood = [
  ...[
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "ssl",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword"
  ],
  ...["sslnegotiation", "channel_binding", "connect_timeout", "application_name", "options", "client_encoding"],
  ...["target_session_attrs", "gssencmode", "uselibpqcompat", "pgbouncer"]
]

/**
 * Reads an address as libpq does (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS), with
 * `pgbouncer=true` besides. What it leaves out: the host is localhost, the port 5432. The files it names are read here.
 */
export const connectionOf = (url: Redacted.Redacted<string>, read: Read = readFile): Refusable<Connection> =>
  Either.gen(function* () {
    const { database, host: named, parameters, password, port, user } = yield* partsOf(Redacted.value(url))
    const host = named === "" ? "localhost" : named
    if (host.includes(",") || port.includes(",")) return yield* refuse(severalHosts)
    if (/[\s@]/.test(host) && !host.startsWith("/")) return yield* refuse(form)
    if (port !== "" && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
      return yield* refuse(`has a port that is no number from 1 to 65535; ${signs}`)
    }
    for (const [name, value] of parameters) {
      if (understood.includes(name)) continue
      // A password's sign may have ended it early: what follows is the rest of it.
      return yield* refuse(
        value.includes("@")
          ? `has an unknown parameter; ${signs}`
          : `has an unknown parameter, ${name}; known are ${understood.join(", ")}`
      )
    }
    const pooled = (yield* oneOf(parameters, "pgbouncer", ["true", "false"])) === "true"
    const timeout = yield* wholeNumber(parameters, "connect_timeout", 600)
    const negotiation = yield* oneOf(parameters, "sslnegotiation", ["postgres", "direct"])
    const binding = yield* oneOf(parameters, "channel_binding", ["disable", "prefer", "require"])
    yield* oneOf(parameters, "target_session_attrs", ["any", "read-write", "primary"])
    yield* oneOf(parameters, "gssencmode", ["disable", "prefer"])
    yield* oneOf(parameters, "client_encoding", ["UTF8", "utf8", "UTF-8", "utf-8", "auto"])
    yield* oneOf(parameters, "uselibpqcompat", ["true"])

    const socket = host.startsWith("/")
    // Nothing of it holds on a socket, where libpq does not look at it either.
    const tls: Tls = socket ? { mode: "disable", options: {} } : yield* tlsOf(parameters, host, read)
    const certain = verifies.has(tls.mode)
    if (!socket && !certain && negotiation === "direct") {
      return yield* refuse(
        `has sslnegotiation=direct, which needs sslmode=require, verify-ca or verify-full, not ${tls.mode}`
      )
    }
    if (!socket && !certain && binding === "require") {
      return yield* refuse(
        `has channel_binding=require, which needs sslmode=require, verify-ca or verify-full, not ${tls.mode}`
      )
    }
    const name = parameters.get("application_name")
    const startOptions = parameters.get("options")
    return {
      pooled,
      options: {
        host,
        port: port === "" ? 5432 : Number(port),
        // An empty one is none to the driver as well, which then takes libpq's variables, PGUSER and so on.
        ...(user === "" ? {} : { user }),
        ...(password === "" ? {} : { password }),
        ...(database === "" ? {} : { database }),
        ...(name === undefined ? {} : { application_name: name }),
        ...(startOptions === undefined ? {} : { options: startOptions }),
        ...(timeout === undefined ? {} : { connectionTimeoutMillis: timeout * 1_000 }),
        // Always said, so that PGSSLMODE changes nothing.
        ssl: certain ? tls.options : false,
        ...(certain && negotiation !== undefined ? { sslnegotiation: negotiation } : {}),
        ...(certain && binding !== undefined && binding !== "disable" ? { enableChannelBinding: true } : {}),
        ...(tls.mode === "prefer" || tls.mode === "allow"
          ? {
              stream: () =>
                new TlsWhereOffered(tls.mode === "prefer" ? ["tls", "plain"] : ["plain", "tls"], tls.options)
            }
          : {})
      }
    }
  })
