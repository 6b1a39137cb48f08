import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { definition, template } from "../fixtures/templates.ts"
import {
  Browsing,
  BrowsingLive,
  expectAccessible,
  newcomer,
  phone,
  signUp,
  takePhoneScreenshot,
  takeScreenshot
} from "./browsing.ts"

const main = (page: Page) => page.getByRole("main")
const press = (page: Page, name: string | RegExp) => main(page).getByRole("button", { name }).click()
const textOf = async (page: Page) => String(await main(page).textContent())
const go = (page: Page, path: string) => page.goto(new URL(path, page.url()).toString())

const type = (slug: string, name: string) => definition("entity_types", slug, { name })

/** A template with two revisions: the second renames one, adds one and withdraws one. */
const first = [
  type("account", "Account"),
  type("bill", "Bill"),
  type("coin", "Coin"),
  type("debt", "Debt"),
  definition("watchers", "inbox", { name: "Inbox" })
]
const second = [
  type("account", "Bank account"),
  type("bill", "Bill"),
  type("debt", "Debt"),
  type("ember", "Ember"),
  definition("watchers", "inbox", { name: "Inbox" })
]

let templates = 0

layer(BrowsingLive(), { timeout: "180 seconds", excludeTestServices: true })("an agent's page", (it) => {
  /** Somebody with an agent of revision 1 of a template of which there are two, a row changed and one deleted. */
  const prepared = async (page: Page, { publish, query, run }: Browsing["Type"]) => {
    const slug = `ledger-${++templates}`
    await run(publish(template(slug, first, { name: "Ledger" })))
    const person = await signUp(page)
    await go(page, `/install/${slug}`)
    await press(page, /^Install into/)
    await page.waitForURL(/done=installed/)
    const path = new URL(page.url()).pathname
    const organization = path.split("/")[1]
    const edit = (text: string) =>
      query(`UPDATE entity_types SET ${text} AND organization_id = (SELECT id FROM organization WHERE slug = $1)`, [
        organization
      ])
    await edit("name = 'My bills' WHERE slug = 'bill'")
    await edit("deleted_at = now() WHERE slug = 'debt'")
    await run(publish(template(slug, second, { name: "Ledger" })))
    const names = async () =>
      (
        await query(
          `SELECT t.name FROM entity_types t JOIN organization o ON o.id = t.organization_id
           WHERE o.slug = $1 AND t.deleted_at IS NULL AND t.retired_at IS NULL AND t.slug NOT LIKE '$%' ORDER BY t.slug`,
          [organization]
        )
      ).map(({ name }) => name)
    return { names, path, person, slug }
  }

  for (const javaScriptEnabled of [true, false]) {
    it.effect(
      `shows an update before it is done, keeps what is the person's, goes back, and goes away ${javaScriptEnabled ? "with" : "without"} JavaScript`,
      () =>
        Effect.gen(function* () {
          const browsing = yield* Browsing
          const sound = async (page: Page, what: string, name?: string) => {
            if (!javaScriptEnabled) return
            await expectAccessible(page, what)
            if (name === undefined) return
            await takeScreenshot(page, name, { fullPage: true })
            await takePhoneScreenshot(page, name)
          }
          yield* browsing.look("/", { javaScriptEnabled }, async (page) => {
            const { names, path } = await prepared(page, browsing)
            await go(page, path)
            const shown = await textOf(page)
            assert.include(shown, "What is new in revision 2")
            assert.include(shown, "You changed this. Your changes were kept.")
            assert.include(shown, "You deleted this. It stays deleted.")
            await sound(page, "an agent that has changes", "agent-changes")

            await page.getByRole("link", { name: "See the update, row by row" }).click()
            await page.waitForURL(/\/update$/)
            assert.include(await textOf(page), "3 parts would change, 1 change of yours would be kept.")
            await main(page).locator("summary", { hasText: "What differs" }).last().click()
            await sound(page, "an update", "update")
            await press(page, "Update Ledger to revision 2")
            await page.waitForURL(/done=updated/)
            assert.deepStrictEqual(await names(), ["Bank account", "My bills", "Ember"])

            await page.getByRole("link", { name: "Review my changes, row by row" }).click()
            await page
              .getByRole("checkbox", { name: /^Give up my changes.*: My bills|^Give up my changes.*: Bill/ })
              .check()
            await page.getByRole("checkbox", { name: /^Bring it back/ }).check()
            await press(page, /^Do this in/)
            await page.waitForURL(/done=updated/)
            assert.deepStrictEqual(await names(), ["Bank account", "Bill", "Debt", "Ember"])

            await page.getByLabel("Go to another revision").selectOption("1")
            await press(page, "See what would change")
            await page.waitForURL(/revision=1$/)
            await sound(page, "going back")
            await press(page, "Take Ledger to revision 1")
            await page.waitForURL(/done=rolled-back/)
            assert.deepStrictEqual(await names(), ["Account", "Bill", "Coin", "Debt"])
            assert.include(await textOf(page), "It stays at this revision until you say otherwise.")

            await page.getByRole("link", { name: "Follow the publisher again" }).click()
            await press(page, "Update Ledger to revision 2 and follow")
            await page.waitForURL(/done=following/)
            assert.deepStrictEqual(await names(), ["Bank account", "Bill", "Debt", "Ember"])

            await press(page, "Pause Inbox")
            await page.waitForURL(/done=paused/)
            assert.include(await textOf(page), "Paused since")
            await press(page, "Resume Inbox")
            await page.waitForURL(/done=resumed/)
            assert.include(await textOf(page), "Next run:")
            await sound(page, "an agent with a history")

            await page.getByRole("link", { name: "See what would go" }).click()
            await page.waitForURL(/\/uninstall$/)
            await sound(page, "an uninstall", "uninstall")
            await press(page, /^Uninstall from/)
            await page.waitForURL(/\/agents\?done=uninstalled/)
            assert.deepStrictEqual(await names(), [])
          })
        })
    )
  }

  for (const mode of ["copy", "reference"] as const) {
    it.effect(`is changed, deleted from, updated and rolled back by its person, installed by ${mode}`, () =>
      Effect.gen(function* () {
        const browsing = yield* Browsing
        const { publish, query, run } = browsing
        yield* browsing.look("/", { expects: /422/ }, async (page) => {
          const slug = `by-${mode}`
          const given = { name: "Ledger", modes: [mode] } as const
          await run(publish(template(slug, first, given)))
          await signUp(page)
          await go(page, `/install/${slug}`)
          await press(page, /^Install into/)
          await page.waitForURL(/done=installed/)
          const path = new URL(page.url()).pathname
          const names = async () =>
            (
              await query(
                `SELECT t.name FROM vocabulary.entity_types t JOIN organization o ON o.id = t.organization_id
                 WHERE o.slug = $1 AND t.deleted_at IS NULL AND t.retired_at IS NULL AND t.slug NOT LIKE '$%' ORDER BY t.slug`,
                [path.split("/")[1]]
              )
            ).map(({ name }) => name)
          const open = async (name: string) => {
            await go(page, path)
            for (const summary of await main(page).locator("#rows summary").all()) {
              if (!(await summary.evaluate(({ parentElement }) => parentElement?.hasAttribute("open")))) {
                await summary.click()
              }
            }
            await page.getByRole("link", { name: `Change or delete ${name}` }).click()
            await page.waitForURL(/\/rows\//)
          }
          await open("Bill")
          await expectAccessible(page, "a row to change")
          await takeScreenshot(page, "row", { fullPage: true })
          await page.getByLabel("what it notes").fill("{ no JSON")
          await page.getByLabel("Name", { exact: true }).fill("My bills")
          await press(page, "Change it")
          assert.include(String(await main(page).getByRole("alert").textContent()), "expected JSON")
          await expectAccessible(page, "a row that was not changed")
          assert.strictEqual(await page.getByLabel("Name", { exact: true }).inputValue(), "My bills")
          await page.getByLabel("what it notes").fill('{ "type": "object", "title": "A bill" }')
          await press(page, "Change it")
          await page.waitForURL(/done=row-changed/)
          await open("Debt")
          await press(page, "Delete Debt")
          await page.waitForURL(/done=row-deleted/)
          await open("Inbox")
          await page.getByLabel("instructions").fill("Look\nand look again")
          await press(page, "Change it")
          await page.waitForURL(/done=row-changed/)
          assert.deepStrictEqual(await names(), ["Account", "My bills", "Coin"])

          await run(publish(template(slug, second, given)))
          await go(page, `${path}/update`)
          assert.include(await textOf(page), "3 parts would change, 2 changes of yours would be kept.")
          await press(page, "Update Ledger to revision 2")
          await page.waitForURL(/done=updated/)
          assert.deepStrictEqual(await names(), ["Bank account", "My bills", "Ember"])
          await open("Bank account")
          await go(page, `${path}/update?revision=1`)
          await page.getByRole("checkbox", { name: /^Bring it back/ }).check()
          await page.getByRole("checkbox", { name: /^Give up my changes.*: My bills/ }).check()
          await press(page, "Take Ledger to revision 1")
          await page.waitForURL(/done=rolled-back/)
          assert.deepStrictEqual(await names(), ["Account", "Bill", "Coin", "Debt"])
        })
      })
    )
  }

  it.effect("does what it showed, or nothing", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      yield* browsing.look("/", { expects: /409/ }, async (page) => {
        const { names, path, slug } = await prepared(page, browsing)
        await go(page, `${path}/update`)
        await page.getByRole("checkbox", { name: /^Give up my changes/ }).check()
        await browsing.run(browsing.publish(template(slug, [...second, type("frost", "Frost")], { name: "Ledger" })))
        await press(page, "Update Ledger to revision 2")
        assert.include(String(await main(page).getByRole("alert").textContent()), "Nothing was changed")
        assert.deepStrictEqual(await names(), ["Account", "My bills", "Coin"])
        // What was chosen is chosen still.
        assert.isTrue(await page.getByRole("checkbox", { name: /^Give up my changes/ }).isChecked())
        await expectAccessible(page, "an update that was overtaken")
        await press(page, "Update Ledger to revision 3")
        await page.waitForURL(/done=updated/)
        assert.deepStrictEqual(await names(), ["Bank account", "Bill", "Ember", "Frost"])
      })
    })
  )

  it.effect("is nobody else's: a stranger finds nothing, and whoever is not signed in is asked to", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      const { look } = browsing
      let path = ""
      yield* look("/", {}, async (page) => {
        path = (await prepared(page, browsing)).path
      })
      yield* look("/", { expects: /404/ }, async (page) => {
        await go(page, path)
        await page.waitForURL(/\/sign-in\?next=/)
        await go(page, "/")
        await signUp(page, newcomer("Mallory"))
        for (const there of [path, `${path}/update`, `${path}/uninstall`, `${path.replace(/agent_.*/, "agent_0")}`]) {
          const answer = await go(page, there)
          assert.strictEqual(answer?.status(), 404, there)
          assert.include(await textOf(page), "There is nothing here")
        }
        await expectAccessible(page, "what is not there")
      })
    })
  )

  it.effect("is not shown by the back button once one has signed out", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      yield* browsing.look("/", {}, async (page) => {
        const { path } = await prepared(page, browsing)
        await go(page, path)
        await page.getByRole("button", { name: "Sign out" }).click()
        await page.waitForURL(/done=signed-out/)
        await page.goBack()
        await page.waitForURL(/\/sign-in/)
        assert.notInclude(await textOf(page), "My bills")
      })
    })
  )

  it.effect("is done once by a double press, and needs no script for it", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      yield* browsing.look("/", { viewport: phone }, async (page) => {
        const { path } = await prepared(page, browsing)
        await go(page, `${path}/update`)
        await main(page).getByRole("button", { name: "Update Ledger to revision 2" }).dblclick()
        await page.waitForURL(/done=updated/)
        const entries = await browsing.query(
          "SELECT action FROM mirror_history h JOIN agents a ON a.template_agent_id = h.template_agent_id AND a.organization_id = h.organization_id WHERE a.id = $1",
          [path.split("/").at(-1)]
        )
        assert.lengthOf(entries, 2)
      })
    })
  )
})

layer(BrowsingLive({ CHANGES_PER_HOUR: "1", READS_PER_MINUTE: "600" }), {
  timeout: "180 seconds",
  excludeTestServices: true
})("a refusal", (it) => {
  it.effect("is a page: too often, too much, from elsewhere, and nothing there", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      const { look, origin, publish } = browsing
      yield* publish(template("refusing", first, { name: "Refusing" }))
      yield* look("/", { expects: /4\d\d/ }, async (page) => {
        await signUp(page)
        await go(page, "/install/refusing")
        await press(page, /^Install into/)
        await page.waitForURL(/done=installed/)
        await press(page, "Pause Inbox")
        await page.waitForURL(/done=paused/)
        const limited = page.waitForResponse((answer) => answer.request().method() === "POST")
        await press(page, "Resume Inbox")
        const answer = await limited
        assert.strictEqual(answer.status(), 429)
        assert.match(String(answer.headers()["retry-after"]), /^\d+$/)
        assert.match(await textOf(page), /Try again in \d+ minutes/)
        await expectAccessible(page, "too often")
        await takeScreenshot(page, "error-429")

        assert.strictEqual((await go(page, "/nowhere/at/all"))?.status(), 404)
        const sent = async (headers: Record<string, string>, body: string) => {
          const answered = await fetch(`${origin}/sign-in`, {
            method: "POST",
            headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded", ...headers },
            body
          })
          return [answered.status, (await answered.text()).includes("<h1>")]
        }
        assert.deepStrictEqual(await sent({ origin: "https://evil.example" }, "sign=in"), [403, true])
        assert.deepStrictEqual(await sent({}, "sign=in"), [403, true])
        assert.deepStrictEqual(await sent({ origin }, `sign=in&x=${"x".repeat(70_000)}`), [413, true])
        assert.deepStrictEqual(await sent({ origin, "content-type": "text/plain" }, "sign=in"), [400, true])
      })
    })
  )

  it.effect("is a page while the database can't do it, and going on afterwards is done once", () =>
    Effect.gen(function* () {
      const { look, publish, query } = yield* Browsing
      yield* publish(template("delayed", first, { name: "Delayed" }))
      yield* look("/install/delayed", { expects: /503/ }, async (page) => {
        await query(`
          CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '53300'; END
          $$`)
        await query("CREATE TRIGGER refuses BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION refuse()")
        const person = newcomer()
        await page.getByLabel("Your name").fill(person.name)
        await page.getByLabel("E-mail address").fill(person.email)
        await page.getByLabel("Password").fill(person.password)
        const refused = page.waitForResponse((answer) => answer.request().method() === "POST")
        await press(page, "Create my account and install")
        const answer = await refused
        assert.strictEqual(answer.status(), 503)
        assert.match(String(answer.headers()["retry-after"]), /^\d+$/)
        assert.include(await textOf(page), "Try again in a moment")
        await expectAccessible(page, "not just now")

        await query("DROP TRIGGER refuses ON agents")
        await page.reload()
        await page.waitForURL(/done=installed/)
        const agents = await query(
          'SELECT a.id FROM agents a JOIN member m USING (organization_id) JOIN "user" u ON u.id = m.user_id WHERE u.email = $1',
          [person.email]
        )
        assert.lengthOf(agents, 1)
      })
    })
  )
})
