import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Locator, Page } from "playwright-core"
import { refusals } from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { accessibilityViolations, Browsing, BrowsingLive, phone, wide } from "./browsing.ts"

const minutes = { timeout: 300_000 }

const operations = Object.entries((openApi as unknown as Document).paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
)

const shown = (page: Page) => page.locator("section:visible > h2").allTextContents()
const contents = (page: Page) => page.locator("nav.contents a:visible").allTextContents()
const openAll = (page: Page, which: string) =>
  page.evaluate(`for (const one of document.querySelectorAll("${which}")) one.open = true`)
const inView = async (part: Locator, { height }: typeof wide) => {
  const y = (await part.boundingBox())?.y ?? Number.NaN
  return y >= -1 && y < height
}
const search = (page: Page) => page.getByRole("searchbox", { name: "Search" })

describe("in a browser", () => {
  layer(BrowsingLive(), { timeout: "60 seconds", excludeTestServices: true })("the documentation", (it) => {
    it.effect(
      "shows every route, and fits",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          for (const size of [wide, phone]) {
            for (const path of ["/docs", "/docs/errors"]) {
              yield* look(path, { viewport: size }, async (page) => {
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
          yield* look("/docs", { viewport: wide }, async (page) => {
            const all = await shown(page)
            const example = page.locator("#installTemplate pre").first()
            assert.isFalse(await example.isVisible())
            await page.locator("#installTemplate summary").first().click()
            assert.isTrue(await example.isVisible())

            await search(page).fill("uninstall DELETE /api/agents/{id}")
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
          yield* look("/docs", { viewport: wide }, async (page) => {
            await page.getByRole("link", { name: "/docs/errors", exact: true }).click()
            assert.strictEqual(page.url(), `${origin}/docs/errors`)
            await page.getByRole("link", { name: "the documentation" }).click()
            assert.strictEqual(page.url(), `${origin}/docs`)
          })
          yield* look("/docs/errors", { viewport: phone }, async (page) => {
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
            yield* look(path, { viewport: size }, async (page) => {
              await page.emulateMedia({ colorScheme })
              await openAll(page, "section:nth-of-type(-n+2) details")
              assert.deepStrictEqual(await accessibilityViolations(page), [], `${path}, ${colorScheme}`)
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
          yield* look("/docs", { viewport: wide }, async (page) => {
            for (let at = 0; at < 10; at++) {
              await page.keyboard.press("Tab")
              if ((await page.evaluate("document.activeElement.id")) === "words") break
            }
            await page.keyboard.type("manifest/{slug}")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await page.waitForURL(/#getManifest$/)
          })
        }),
      minutes
    )
  })
})
