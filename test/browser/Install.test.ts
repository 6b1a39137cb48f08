import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { E164 } from "../../src/domain/identity/Phone.ts"
import { bundled } from "../e2e/processes.ts"
import { definition, oneOfEach, template } from "../fixtures/templates.ts"
import {
  Browsing,
  BrowsingLive,
  expectAccessible,
  newcomer,
  phone,
  signUp,
  takePhoneScreenshot,
  takeScreenshot,
  wide
} from "./browsing.ts"

const main = (page: Page) => page.getByRole("main")
const press = (page: Page, name: string | RegExp) => main(page).getByRole("button", { name }).click()
const told = (page: Page) => main(page).getByRole("status").textContent()

/** Fills the form of somebody who has no account, and installs. */
const signUpAndInstall = async (page: Page, person = newcomer(), number = "") => {
  await page.getByLabel("Your name").fill(person.name)
  await page.getByLabel("E-mail address").fill(person.email)
  await page.getByLabel("Password").fill(person.password)
  if (number !== "") await page.getByLabel("WhatsApp number").fill(number)
  await press(page, "Create my account and install")
  return person
}

layer(BrowsingLive({ PUBLISH: bundled }), { timeout: "180 seconds", excludeTestServices: true })("installing", (it) => {
  for (const javaScriptEnabled of [true, false]) {
    it.effect(
      `leads a new person from the list to an agent of their own ${javaScriptEnabled ? "with" : "without"} JavaScript`,
      () =>
        Effect.gen(function* () {
          const { look, query } = yield* Browsing
          yield* look("/", { javaScriptEnabled }, async (page) => {
            if (javaScriptEnabled) await takeScreenshot(page, "templates")
            await page.getByRole("link", { name: "Personal Finance (UK tax)" }).click()
            await page.waitForURL(/\/install\/personal-finance$/)
            assert.include(await main(page).textContent(), "every day at 06:30 UTC")
            if (javaScriptEnabled) {
              await expectAccessible(page, "the page of a template, signed out")
              await takeScreenshot(page, "install", { fullPage: true })
              await takePhoneScreenshot(page, "install")
              for (const details of await main(page).locator("details").all()) await details.locator("summary").click()
              await expectAccessible(page, "the page of a template, unfolded")
            }
            const person = await signUpAndInstall(page)
            await page.waitForURL(/\/ada-lovelace(-\d+)?\/agents\/agent_\w+\?done=installed#done$/)
            assert.match(String(await told(page)), /^Installed\./)
            const path = new URL(page.url()).pathname
            if (javaScriptEnabled) {
              await expectAccessible(page, "an agent's page")
              await takeScreenshot(page, "agent", { fullPage: true })
            }
            // Looking again installs nothing again.
            await page.reload()
            const rows = await query(
              `SELECT count(*)::integer AS agents FROM agents a JOIN member m USING (organization_id) JOIN "user" u ON u.id = m.user_id
             WHERE u.email = $1`,
              [person.email]
            )
            assert.deepStrictEqual(rows, [{ agents: 1 }])
            await page.goto(new URL("/install/personal-finance", page.url()).toString())
            assert.include(await main(page).textContent(), "You have this already")
            if (javaScriptEnabled) await expectAccessible(page, "the page of a template that is installed")
            await page.getByRole("link", { name: /Go to your agent/ }).click()
            await page.waitForURL((url) => url.pathname === path)
            await page.getByRole("link", { name: "My agents" }).click()
            await page.waitForURL(/\/agents$/)
            assert.include(await main(page).textContent(), "Up to date.")
            if (javaScriptEnabled) {
              await expectAccessible(page, "a person's agents")
              await takeScreenshot(page, "agents")
            }
          })
        })
    )
  }

  it.effect("says what is wrong beside what was typed, and keeps it", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      yield* look("/install/personal-finance", { viewport: phone, expects: /422/ }, async (page) => {
        const person = newcomer()
        await page.getByLabel("WhatsApp number").fill("07911 123456")
        await page.getByLabel("Country of the number").selectOption("GB")
        await page.getByLabel("Your name").fill(person.name)
        await page.getByLabel("E-mail address").fill("ada@nowhere")
        await page.getByLabel("Password").fill("short")
        await press(page, "Create my account and install")
        const problem = main(page).getByRole("alert")
        assert.include(await problem.textContent(), "Choose a password of at least 8 characters.")
        assert.match(await page.title(), /^Error: /)
        assert.strictEqual(await page.evaluate("document.activeElement.id"), "problem")
        assert.strictEqual(await page.getByLabel("WhatsApp number").inputValue(), "07911 123456")
        assert.strictEqual(await page.getByLabel("Country of the number").inputValue(), "GB")
        assert.strictEqual(await page.getByLabel("Your name").inputValue(), person.name)
        await expectAccessible(page, "a form with problems")
        await takeScreenshot(page, "install-problem-phone")
        await page.getByLabel("E-mail address").fill(person.email)
        await page.getByLabel("Password").fill(person.password)
        await press(page, "Create my account and install")
        await page.waitForURL(/done=installed/)
        await page.getByRole("link", { name: "My agents" }).click()
        assert.include(await main(page).textContent(), "+44•••456")
      })
    })
  )

  it.effect("lets somebody who has an account sign in on the same page, and go on with what they typed", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      const person = newcomer("Grace Hopper")
      yield* look("/", {}, async (page) => {
        await signUp(page, person)
      })
      yield* look("/install/personal-finance", { expects: /422/ }, async (page) => {
        await page.getByLabel("WhatsApp number").fill("+447911123457")
        await signUpAndInstall(page, { ...person, password: "not her password" })
        assert.include(
          await main(page).getByRole("alert").textContent(),
          "There is an account with this e-mail address"
        )
        assert.strictEqual(await page.getByLabel("E-mail address").inputValue(), person.email)
        assert.strictEqual(await page.getByLabel("WhatsApp number").inputValue(), "+447911123457")
        await page.getByLabel("Password").fill(person.password)
        await press(page, "Sign in and install")
        await page.waitForURL(/done=installed/)
      })
      // Once more from another browser: it is there, and nothing is done to it.
      yield* look("/install/personal-finance?sign=in", {}, async (page) => {
        await page.getByLabel("E-mail address").fill(person.email)
        await page.getByLabel("Password").fill(person.password)
        await press(page, "Sign in and install")
        await page.waitForURL(/done=already/)
      })
    })
  )

  it.effect("loses nothing of what was typed where the session has ended meanwhile", () =>
    Effect.gen(function* () {
      const { look, query } = yield* Browsing
      yield* look("/", { expects: /401/ }, async (page) => {
        const person = await signUp(page)
        await page.goto(new URL("/install/personal-finance", page.url()).toString())
        await page.getByLabel("WhatsApp number").fill("+447911123458")
        await query(`DELETE FROM session USING "user" u WHERE u.id = session."userId" AND u.email = $1`, [person.email])
        await press(page, /^Install into ada-lovelace/)
        assert.include(await main(page).getByRole("alert").textContent(), "You are not signed in any more")
        await expectAccessible(page, "a session that has ended")
        assert.strictEqual(await page.getByLabel("WhatsApp number").inputValue(), "+447911123458")
        await page.getByLabel("E-mail address").fill(person.email)
        await page.getByLabel("Password").fill(person.password)
        await press(page, "Sign in and install")
        await page.waitForURL(/done=installed/)
        // The same in the midst of anything else.
        await query(`DELETE FROM session USING "user" u WHERE u.id = session."userId" AND u.email = $1`, [person.email])
        await press(page, /^Pause Daily/)
        await expectAccessible(page, "signing in to go on")
        await page.getByLabel("E-mail address").fill(person.email)
        await page.getByLabel("Password").fill(person.password)
        await press(page, "Sign in and go on")
        await page.waitForURL(/done=paused/)
      })
    })
  )

  it.effect("names what is in the way, and takes over what the person lets it", () =>
    Effect.gen(function* () {
      const { look, publish, query } = yield* Browsing
      yield* publish(template("clashing", oneOfEach, { name: "Clashing helper" }))
      yield* look("/", { expects: /409/ }, async (page) => {
        const person = await signUp(page)
        const [organization] = await query(
          `SELECT m.organization_id AS id FROM member m JOIN "user" u ON u.id = m.user_id WHERE u.email = $1`,
          [person.email]
        )
        await query("INSERT INTO entity_types (organization_id, slug, name) VALUES ($1, 'invoice', 'My invoices')", [
          organization?.id
        ])
        await page.goto(new URL("/install/clashing", page.url()).toString())
        assert.include(await main(page).textContent(), "In the way")
        await expectAccessible(page, "a collision")
        await press(page, /^Install into/)
        assert.include(await main(page).getByRole("alert").textContent(), "Nothing was installed: 1 name is taken")
        await takeScreenshot(page, "collision")
        await page.getByRole("checkbox", { name: /Let the agent take over mine/ }).check()
        await press(page, /^Install into/)
        await page.waitForURL(/done=installed/)
        const rows = await query(
          "SELECT name, managed_by_template_agent_id IS NOT NULL AS managed FROM entity_types WHERE organization_id = $1 AND slug = 'invoice'",
          [organization?.id]
        )
        assert.deepStrictEqual(rows, [{ name: "invoice", managed: true }])
      })
    })
  )

  it.effect("shows names from all over the world, and what looks like markup, as they are", () =>
    Effect.gen(function* () {
      const { look, publish } = yield* Browsing
      const odd = [
        "<img src=x onerror=alert(1)>",
        "עוזר כספים",
        "مساعد مالي",
        "非常に長い名前の助手".repeat(12),
        `"'&quot;</script><script>alert(1)</script>`,
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2)
      ]
      yield* publish(
        template(
          "odd-names",
          odd.map((name, at) => definition("entity_types", `odd-${at}`, { name, description: name })),
          { name: odd[1] ?? "", description: odd[0] ?? "" }
        )
      )
      for (const javaScriptEnabled of [true, false]) {
        yield* look("/install/odd-names", { javaScriptEnabled, viewport: phone }, async (page) => {
          await main(page).locator("summary").first().click()
          for (const name of odd) assert.include(await main(page).textContent(), name)
          await signUpAndInstall(page, newcomer(odd[0]))
          await page.waitForURL(/done=installed/)
          assert.strictEqual(await page.getByRole("heading", { level: 1 }).textContent(), odd[1])
          if (javaScriptEnabled) await expectAccessible(page, "an agent with odd names")
        })
      }
    })
  )

  for (const javaScriptEnabled of [true, false]) {
    it.effect(
      `shows the code for WhatsApp, and notices the answers ${javaScriptEnabled ? "with" : "without"} JavaScript`,
      () =>
        Effect.gen(function* () {
          const { gateway, look, publish } = yield* Browsing
          yield* publish(template("chatty", oneOfEach, { name: "Chatty helper", botPhone: E164.make("+447911000000") }))
          const sender = `44791133${javaScriptEnabled ? "1111" : "2222"}@s.whatsapp.net`
          yield* look("/install/chatty", { javaScriptEnabled, viewport: phone }, async (page) => {
            await signUpAndInstall(page)
            await page.waitForURL(/done=installed/)
            const link = page.getByRole("link", { name: "Open WhatsApp with the message" })
            const href = String(await link.getAttribute("href"))
            assert.match(href, /^https:\/\/wa\.me\/447911000000\?text=/)
            await page.getByRole("img", { name: "QR code that opens WhatsApp with the message" }).waitFor()
            if (javaScriptEnabled) {
              await expectAccessible(page, "the code for WhatsApp")
              await takeScreenshot(page, "whatsapp-phone")
            }
            const message = new URL(href).searchParams.get("text")
            const from = { platform: "whatsapp", platformUserId: sender }
            const claimed = await gateway("/api/install/claim", { message, ...from })
            assert.strictEqual(claimed.status, "confirm_sender")
            await page.getByText("this phone still has to answer YES").waitFor()
            const check = await page.locator(".check").textContent()
            assert.include(claimed.text, String(check))
            const answered = await gateway(`/api/identities/pending/${claimed.pendingId}/answer`, {
              ...from,
              yes: true
            })
            assert.strictEqual(answered.status, "confirm_session")
            const yes = page.getByRole("button", { name: /^Yes, .* is my phone$/ })
            await yes.waitFor()
            if (javaScriptEnabled) {
              await expectAccessible(page, "a phone to confirm")
              await takeScreenshot(page, "confirm-phone")
            }
            await yes.click()
            await page.waitForURL(/done=phone-confirmed/)
            assert.include(await main(page).textContent(), "Linked:")
            assert.strictEqual(await page.getByRole("link", { name: "Open WhatsApp with the message" }).count(), 0)
            // Another one says yes, and the person no.
            await press(page, "Link a phone on WhatsApp")
            await link.waitFor()
            const another = { platform: "whatsapp", platformUserId: sender.replace("44791133", "44791144") }
            const again = new URL(String(await link.getAttribute("href"))).searchParams.get("text")
            const asked = await gateway("/api/install/claim", { message: again, ...another })
            await gateway(`/api/identities/pending/${asked.pendingId}/answer`, { ...another, yes: true })
            await press(page, "No, not mine")
            await page.waitForURL(/done=phone-ended/)
            await page.goto(new URL("/agents", page.url()).toString())
            assert.lengthOf(String(await main(page).textContent()).match(/Linked\. Messages/g) ?? [], 1)
            await press(page, /^Unlink/)
            await page.waitForURL(/done=phone-ended/)
          })
        })
    )
  }

  it.effect("is done by the keyboard alone", () =>
    Effect.gen(function* () {
      const { look } = yield* Browsing
      yield* look("/install/personal-finance", { viewport: wide }, async (page) => {
        const person = newcomer()
        const focused = () =>
          page.evaluate(
            "document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent ?? document.activeElement.tagName"
          )
        const tabTo = async (name: string) => {
          for (let at = 0; at < 60; at++) {
            await page.keyboard.press("Tab")
            if (String(await focused()).startsWith(name)) {
              const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
              assert.strictEqual(outline, "solid", `${name} shows that it has the focus`)
              return
            }
          }
          assert.fail(`Tab never came to ${name}`)
        }
        await tabTo("Things it keeps track of")
        await page.keyboard.press("Enter")
        assert.isTrue(
          await main(page)
            .locator("details")
            .first()
            .evaluate((one) => one.hasAttribute("open"))
        )
        await tabTo("Your name")
        await page.keyboard.type(person.name)
        await tabTo("E-mail address")
        await page.keyboard.type(person.email)
        await tabTo("Password")
        await page.keyboard.type(person.password)
        await tabTo("Create my account and install")
        await page.keyboard.press("Space")
        await page.waitForURL(/done=installed/)
      })
    })
  )
})
