import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { authPaths } from "../../src/http/account/AuthPaths.ts"
import { ownFolder } from "../machine.ts"
import { serve } from "./processes.ts"

const marker = "mark3d-by-the-client"

/** Every field that a route of accounts reads, and one that none does. */
const fields = [
  "name",
  "email",
  "password",
  "newPassword",
  "currentPassword",
  "revokeOtherSessions",
  "image",
  "token",
  "callbackURL",
  "redirectTo",
  "errorCallbackURL",
  "newUserCallbackURL",
  "rememberMe",
  "state",
  "disableRedirect",
  "disableCookieCache",
  "disableRefresh",
  "nothing"
]

const values = [marker, `https://${marker}.example/?token=${marker}`, `${marker}@${marker}.example`]

const headers = (signedIn: Record<string, string>): ReadonlyArray<Record<string, string>> => [
  { ...signedIn, origin: `https://${marker}.example`, referer: `https://${marker}.example/${marker}` },
  { ...signedIn, "user-agent": marker, "x-forwarded-for": marker, forwarded: `for=${marker}`, "x-request-id": marker },
  { authorization: `Bearer ${marker}.${marker}`, cookie: `better-auth.session_token=${marker}.${marker}; a=${marker}` },
  { ...signedIn, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": marker },
  { ...signedIn, "content-type": `text/${marker}` },
  { ...signedIn, traceparent: marker, b3: marker, "accept-language": marker, "x-agent-install-client": marker }
]

describe("the log", () => {
  it.scopedLive(
    "holds nothing of what is sent to the routes of accounts, nor of what node warns of",
    () =>
      Effect.gen(function* () {
        const warning = `process.on("SIGUSR2", () => process.emitWarning("${marker}", { code: "TEST" }))`
        const service = yield* serve({
          DATA_DIR: yield* ownFolder,
          LOG_LEVEL: "trace",
          AUTH_ATTEMPTS_PER_MINUTE: "10000",
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(warning)}`
        })
        yield* service.ready
        const account = { name: marker, email: `${marker}@example.org`, password: `${marker} password` }
        const signIn = Effect.map(service.ask("/api/auth/sign-in/email", { body: account }), (answer) => ({
          authorization: `Bearer ${answer.headers["set-auth-token"]}`
        }))
        assert.strictEqual((yield* service.ask("/api/auth/sign-up/email", { body: account })).status, 200)
        const statuses = new Set<number>()
        const asked: Array<Effect.Effect<number>> = []
        for (const { method, path } of [...authPaths, { method: "GET", path: "/api/auth/callback/google" } as const]) {
          const signedIn = yield* signIn
          const bodies = values.flatMap((value) => [
            ...fields.map((field) => ({ ...account, [field]: value })),
            Object.fromEntries(fields.map((field) => [field, value])),
            { [value]: value }
          ])
          const requests = [
            ...bodies.map((body) => ({ path, headers: signedIn, body })),
            ...headers(signedIn).map((given) => ({ path, headers: given, body: account })),
            ...fields.map((field) => ({
              path: `${path}?${field}=https://${marker}.example`,
              headers: signedIn,
              body: {}
            })),
            { path: `${path}/${marker}?${marker}`, headers: signedIn, body: marker }
          ]
          for (const { body, ...request } of requests) {
            const given = { method, headers: request.headers, ...(method === "POST" ? { body } : {}) }
            asked.push(Effect.map(service.ask(request.path, given), ({ status }) => status))
          }
        }
        for (const status of yield* Effect.all(asked, { concurrency: 8 })) statuses.add(status)
        // Two who want one address at once are no fault.
        const twice = service.ask("/api/auth/sign-up/email", {
          body: { ...account, email: `twice-${marker}@example.org` }
        })
        const answers = yield* Effect.replicateEffect(twice, 4, { concurrency: 4 })
        assert.deepStrictEqual(answers.map(({ status }) => status).sort(), [200, 422, 422, 422])
        assert.notInclude(service.log(), '"logLevel":"ERROR"')
        assert.includeMembers([...statuses], [200, 400, 401, 403, 404, 422, 429])
        assert.notInclude([...statuses], 500)
        service.child.kill("SIGUSR2")
        while (!service.log().includes("Node warns")) yield* Effect.sleep("20 millis")
        const told = service
          .log()
          .split("\n")
          .filter((line) => line.includes(marker))
        assert.deepStrictEqual(told, [])
        // What better-auth and node had to say was told, in other words.
        assert.include(service.log(), "Somebody named an address to return to that is not the service's own")
        assert.include(service.log(), "Somebody gave a wrong password")
        assert.match(service.log(), /Node warns.*"code":"TEST"/)
      }),
    { timeout: 300_000 }
  )
})
