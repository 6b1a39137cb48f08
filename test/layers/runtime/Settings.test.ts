import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, LogLevel, Option } from "effect"
import { describeConfigError, settings } from "../../../src/layers/runtime/Settings.ts"

const read = (given: Readonly<Record<string, string>>) =>
  settings.pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(given)))))

describe("settings", () => {
  it.effect("have the defaults that are documented", () =>
    Effect.gen(function* () {
      const { authSecret: _, dataDir: __, trustedProxies, ...rest } = yield* read({ DATABASE_URL: "", BASE_URL: " " })
      assert.deepStrictEqual({ ...rest }, {
        port: 3000,
        host: "127.0.0.1",
        baseUrl: "http://127.0.0.1:3000",
        ownOrigins: ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"],
        databaseUrl: Option.none(),
        installsPerHour: 20,
        changesPerHour: 120,
        authAttemptsPerMinute: 20,
        readsPerMinute: 600,
        historyDays: 365,
        eventsDays: 30,
        closedLinksDays: 90,
        workers: 1,
        publish: Option.none(),
        keepAlive: Duration.seconds(75),
        otlpEndpoint: Option.none(),
        logLevel: LogLevel.Info,
        gatewayToken: Option.none(),
        smtpUrl: Option.none(),
        mailFrom: "agent-install@127.0.0.1",
        routeOnClaim: false,
        defaultCountry: "GB",
        limits: {
          install: { limit: 20, window: Duration.hours(1) },
          change: { limit: 120, window: Duration.hours(1) },
          auth: { limit: 20, window: Duration.minutes(1) },
          read: { limit: 600, window: Duration.minutes(1) },
          password: { limit: 10, window: Duration.minutes(15) },
          account: { limit: 100, window: Duration.hours(1) },
          sender: { limit: 30, window: Duration.hours(1) },
          mail: { limit: 5, window: Duration.hours(1) }
        },
        kept: { history: Duration.days(365), closedLinks: Duration.days(90), events: Duration.days(30) }
      } as never)
      assert.isFalse(trustedProxies.check("127.0.0.1"))
    })
  )

  it.effect("take the public address for the only origin of their own", () =>
    Effect.gen(function* () {
      const { baseUrl, ownOrigins } = yield* read({ BASE_URL: "https://install.example.org/", HOST: "0.0.0.0" })
      assert.deepStrictEqual([baseUrl, ownOrigins], ["https://install.example.org", ["https://install.example.org"]])
    })
  )

  it.effect("name the variable that is wrong or missing, and say what it should be", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [given: Record<string, string>, line: RegExp]> = [
        [{ PORT: "http" }, /^PORT must be a whole number from 1 to 65535$/],
        [{ PORT: "70000" }, /^PORT must be/],
        [{ PORT: "3e3" }, /^PORT must be/],
        [{ HOST: "no spaces" }, /^HOST must be a host name/],
        [{ HOST: "a_b:c" }, /^HOST must be a host name/],
        [{ BASE_URL: "install.example.org" }, /^BASE_URL must be an address like https/],
        [{ DATABASE_URL: "mysql://x" }, /^DATABASE_URL must be an address like postgres/],
        [{ DATABASE_URL: "postgres://x/y?sslmode=on" }, /^DATABASE_URL has sslmode=on: sslmode is one of/],
        [{ DATABASE_URL: "postgres://x,z/y" }, /^DATABASE_URL names several hosts/],
        [
          { DATABASE_URL: "postgres://x/y?sslmode=verify-ca&sslrootcert=/none" },
          /^DATABASE_URL names a file that can't be read/
        ],
        [{ PUBLISH: "templates/a,," }, /^PUBLISH must be folders with commas between/],
        [{ DATABASE_URL: "postgres://u:p@/y?host=/cloudsql/i" }, /^AUTH_SECRET must be set together/],
        [{ DATABASE_URL: "postgres://x/y" }, /^AUTH_SECRET must be set together with DATABASE_URL/],
        [{ AUTH_SECRET: "short" }, /^AUTH_SECRET must be a secret of at least 32/],
        [{ SMTP_URL: "mail.example.org:25" }, /^SMTP_URL must be an address like smtp:/],
        [{ SMTP_URL: "https://mail.example.org" }, /^SMTP_URL must be an address like smtp:/],
        [{ MAIL_FROM: "Agents <a@example.org>" }, /^MAIL_FROM must be an e-mail address like/],
        [{ GATEWAY_TOKEN: "short" }, /^GATEWAY_TOKEN must be a secret of at least 32/],
        [{ GATEWAY_TOKEN: "with blanks in the midst of the secret" }, /^GATEWAY_TOKEN must be/],
        [{ ROUTE_ON_CLAIM: "yes" }, /^ROUTE_ON_CLAIM must be true or false$/],
        [{ INSTALLS_PER_HOUR: "0" }, /^INSTALLS_PER_HOUR must be a whole number/],
        [{ CHANGES_PER_HOUR: "-1" }, /^CHANGES_PER_HOUR must be a whole number/],
        [{ AUTH_ATTEMPTS_PER_MINUTE: "many" }, /^AUTH_ATTEMPTS_PER_MINUTE must be/],
        [{ HISTORY_DAYS: "0" }, /^HISTORY_DAYS must be a whole number from 1/],
        [{ CLOSED_LINKS_DAYS: "1" }, /^CLOSED_LINKS_DAYS must be a whole number from 7/],
        [{ TRUSTED_PROXIES: "10.0.0.1,proxy" }, /^TRUSTED_PROXIES must be addresses or subnets/],
        [{ TRUSTED_PROXIES: "10.0.0.0/33" }, /^TRUSTED_PROXIES must be/],
        [{ OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4318" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be an address like/],
        [{ WORKERS: "0" }, /^WORKERS must be a whole number from 1 to 64/],
        [{ KEEP_ALIVE_SECONDS: "0" }, /^KEEP_ALIVE_SECONDS must be a whole number from 1 to 86400/],
        [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL must be one of trace, debug, info/],
        [{ DEFAULT_COUNTRY: "Britain" }, /^DEFAULT_COUNTRY must be a two-letter/]
      ]
      for (const [given, line] of wrong) {
        const error = yield* Effect.flip(read(given))
        assert.match(describeConfigError(error), line)
      }
    })
  )

  it.effect("believe the proxies that are listed", () =>
    Effect.gen(function* () {
      const { trustedProxies } = yield* read({ TRUSTED_PROXIES: "10.0.0.1, 10.1.0.0/16,2001:db8::/32" })
      assert.deepStrictEqual(
        ["10.0.0.1", "10.1.200.3", "10.2.0.1"].map((address) => trustedProxies.check(address)),
        [true, true, false]
      )
      assert.isTrue(trustedProxies.check("2001:db8::7", "ipv6"))
    })
  )
})
