import { BlockList, isIP } from "node:net"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { Config, ConfigError, Duration, Either, LogLevel, Option, Redacted, Schema } from "effect"
import { Country } from "../../domain/identity/Phone.ts"
import { connectionOf } from "../postgres/DatabaseAddress.ts"

/**
 * A variable read as text: empty counts as absent. `read` returns the problem as the words that follow the variable's
 * name.
 */
const checked = <A>(name: string, read: (text: string) => Either.Either<A, string>) =>
  Config.string(name).pipe(
    Config.option,
    Config.mapOrFail((text) => {
      const given = Option.filter(text, (value) => value.trim() !== "")
      if (Option.isNone(given)) return Either.right(Option.none<A>())
      return Either.mapBoth(read(given.value.trim()), {
        onLeft: (wrong) => ConfigError.InvalidData([name], wrong),
        onRight: Option.some
      })
    })
  )

/** A variable that `read` has to accept; otherwise the error says what was expected. */
const variable = <A>(name: string, expected: string, read: (text: string) => A | undefined) =>
  checked(name, (text) => Either.fromNullable(read(text), () => `must be ${expected}`))

const wholeNumber = (name: string, min: number, max: number, fallback: number) =>
  variable(name, `a whole number from ${min} to ${max}`, (text) =>
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined
  ).pipe(Config.map(Option.getOrElse(() => fallback)))

const address = (name: string, expected: string, protocols: ReadonlyArray<string>) =>
  variable(name, expected, (text) =>
    URL.canParse(text) && protocols.includes(new URL(text).protocol) ? text : undefined
  )

const proxies = (text: string): BlockList | undefined => {
  const list = new BlockList()
  for (const entry of text.split(",").map((part) => part.trim())) {
    const [ip = "", prefix] = entry.split("/")
    const type = isIP(ip) === 6 ? "ipv6" : "ipv4"
    const longest = type === "ipv6" ? 128 : 32
    if (isIP(ip) === 0 || (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)))
      return undefined
    if (prefix === undefined) list.addAddress(ip, type)
    else list.addSubnet(ip, Number(prefix), type)
  }
  return list
}

/** The default data folder: `/var/lib` for root, otherwise the system's folder for a user's state. */
const defaultDataDir = (): string => {
  const name = "agent-install"
  if (process.getuid?.() === 0) return join("/var/lib", name)
  return process.platform === "darwin"
    ? join(homedir(), "Library", "Application Support", name)
    : join(homedir(), ".local", "state", name)
}

const loopback = new Set(["localhost", "127.0.0.1", "::1"])
const inUrl = (host: string) => (isIP(host) === 6 ? `[${host}]` : host)

/** The public address, and the origins of the service's own pages. */
const publicAddress = (baseUrl: Option.Option<string>, host: string, port: number) => {
  if (Option.isSome(baseUrl)) {
    const { origin } = new URL(baseUrl.value)
    return { baseUrl: origin, ownOrigins: [origin] }
  }
  // `URL` spells an origin as browsers do: without the default port of http.
  const originOf = (name: string) => new URL(`http://${inUrl(name)}:${port}`).origin
  const origin = originOf(host)
  const names = loopback.has(host) ? [...loopback].map(originOf) : [origin]
  return { baseUrl: origin, ownOrigins: names }
}

/** Codes and answers that one sender may try in an hour: enough for a person, too few to guess. */
const sendersTries = 30

/** Wrong passwords for one account: from one network in a quarter of an hour, and from everywhere in an hour. */
const wrongPasswords = {
  password: { limit: 10, window: Duration.minutes(15) },
  account: { limit: 100, window: Duration.hours(1) }
}

/** Mails to one address that may be requested in an hour: enough if one got lost, too few to be a nuisance. */
const mailsAsked = 5

const hours = (limit: number) => ({ limit, window: Duration.hours(1) })

const logLevels: ReadonlyMap<string, LogLevel.LogLevel> = new Map([
  ["trace", LogLevel.Trace],
  ["debug", LogLevel.Debug],
  ["info", LogLevel.Info],
  ["warning", LogLevel.Warning],
  ["error", LogLevel.Error],
  ["none", LogLevel.None]
])

/** Every environment variable of the service, by name, with its default. */
export const settings = Config.all({
  port: wholeNumber("PORT", 1, 65_535, 3_000),
  host: variable("HOST", "a host name or an address", (text) =>
    isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) ? text : undefined
  ).pipe(Config.map(Option.getOrElse(() => "127.0.0.1"))),
  baseUrl: address("BASE_URL", "an address like https://install.example.org", ["http:", "https:"]),
  databaseUrl: checked("DATABASE_URL", (text) => {
    const url = Redacted.make(text)
    return Either.mapBoth(connectionOf(url), { onLeft: ({ reason }) => reason, onRight: () => url })
  }),
  dataDir: variable("DATA_DIR", "a folder", (text) => resolve(text)).pipe(Config.map(Option.getOrElse(defaultDataDir))),
  authSecret: variable("AUTH_SECRET", "a secret of at least 32 characters", (text) =>
    text.length >= 32 ? Redacted.make(text) : undefined
  ),
  gatewayToken: variable("GATEWAY_TOKEN", "a secret of at least 32 characters, without blanks", (text) =>
    /^[!-~]{32,}$/.test(text) ? Redacted.make(text) : undefined
  ),
  smtpUrl: checked("SMTP_URL", (text) =>
    URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol) && new URL(text).hostname !== ""
      ? Either.right(Redacted.make(text))
      : Either.left("must be an address like smtp://user:password@mail.example.org:587, or smtps://…")
  ),
  mailFrom: variable("MAIL_FROM", "an e-mail address like agents@example.org", (text) =>
    /^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(text) ? text : undefined
  ),
  routeOnClaim: variable("ROUTE_ON_CLAIM", "true or false", (text) =>
    text === "true" || text === "false" ? text : undefined
  ).pipe(Config.map((said) => Option.getOrUndefined(said) === "true")),
  installsPerHour: wholeNumber("INSTALLS_PER_HOUR", 1, 100_000, 20),
  changesPerHour: wholeNumber("CHANGES_PER_HOUR", 1, 100_000, 120),
  authAttemptsPerMinute: wholeNumber("AUTH_ATTEMPTS_PER_MINUTE", 1, 100_000, 20),
  readsPerMinute: wholeNumber("READS_PER_MINUTE", 1, 100_000, 600),
  historyDays: wholeNumber("HISTORY_DAYS", 1, 36_500, 365),
  eventsDays: wholeNumber("EVENTS_DAYS", 1, 36_500, 30),
  closedLinksDays: wholeNumber("CLOSED_LINKS_DAYS", 7, 36_500, 90),
  workers: wholeNumber("WORKERS", 1, 64, 1),
  keepAlive: wholeNumber("KEEP_ALIVE_SECONDS", 1, 86_400, 75).pipe(Config.map(Duration.seconds)),
  trustedProxies: variable(
    "TRUSTED_PROXIES",
    "addresses or subnets with commas between, like 10.0.0.1,10.1.0.0/16",
    proxies
  ).pipe(Config.map(Option.getOrElse(() => new BlockList()))),
  publish: variable("PUBLISH", "folders with commas between, like templates/personal-finance", (text) => {
    const folders = text.split(",").map((folder) => folder.trim())
    return folders.includes("") ? undefined : folders.map((folder) => resolve(folder))
  }),
  otlpEndpoint: address("OTEL_EXPORTER_OTLP_ENDPOINT", "an address like http://localhost:4318", ["http:", "https:"]),
  logLevel: variable("LOG_LEVEL", "one of trace, debug, info, warning, error, none", (text) =>
    logLevels.get(text.toLowerCase())
  ).pipe(Config.map(Option.getOrElse(() => LogLevel.Info))),
  defaultCountry: variable("DEFAULT_COUNTRY", "a two-letter country code like GB", (text) =>
    Schema.is(Country)(text.toUpperCase()) ? text.toUpperCase() : undefined
  ).pipe(Config.map(Option.getOrElse(() => "GB")))
}).pipe(
  Config.mapOrFail((given) =>
    Option.isSome(given.databaseUrl) && Option.isNone(given.authSecret)
      ? Either.left(
          ConfigError.MissingData(
            ["AUTH_SECRET"],
            "must be set together with DATABASE_URL: a secret of at least 32 characters"
          )
        )
      : Either.right({
          ...given,
          ...publicAddress(given.baseUrl, given.host, given.port),
          mailFrom: Option.getOrElse(
            given.mailFrom,
            () => `agent-install@${new URL(publicAddress(given.baseUrl, given.host, given.port).baseUrl).hostname}`
          ),
          limits: {
            install: hours(given.installsPerHour),
            change: hours(given.changesPerHour),
            read: { limit: given.readsPerMinute, window: Duration.minutes(1) },
            auth: { limit: given.authAttemptsPerMinute, window: Duration.minutes(1) },
            ...wrongPasswords,
            sender: hours(sendersTries),
            mail: hours(mailsAsked)
          },
          kept: {
            history: Duration.days(given.historyDays),
            closedLinks: Duration.days(given.closedLinksDays),
            events: Duration.days(given.eventsDays)
          }
        })
  )
)
export type Settings = Config.Config.Success<typeof settings>

/** A configuration error in one line that names the variable and says what it should be. */
export const describeConfigError = (error: ConfigError.ConfigError): string => {
  switch (error._op) {
    case "And":
    case "Or":
      return describeConfigError(error.left)
    default:
      return `${error.path.join("_")} ${error.message}`
  }
}
