import { existsSync, readFileSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { createRequire } from "node:module"
import { resolve } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Redacted, Runtime } from "effect"
import pg from "pg"
import { type BrowserContext, chromium, type Page } from "playwright-core"
import type { Template } from "../../src/domain/catalog/Template.ts"
import { ServicesLive } from "../../src/layers/AppLive.ts"
import { PgPoolLive, SqlClientLive } from "../../src/layers/postgres/Database.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { secret, serve } from "../e2e/processes.ts"
import { asking } from "../http/server.ts"
import { ownDatabase } from "../pg.ts"

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium"

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

// The pictures have dates in them, so that each run makes others: those that are kept are made when somebody asks for it.
const screens = process.env.SCREENS === undefined ? undefined : resolve(process.env.SCREENS)

export const wide = { width: 1280, height: 900 }
export const phone = { width: 375, height: 740 }
export const narrow = { width: 320, height: 640 }

/** How a window is. */
export interface Window {
  readonly viewport?: typeof wide
  readonly javaScriptEnabled?: boolean
  readonly colorScheme?: "light" | "dark"
  /** Which errors of the console are meant to be there: those of answers with a status of 400 and above. */
  readonly expects?: RegExp
}

const gatewayToken = "the-token-of-the-gateway-of-the-browser-tests"

const limits = {
  change: { limit: 1_000, window: Duration.hours(1) },
  install: { limit: 1_000, window: Duration.hours(1) },
  read: { limit: 1_000, window: Duration.minutes(1) },
  auth: { limit: 1_000, window: Duration.minutes(1) },
  password: { limit: 1_000, window: Duration.minutes(15) },
  account: { limit: 1_000, window: Duration.hours(1) },
  sender: { limit: 1_000, window: Duration.hours(1) },
  mail: { limit: 1_000, window: Duration.hours(1) }
}

/** The served program on a Postgres of its own, and a browser that looks at it. */
export class Browsing extends Context.Tag("test/Browsing")<
  Browsing,
  {
    readonly origin: string
    /**
     * Opens a window of its own, and closes it once `at` is done. Nothing may have been asked of another host by then, and the
     * console must hold no error, which a breach of the Content-Security-Policy is too.
     */
    readonly look: (
      path: string,
      window: Window,
      at: (page: Page, context: BrowserContext) => Promise<void>
    ) => Effect.Effect<void>
    /** Runs an effect in the midst of what `look` is given. */
    readonly run: <A>(effect: Effect.Effect<A>) => Promise<A>
    readonly publish: (template: Template) => Effect.Effect<void>
    /** Asks a statement of the database, as another program would. */
    readonly query: (text: string, values?: ReadonlyArray<unknown>) => Promise<ReadonlyArray<Record<string, unknown>>>
    /** Asks the service as the chat gateway does. */
    // biome-ignore lint/suspicious/noExplicitAny: what a test reads out of an answer is what it asserts.
    readonly gateway: (path: string, body: unknown) => Promise<any>
  }
>() {}

/** `given` is what the program is told besides. */
export const BrowsingLive = (given: Readonly<Record<string, string>> = {}) =>
  Layer.scoped(
    Browsing,
    Effect.gen(function* () {
      if (!existsSync(executablePath)) {
        return yield* Effect.dieMessage(
          `There is no browser at ${executablePath}: install Debian's chromium (apt-get install chromium), or name another by CHROMIUM`
        )
      }
      const url = yield* ownDatabase()
      const { origin, ready } = yield* serve({
        DATABASE_URL: Redacted.value(url),
        AUTH_SECRET: secret,
        GATEWAY_TOKEN: gatewayToken,
        ...given
      })
      yield* ready
      const services = yield* Layer.build(
        ServicesLive({ limits, defaultCountry: "GB" }).pipe(
          Layer.provide(SqlClientLive.pipe(Layer.provideMerge(PgPoolLive({ url, maxConnections: 2 }))))
        )
      )
      const catalog = Context.get(services, TemplateCatalog)
      const client = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const client = new pg.Client({ connectionString: Redacted.value(url) })
          await client.connect()
          return client
        }),
        (client) => Effect.promise(() => client.end())
      )
      const browser = yield* Effect.acquireRelease(
        Effect.promise(() =>
          chromium.launch({
            executablePath,
            args: flags,
            ignoreDefaultArgs: ["--disable-back-forward-cache"]
          })
        ),
        (browser) => Effect.promise(() => browser.close())
      )
      const ask = asking(Number(new URL(origin).port))
      const run = Runtime.runPromise(yield* Effect.runtime())
      return Browsing.of({
        origin,
        run,
        publish: (template) => Effect.orDie(Effect.asVoid(catalog.publish(template))),
        query: async (text, values = []) => (await client.query(text, [...values])).rows,
        gateway: async (path, body) =>
          (await run(ask(path, { body, headers: { authorization: `Bearer ${gatewayToken}` } }))).body,
        look: (path, { colorScheme = "light", expects, javaScriptEnabled = true, viewport = wide }, at) =>
          Effect.promise(async () => {
            const context = await browser.newContext({ viewport, javaScriptEnabled, colorScheme })
            context.setDefaultTimeout(15_000)
            try {
              const page = await context.newPage()
              const wrong: Array<string> = []
              context.on("request", (request) => {
                if (new URL(request.url()).origin !== origin) wrong.push(`asked for ${request.url()}`)
              })
              context.on("console", (message) => {
                const text = `${message.type()}: ${message.text()}`
                if (message.type() !== "info" && expects?.test(text) !== true) wrong.push(text)
              })
              page.on("pageerror", (error) => wrong.push(String(error)))
              await page.goto(`${origin}${path}`)
              await at(page, context)
              assert.deepStrictEqual(wrong, [])
            } finally {
              await context.close()
            }
          })
      })
    })
  )

/** What a page breaks of the rules of accessibility that a program can check. */
export const accessibilityViolations = async (page: Page): Promise<unknown> => {
  await page.evaluate(axe)
  return page.evaluate(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((one) => one.html).slice(0, 3).join(' ')))"
  )
}

/** Holds a page to what every page keeps: no rule of accessibility broken, light and dark, and nothing wider than the window. */
export const expectAccessible = async (page: Page, what: string) => {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    assert.deepStrictEqual(await accessibilityViolations(page), [], `${what}, ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: "light" })
  const size = page.viewportSize()
  for (const width of [size?.width ?? wide.width, narrow.width]) {
    await page.setViewportSize({ width, height: size?.height ?? wide.height })
    const needed = await page.evaluate("document.documentElement.scrollWidth")
    assert.isAtMost(Number(needed), width, `${what} needs ${needed} of ${width}`)
  }
  if (size !== null) await page.setViewportSize(size)
}

/** Keeps what a page looks like in the folder that `SCREENS` names. */
export const takeScreenshot = async (page: Page, name: string, { fullPage = false } = {}) => {
  if (screens === undefined) return
  await mkdir(screens, { recursive: true })
  await page.evaluate("document.activeElement?.blur()")
  await page.screenshot({ path: `${screens}/${name}.png`, fullPage, animations: "disabled", scale: "css" })
}

/** The same on a phone, in the dark. */
export const takePhoneScreenshot = async (page: Page, name: string) => {
  const size = page.viewportSize() ?? wide
  await page.setViewportSize(phone)
  await page.emulateMedia({ colorScheme: "dark" })
  await takeScreenshot(page, `${name}-phone-dark`)
  await page.emulateMedia({ colorScheme: "light" })
  await page.setViewportSize(size)
}

let people = 0

/** Somebody who was never here. */
export const newcomer = (name = "Ada Lovelace") => ({
  name,
  email: `person-${++people}@example.org`,
  password: "correct horse battery"
})

/** Signs somebody up by the form at `/sign-up`, which leads to the first page. */
export const signUp = async (page: Page, person = newcomer()) => {
  await page.goto(new URL("/sign-up?next=/", page.url()).toString())
  await page.getByLabel("Your name").fill(person.name)
  await page.getByLabel("E-mail address").fill(person.email)
  await page.getByLabel("Password").fill(person.password)
  await page.getByRole("main").getByRole("button", { name: "Sign up" }).click()
  await page.waitForURL(/done=signed-up/)
  return person
}
