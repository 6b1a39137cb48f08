import { fileURLToPath } from "node:url"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { entityTypes, template } from "../fixtures/templates.ts"
import { Browsing, BrowsingLive, signUp } from "./browsing.ts"

/** The page's program as one script, with what the package has for browsers. */
const bundled = async () => {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL("../..", import.meta.url)),
    entryPoints: ["test/browser/ownPage.ts"],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "ownPage",
    platform: "browser",
    // As the package says, and not as the sources are compiled.
    tsconfigRaw: "{}",
    logLevel: "silent"
  })
  return outputFiles[0]?.text ?? ""
}

layer(BrowsingLive(), { timeout: "120 seconds", excludeTestServices: true })("the typed client in a browser", (it) => {
  it.effect("installs, and gets what is refused back as the error it was", () =>
    Effect.gen(function* () {
      const { look, origin, publish } = yield* Browsing
      yield* publish(template("fetched", entityTypes(2)))
      const script = yield* Effect.promise(bundled)
      yield* look("/", { expects: /40[014]/ }, async (page, context) => {
        await context.route(`${origin}/own/**`, (route) =>
          route.request().url().endsWith(".js")
            ? route.fulfill({ contentType: "text/javascript", body: script })
            : route.fulfill({ contentType: "text/html", body: `<!doctype html><script src="page.js"></script>` })
        )
        const install = async (slug: string) => {
          await page.goto(`${origin}/own/page`)
          return page.evaluate(`ownPage.install(${JSON.stringify(slug)})`)
        }
        assert.deepStrictEqual(await install("fetched"), { refused: "Unauthenticated" })
        await page.goto(origin)
        await signUp(page)
        assert.deepStrictEqual(await install("fetched"), { created: true, rows: 2 })
        assert.deepStrictEqual(await install("fetched"), { created: false, rows: 2 })
        assert.deepStrictEqual(await install("nothing"), {
          unknown: "nothing",
          message: 'No template is published as "nothing".',
          isRefusal: true
        })
      })
    })
  )
})
