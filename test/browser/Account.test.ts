import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Runtime } from "effect"
import type { Page } from "playwright-core"
import { oneOfEach, template } from "../fixtures/templates.ts"
import { Smtp, SmtpLive, tokenIn } from "../smtp.ts"
import { Browsing, BrowsingLive, expectAccessible, newcomer, phone, signUp, takeScreenshot } from "./browsing.ts"

const Live = Layer.unwrapEffect(Effect.map(Smtp, ({ url }) => BrowsingLive({ SMTP_URL: url }))).pipe(
  Layer.provideMerge(SmtpLive)
)

const visit = (page: Page, path: string) => page.goto(new URL(path, page.url()).toString())
const press = (page: Page, name: string) => page.getByRole("main").getByRole("button", { name }).click()
const told = (page: Page) => page.getByRole("status").textContent()

const signIn = async (page: Page, { email, password }: { readonly email: string; readonly password: string }) => {
  await visit(page, "/sign-in?next=/")
  await page.getByLabel("E-mail address").fill(email)
  await page.getByLabel("Password").fill(password)
  await press(page, "Sign in")
}

layer(Live, { timeout: "120 seconds", excludeTestServices: true })("the account's pages", (it) => {
  it.effect("show an account, on a phone too, and change its password", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      const long = `Dr. Çağla-Ñandú ${"Wolfeschlegelsteinhausenbergerdorff ".repeat(4).trim()}`
      yield* look("/", { viewport: phone, expects: /422/ }, async (page) => {
        const person = await signUp(page, newcomer(long))
        await page.getByRole("link", { name: "Account" }).click()
        await page.waitForURL(/\/account$/)
        assert.include(await page.getByRole("main").textContent(), long)
        assert.include(await page.getByRole("main").textContent(), "not confirmed yet")
        await expectAccessible(page, "the account")
        await takeScreenshot(page, "account-phone", { fullPage: true })
        for (const name of ["current_password", "new_password"]) {
          const field = page.locator(`#${name}`)
          assert.strictEqual(await field.getAttribute("type"), "password")
          assert.strictEqual(await field.getAttribute("autocomplete"), name.replace("_", "-"))
        }

        await page.getByLabel("Your name").fill(" ")
        await press(page, "Change the name")
        assert.include(await page.getByRole("alert").textContent(), "Write your name")
        await page.getByLabel("Your name").fill("Ada of Çelik")
        await press(page, "Change the name")
        await page.waitForURL(/done=renamed/)
        assert.include(await told(page), "Your name is changed")
        assert.strictEqual(await page.getByLabel("Your name").inputValue(), "Ada of Çelik")

        await page.getByLabel("Current password").fill("not my password")
        await page.getByLabel("New password").fill("another long password")
        await press(page, "Change the password")
        assert.include(await page.getByRole("alert").textContent(), "not your current password")
        assert.match(await page.title(), /^Error: /)
        assert.strictEqual(await page.getByLabel("New password").inputValue(), "")
        await expectAccessible(page, "an account with a problem")

        await page.getByLabel("Current password").fill(person.password)
        await page.getByLabel("New password").fill("another long password")
        await press(page, "Change the password")
        await page.waitForURL(/done=password-changed/)
        assert.include(await told(page), "Your password is changed")
        await visit(page, "/account")
        assert.include(await page.getByRole("main").textContent(), "Here, now")
      })
    })
  )

  it.effect("end all other sessions", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      const person = newcomer()
      yield* look("/", {}, async (page, context) => {
        await signUp(page, person)
        const other = await context.browser()?.newContext()
        assert.isDefined(other)
        const elsewhere = await other.newPage()
        await elsewhere.goto(new URL("/", page.url()).toString())
        await signIn(elsewhere, person)
        await elsewhere.waitForURL(/done=signed-in/)
        await visit(page, "/account")
        await press(page, "Sign out everywhere else")
        await page.waitForURL(/done=sessions-ended/)
        await visit(elsewhere, "/account")
        assert.match(elsewhere.url(), /\/sign-in\?next=%2Faccount/)
        await other.close()
      })
    })
  )

  for (const javaScriptEnabled of [true, false]) {
    it.effect(
      `delete it, ${javaScriptEnabled ? "with" : "without"} JavaScript, and nothing is left in the browser`,
      () =>
        Effect.gen(function* () {
          const { look, origin, publish, query } = yield* Browsing
          yield* publish(template("leaving", oneOfEach))
          yield* look("/", { javaScriptEnabled, expects: /422|401/ }, async (page, context) => {
            const person = await signUp(page)
            const installed = await context.request.post(new URL("/api/install", page.url()).toString(), {
              data: { slug: "leaving" },
              headers: { origin: new URL(page.url()).origin }
            })
            assert.strictEqual(installed.status(), 200)
            const file = await context.request.get(new URL("/api/account/export", page.url()).toString())
            assert.strictEqual((await file.json()).tables.user[0].email, person.email)

            await visit(page, "/account")
            await page.getByRole("link", { name: "See what would go" }).click()
            await page.waitForURL(/\/account\/delete$/)
            assert.include(await page.getByRole("main").textContent(), "with 1 agent and 4 definitions")
            if (javaScriptEnabled) {
              await expectAccessible(page, "the deletion of an account")
              await takeScreenshot(page, "account-delete")
            }
            await page.getByLabel("Your password").fill("not my password")
            await press(page, "Delete the account")
            assert.include(await page.getByRole("alert").textContent(), "Nothing was deleted")
            await page.getByLabel("Your password").fill(person.password)
            await press(page, "Delete the account")
            await page.waitForURL(/done=account-deleted/)
            assert.include(await told(page), "Your account is deleted")
            assert.deepStrictEqual(
              (await context.cookies()).filter(({ name }) => name.includes("session_token")),
              []
            )
            assert.deepStrictEqual(await query(`SELECT FROM "user" WHERE email = $1`, [person.email]), [])

            // It was the answer to a form, which no cache keeps: the browser asks before it sends that again.
            await page.goBack().catch(() => null)
            assert.notInclude(await page.textContent("body"), person.email)
            await page.goto(`${origin}/account`)
            assert.match(page.url(), /\/sign-in/)
            await signIn(page, person)
            assert.include(await page.getByRole("alert").textContent(), "do not belong together")
          })
        })
    )
  }

  it.effect("say what is in the way of a deletion", () =>
    Effect.gen(function* () {
      const { look, publish, query } = yield* Browsing
      yield* publish(template("depended-on", oneOfEach))
      yield* look("/", {}, async (page) => {
        const person = await signUp(page)
        await query(
          `INSERT INTO member (organization_id, user_id, role)
          SELECT o.id, u.id, CASE WHEN u.email = $1 THEN 'owner' ELSE 'member' END FROM organization o, "user" u
          WHERE o.slug = 'depended-on-publisher'`,
          [person.email]
        )
        await visit(page, "/account/delete")
        assert.include(await page.getByRole("main").textContent(), "What has to be done first")
        assert.include(await page.getByRole("main").textContent(), "depended-on-publisher")
        assert.strictEqual(await page.getByLabel("Your password").count(), 0)
        await expectAccessible(page, "a deletion that others are in the way of")
      })
    })
  )

  it.effect("confirm an address by the link in a mail, once", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      const smtp = yield* Smtp
      const runtime = yield* Effect.runtime()
      const newest = (to: string, count?: number) => Runtime.runPromise(runtime)(smtp.newest(to, count))
      yield* look("/", { javaScriptEnabled: false, expects: /422/ }, async (page) => {
        const person = await signUp(page)
        const link = `/account/verify?token=${encodeURIComponent(tokenIn(await newest(person.email)))}`
        await visit(page, link)
        // Looking at it alone, as a program that reads mail does, confirms nothing.
        await visit(page, "/account")
        assert.include(await page.getByRole("main").textContent(), "not confirmed yet")
        await visit(page, link)
        await press(page, "Yes, this address is mine")
        await page.waitForURL(/done=email-verified/)
        assert.include(await page.getByRole("main").textContent(), ", confirmed")
        await visit(page, link)
        await press(page, "Yes, this address is mine")
        assert.include(await page.getByRole("alert").textContent(), "has been used")
      })
    })
  )

  it.effect("let somebody who forgot the password choose another, once", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      const smtp = yield* Smtp
      const runtime = yield* Effect.runtime()
      const newest = (to: string, count?: number) => Runtime.runPromise(runtime)(smtp.newest(to, count))
      yield* look("/", { expects: /422/ }, async (page) => {
        const person = await signUp(page)
        await page.getByRole("button", { name: "Sign out" }).click()
        await page.getByRole("link", { name: "Forgot your password?" }).click()
        await expectAccessible(page, "a forgotten password")
        await page.getByLabel("E-mail address").fill("no address")
        await page.evaluate("document.querySelector('main form').noValidate = true")
        await press(page, "Send me the link")
        assert.include(await page.getByRole("alert").textContent(), "Write your e-mail address")
        await page.getByLabel("E-mail address").fill(person.email)
        await press(page, "Send me the link")
        await page.waitForURL(/done=reset-sent/)
        const link = `/account/reset?token=${encodeURIComponent(tokenIn(await newest(person.email, 2)))}`
        await visit(page, link)
        await expectAccessible(page, "a new password")
        await page.getByLabel("New password").fill("short")
        await press(page, "Set the new password")
        assert.include(await page.getByRole("alert").textContent(), "at least 8 characters")
        await page.getByLabel("New password").fill("a password I can remember")
        await press(page, "Set the new password")
        await page.waitForURL(/\/sign-in\?done=password-chosen/)
        await visit(page, link)
        await page.getByLabel("New password").fill("yet another password")
        await press(page, "Set the new password")
        assert.include(await page.getByRole("alert").textContent(), "has been used")
        await signIn(page, { ...person, password: "a password I can remember" })
        await page.waitForURL(/done=signed-in/)
      })
    })
  )

  it.effect("are done with the keyboard alone", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      yield* look("/", {}, async (page) => {
        const person = await signUp(page)
        await visit(page, "/account/delete")
        const tabTo = async (name: string) => {
          for (let at = 0; at < 40; at++) {
            await page.keyboard.press("Tab")
            const text = await page.evaluate(
              "(document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? '').trim()"
            )
            if (String(text).startsWith(name)) return
          }
          assert.fail(`Tab never comes to ${name}`)
        }
        await tabTo("Your password")
        await page.keyboard.type(person.password)
        await tabTo("Delete the account")
        await page.keyboard.press("Enter")
        await page.waitForURL(/done=account-deleted/)
      })
    })
  )
})
