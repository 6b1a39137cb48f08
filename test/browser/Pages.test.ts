import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { chromium, type Locator, type Page } from "playwright-core"
import { refusals } from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { secret, serve } from "../e2e/processes.ts"
import { ownDatabase } from "../pg.ts"
import { lacks } from "../programs.ts"

const executablePath = "/usr/bin/chromium"

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

const minutes = { timeout: 300_000 }

const wide = { width: 1280, height: 900 }
const phone = { width: 375, height: 740 }

/** The served program, and a browser that looks at it. */
class Browsing extends Context.Tag("test/Browsing")<
  Browsing,
  {
    readonly origin: string
    /**
     * Looks at a page in a window of its own; afterwards nothing must have been asked of another host, and the console must
     * hold no error, which a breach of the Content-Security-Policy is too.
     */
    readonly look: (path: string, size: typeof wide, at: (page: Page) => Promise<void>) => Effect.Effect<void>
  }
>() {}

const BrowsingLive = Layer.scoped(
  Browsing,
  Effect.gen(function* () {
    const { origin, ready } = yield* serve({
      DATABASE_URL: Redacted.value(yield* ownDatabase()),
      AUTH_SECRET: secret
    })
    yield* ready
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() => chromium.launch({ executablePath, args: flags })),
      (browser) => Effect.promise(() => browser.close())
    )
    return Browsing.of({
      origin,
      look: (path, viewport, at) =>
        Effect.promise(async () => {
          const context = await browser.newContext({ viewport })
          try {
            const page = await context.newPage()
            const wrong: Array<string> = []
            page.on("request", (request) => {
              if (new URL(request.url()).origin !== origin) wrong.push(`asked for ${request.url()}`)
            })
            page.on("console", (message) => {
              if (message.type() !== "info") wrong.push(`${message.type()}: ${message.text()}`)
            })
            page.on("pageerror", (error) => wrong.push(String(error)))
            const answer = await page.goto(`${origin}${path}`)
            assert.strictEqual(answer?.status(), 200)
            await at(page)
            assert.deepStrictEqual(wrong, [])
          } finally {
            await context.close()
          }
        })
    })
  })
)

const operations = Object.entries((openApi as unknown as Document).paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
)

const shown = (page: Page) => page.locator("section:visible > h2").allTextContents()
const contents = (page: Page) => page.locator("nav a:visible").allTextContents()
const openAll = (page: Page, which: string) =>
  page.evaluate(`for (const one of document.querySelectorAll("${which}")) one.open = true`)
const inView = async (part: Locator, { height }: typeof wide) => {
  const y = (await part.boundingBox())?.y ?? Number.NaN
  return y >= -1 && y < height
}
const search = (page: Page) => page.getByRole("searchbox", { name: "Search" })

describe.skipIf(lacks(executablePath))("in a browser", () => {
  layer(BrowsingLive, { timeout: "60 seconds", excludeTestServices: true })("the documentation", (it) => {
    it.effect(
      "shows every route, and fits",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          for (const size of [wide, phone]) {
            for (const path of ["/docs", "/docs/errors"]) {
              yield* look(path, size, async (page) => {
                const headings = await shown(page)
                const expected = path === "/docs" ? operations : refusals.map(({ code, title }) => `${code} ${title}`)
                assert.deepStrictEqual(headings.slice(0, expected.length), expected)
                assert.deepStrictEqual(await contents(page), headings)
                await openAll(page, "details")
                const needed = await page.evaluate("document.documentElement.scrollWidth")
                assert.strictEqual(needed, size.width, `${path} needs ${needed} of ${size.width}`)
              })
            }
          }
        }),
      minutes
    )

    it.effect(
      "finds a route by words, hides all others, and shows them again where a link leads there",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          yield* look("/docs", wide, async (page) => {
            const all = await shown(page)
            const example = page.locator("#install\\.install pre").first()
            assert.isFalse(await example.isVisible())
            await page.locator("#install\\.install summary").first().click()
            assert.isTrue(await example.isVisible())

            await search(page).fill("uninstall DELETE")
            assert.deepStrictEqual(await shown(page), ["DELETE /api/agents/{id}"])
            assert.deepStrictEqual(await contents(page), ["DELETE /api/agents/{id}"])
            assert.strictEqual(
              await page.getByRole("status").textContent(),
              `1 of ${all.length} parts have all of these words.`
            )
            await page.locator("section:visible").getByRole("link", { name: "session" }).click()
            assert.deepStrictEqual(await shown(page), all)
            assert.strictEqual(await search(page).inputValue(), "")
            assert.strictEqual(await page.getByRole("status").textContent(), "")
            assert.isTrue(await inView(page.locator("#security-session"), wide))

            await search(page).fill("nowhere-to-be-found")
            assert.deepStrictEqual(await shown(page), [])
            assert.match(String(await page.getByRole("status").textContent()), /^0 of /)
            await search(page).fill("")
            assert.deepStrictEqual(await shown(page), all)
          })
        }),
      minutes
    )

    it.effect(
      "leads to the errors and back, and a problem's type to its error",
      () =>
        Effect.gen(function* () {
          const { look, origin } = yield* Browsing
          yield* look("/docs", wide, async (page) => {
            await page.getByRole("link", { name: "/docs/errors", exact: true }).click()
            assert.strictEqual(page.url(), `${origin}/docs/errors`)
            await page.getByRole("link", { name: "the documentation" }).click()
            assert.strictEqual(page.url(), `${origin}/docs`)
          })
          yield* look("/docs/errors", phone, async (page) => {
            for (const { code } of refusals) {
              await page.goto(`${origin}/docs/errors#${code}`)
              assert.isTrue(
                await inView(page.locator(":target", { has: page.locator("h2", { hasText: code }) }), phone),
                code
              )
            }
          })
        }),
      minutes
    )

    it.effect(
      "breaks no rule of accessibility that a program can check",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          for (const [path, size, colorScheme] of [
            ["/docs", wide, "dark"],
            ["/docs/errors", phone, "light"]
          ] as const) {
            yield* look(path, size, async (page) => {
              await page.emulateMedia({ colorScheme })
              await openAll(page, "section:nth-of-type(-n+2) details")
              await page.evaluate(axe)
              const broken = await page.evaluate(
                "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))"
              )
              assert.deepStrictEqual(broken, [], `${path}, ${colorScheme}`)
            })
          }
        }),
      minutes
    )

    it.effect(
      "is reached by the keyboard",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          yield* look("/docs", wide, async (page) => {
            for (let at = 0; at < 3; at++) await page.keyboard.press("Tab")
            await page.keyboard.type("manifest/{slug}")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await page.waitForURL(/#install\.manifest$/)
          })
        }),
      minutes
    )
  })
})
