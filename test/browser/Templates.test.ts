import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { oneOfEach, template } from "../fixtures/templates.ts"
import { Browsing, BrowsingLive, expectAccessible, newcomer, signUp } from "./browsing.ts"

layer(BrowsingLive(), { timeout: "120 seconds", excludeTestServices: true })("the first page", (it) => {
  it.effect("lists what can be installed, finds it by words, and pages it", () =>
    Effect.gen(function* () {
      const { look, publish } = yield* Browsing
      for (let at = 10; at < 33; at++) {
        yield* publish(template(`shelf-${at}`, oneOfEach, { name: `Shelf ${at}`, description: "Quince jam" }))
      }
      yield* publish(
        template("markup", oneOfEach, { name: '<b>Fat & "loud"</b>', description: "עברית <script>alert(1)</script>" })
      )
      yield* look("/", {}, async (page) => {
        const names = () => page.getByRole("main").getByRole("heading", { level: 2 }).allTextContents()
        assert.strictEqual((await names())[0], '<b>Fat & "loud"</b>')
        await expectAccessible(page, "the first page")
        await page.getByRole("link", { name: "Next page" }).click()
        await page.waitForURL(/after=/)
        assert.include(await names(), "Shelf 32")
        await page.getByRole("searchbox", { name: "Search" }).fill("quince 12")
        await page.keyboard.press("Enter")
        await page.waitForURL(/q=quince/)
        assert.deepStrictEqual(await names(), ["Shelf 12"])
      })
    })
  )

  for (const javaScriptEnabled of [true, false]) {
    it.effect(`signs up, out and in again ${javaScriptEnabled ? "with" : "without"} JavaScript`, () =>
      Effect.gen(function* () {
        const { look } = yield* Browsing
        yield* look("/", { javaScriptEnabled, expects: /422/ }, async (page) => {
          const person = await signUp(page, newcomer())
          assert.strictEqual(
            await page.getByRole("status").textContent(),
            "Your account is ready, and you are signed in."
          )
          await page.getByRole("button", { name: "Sign out" }).click()
          await page.waitForURL(/done=signed-out/)
          await page.goto(new URL("/sign-in?next=/", page.url()).toString())
          await page.getByLabel("E-mail address").fill(person.email)
          await page.getByLabel("Password").fill("a wrong password")
          await page.getByRole("main").getByRole("button", { name: "Sign in" }).click()
          const problem = page.getByRole("alert")
          assert.include(await problem.textContent(), "do not belong together")
          assert.match(await page.title(), /^Error: /)
          assert.strictEqual(await page.getByLabel("E-mail address").inputValue(), person.email)
          if (javaScriptEnabled) await expectAccessible(page, "a sign-in that failed")
          await page.getByLabel("Password").fill(person.password)
          await page.getByRole("main").getByRole("button", { name: "Sign in" }).click()
          await page.waitForURL(/done=signed-in/)
        })
      })
    )
  }
})
