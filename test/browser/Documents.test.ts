import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Locator, Page } from "playwright-core"
import { refusals } from "../../src/domain/Errors.ts"
import { openApi } from "../../src/http/Api.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { accessibilityViolations, Browsing, BrowsingLive, phone, signUp, wide } from "./browsing.ts"

const minutes = { timeout: 300_000 }

const document = openApi as unknown as Document
const subjects = document.tags.map(({ name }) => `/docs/${name}`)
const operations = Object.values(document.paths).flatMap((methods) =>
  Object.values(methods).map(({ operationId, summary = "" }) => ({ operationId, summary }))
)
const summaries = operations.map(({ summary }) => summary)

const shown = (page: Page) => page.locator("section:visible > h2").allTextContents()
const contents = (page: Page) => page.locator("nav.contents a:visible").allTextContents()
const found = (page: Page) => page.locator("ul.operations li:visible > a").allTextContents()
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
      "shows every operation under its subject, and fits",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          const listed: Array<string> = []
          for (const size of [wide, phone]) {
            yield* look("/docs", { viewport: size }, async (page) => {
              assert.sameMembers(await found(page), summaries)
            })
            yield* look("/docs/errors", { viewport: size }, async (page) => {
              const headings = await shown(page)
              assert.deepStrictEqual(
                headings,
                refusals.map(({ code, title }) => `${code} ${title}`)
              )
              assert.deepStrictEqual(await contents(page), headings)
            })
            const narrow = ["/docs", "/docs/errors", "/docs/agents", "/docs/publishers"]
            for (const path of size === phone ? narrow : [...narrow.slice(0, 2), ...subjects]) {
              yield* look(path, { viewport: size }, async (page) => {
                if (subjects.includes(path) && size === wide) listed.push(...(await contents(page)))
                await openAll(page, "details")
                const needed = await page.evaluate("document.documentElement.scrollWidth")
                assert.strictEqual(needed, size.width, `${path} needs ${needed} of ${size.width}`)
              })
            }
          }
          assert.sameMembers(listed, summaries)
        }),
      minutes
    )

    it.effect(
      "finds operations by words, in whichever way they are written, and leads to them",
      () =>
        Effect.gen(function* () {
          const { look, origin } = yield* Browsing
          yield* look("/docs", { viewport: wide }, async (page) => {
            for (const [words, operationId] of [
              ["sign-up", "signUp"],
              ["signup", "signUp"],
              ["rollback", "startRollout"],
              ["Roll-back", "resyncAgent"],
              ["idempotency", "createKey"],
              ["idempotency rollout start", "startRollout"],
              ["schema_collision", "installTemplate"],
              ["uninstall DELETE /api/agents/{id}", "uninstallAgent"]
            ] as const) {
              await search(page).fill(words)
              assert.isTrue(await page.locator(`#${operationId}`).isVisible(), words)
              const { length } = await found(page)
              assert.isBelow(length, operations.length, words)
              assert.match(String(await page.getByRole("status").textContent()), new RegExp(`^${length} of `))
            }
            await page.locator("#uninstallAgent a").click()
            assert.strictEqual(page.url(), `${origin}/docs/agents#uninstallAgent`)
            assert.isTrue(await inView(page.locator("#uninstallAgent"), wide))
            await page.goto(`${origin}/docs`)
            await search(page).fill("nowhere-to-be-found")
            assert.deepStrictEqual(await found(page), [])
            await search(page).fill("")
            assert.lengthOf(await found(page), operations.length)
          })
          yield* look("/docs/errors", { viewport: wide }, async (page) => {
            await search(page).fill("idempotency body")
            assert.include(await shown(page), "idempotency_key_reused The key belongs to another request")
            assert.isBelow((await shown(page)).length, refusals.length)
          })
        }),
      minutes
    )

    it.effect(
      "has command lines that run as they stand, and tries an operation with the session of the browser",
      () =>
        Effect.gen(function* () {
          const { look, origin } = yield* Browsing
          // What is refused is an error of the console.
          yield* look("/", { viewport: wide, expects: /404/ }, async (page) => {
            await signUp(page, { name: "Ada", email: "ada@example.org", password: "a long password" })
            await page.goto(`${origin}/docs/account`)
            const form = page.locator("#getAccount form.try")
            await form.locator("summary").click()
            await form.getByRole("button").click()
            const answer = form.locator(".answer")
            await answer.filter({ hasText: "ada@example.org" }).waitFor()
            assert.match(String(await answer.textContent()), /^200\n\{/)

            await page.goto(`${origin}/docs/install`)
            const install = page.locator("#planInstall form.try")
            await install.locator("summary").click()
            await install.locator("textarea").fill('{"slug": "no-such-template"}')
            await install.locator("input[name=verdict]").fill("create")
            await install.getByRole("button").click()
            await install.locator(".answer").filter({ hasText: "unknown_slug" }).waitFor()

            const commandOf = async (path: string, selector: string) => {
              await page.goto(`${origin}${path}`)
              return String(await page.locator(selector).first().textContent())
            }
            const token = await commandOf("/docs/account", "details > pre.command")
            const account = await commandOf("/docs/account", "#getAccount > pre.command")
            const templates = await commandOf("/docs/templates", "#listTemplates > pre.command")
            const run = (command: string) => promisify(execFile)("sh", ["-c", command.replace("curl ", "curl -s ")])
            const { stdout: listed } = await run(templates)
            assert.property(JSON.parse(listed), "templates")
            const { stdout: own } = await run(`${token}\n${account}`)
            assert.include(own, '"email":"ada@example.org"')
          })
        }),
      minutes
    )

    it.effect(
      "is whole without JavaScript, but for the search and the trying",
      () =>
        Effect.gen(function* () {
          const { look } = yield* Browsing
          yield* look("/docs", { viewport: wide, javaScriptEnabled: false }, async (page) => {
            assert.lengthOf(await found(page), operations.length)
            assert.isFalse(await search(page).isVisible())
          })
          yield* look("/docs/agents", { viewport: wide, javaScriptEnabled: false }, async (page) => {
            assert.isTrue(await page.locator("#resyncAgent pre.command").isVisible())
            assert.isFalse(await page.locator("form.try").first().isVisible())
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
            ["/docs/agents", wide, "light"],
            ["/docs/publishers", phone, "dark"],
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
            await page.keyboard.type("manifest/{slug} brings")
            // The subject, then the operation.
            await page.keyboard.press("Tab")
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            await page.waitForURL(/\/docs\/install#getManifest$/)
          })
        }),
      minutes
    )
  })
})
