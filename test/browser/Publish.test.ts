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
const note = (page: Page) => page.getByRole("status").first().textContent()

const said = (name: string) => [
  definition("entity_types", "account", { name: "Account" }),
  definition("entity_types", "bill", { name })
]

let templates = 0

layer(BrowsingLive(), { timeout: "240 seconds", excludeTestServices: true })("a publisher's pages", (it) => {
  /** An owner of a publisher whose template has two revisions, and who has the first of them. */
  const prepared = async (page: Page, { publish, query, run }: Browsing["Type"]) => {
    const slug = `papers-${++templates}`
    const publisher = `${slug}-publisher`
    await run(publish(template(slug, said("Bill"), { name: "Papers", notes: "The first" })))
    const person = await signUp(page)
    await query(
      `INSERT INTO member (organization_id, user_id, role)
       SELECT o.id, u.id, 'owner' FROM organization o, "user" u WHERE o.slug = $1 AND u.email = $2`,
      [publisher, person.email]
    )
    await go(page, `/install/${slug}`)
    await press(page, /^Install into/)
    await page.waitForURL(/done=installed/)
    const agent = new URL(page.url()).pathname
    const next = (name: string) => run(publish(template(slug, said(name), { name: "Papers", notes: `Says ${name}` })))
    await next("Invoice")
    return { agent, next, path: `/publish/${publisher}/templates/${slug}`, person, publisher, slug }
  }

  /** Waits until the page says so: a browser without JavaScript reloads it by itself. */
  const until = async (page: Page, text: string) => {
    for (let tries = 0; tries < 120; tries++) {
      if ((await textOf(page)).includes(text)) return
      await page.waitForTimeout(500)
    }
    assert.include(await textOf(page), text)
  }

  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with" : "without"
    it.effect(
      `rolls a revision out, follows it, and takes it back ${how} JavaScript`,
      () =>
        Effect.gen(function* () {
          const browsing = yield* Browsing
          yield* browsing.look("/", { javaScriptEnabled, expects: /409|422/ }, async (page) => {
            const { agent, next, path, publisher, slug } = await prepared(page, browsing)
            await go(page, "/publish")
            await main(page).getByRole("link", { name: publisher }).click()
            await main(page).getByRole("link", { name: "Papers" }).click()
            await page.waitForURL(new RegExp(`${path}$`))
            assert.include(await textOf(page), "1 organization: 1 follow roll-outs")
            assert.include(await textOf(page), "Says Invoice")
            if (javaScriptEnabled) {
              await expectAccessible(page, "a template of one's own")
              await takeScreenshot(page, "publish-template", { fullPage: true })
            }
            await main(page)
              .getByRole("link", { name: /^Work out/ })
              .click()
            await page.waitForURL(/impact=newest/)
            assert.include(await textOf(page), "Of 1 organization, 1 are affected")

            await page.getByLabel(/^Waves/).fill("50, 10, 100")
            await press(page, "Start the roll-out")
            assert.include(await page.getByRole("alert").textContent(), "each higher than the one before")
            assert.strictEqual(await page.getByLabel(/^Waves/).inputValue(), "50, 10, 100")
            await page.getByLabel(/^Waves/).fill("100")
            await press(page, "Start the roll-out")
            await page.waitForURL(/done=rollout-started/)
            await until(page, "The roll-out of revision 2 is done")
            await go(page, agent)
            assert.include(await textOf(page), "Yours is revision 2")

            await go(page, path)
            await page.getByLabel("A revision that is broken").selectOption("2")
            await page.getByLabel("What is wrong with it").fill("It says Invoice for everything.")
            await press(page, "Mark it as broken")
            await page.waitForURL(/done=revision-broken/)
            await go(page, agent)
            assert.include(await textOf(page), "An update takes yours back to revision 1")
            await go(page, `/install/${slug}`)
            assert.include(await textOf(page), "Revision 1.")

            await next("Paper")
            await go(page, path)
            await page.getByLabel("Revision to roll out").selectOption("3")
            await page.getByLabel(/^Waves/).fill("50, 100")
            await press(page, "Start the roll-out")
            await until(page, "The roll-out of revision 3 is done")
            await go(page, agent)
            assert.include(await textOf(page), "Yours is revision 3")

            await go(page, path)
            await press(page, "Offer revision 2 again")
            assert.include(await note(page), "offered again")
            await page.getByLabel("Why nobody should begin with it").fill("There is a better one.")
            await page.getByLabel(/^Template to take instead/).fill("nothing-there")
            await press(page, "Deprecate Papers")
            assert.include(await page.getByRole("alert").textContent(), "There is no template nothing-there")
            await page.getByLabel(/^Template to take instead/).fill("")
            await press(page, "Deprecate Papers")
            await page.waitForURL(/done=template-deprecated/)
            assert.include(await textOf(page), "There is a better one.")
            await go(page, `/install/${slug}`)
            assert.include(await textOf(page), "It is not installed anew. Yours stays")
            if (javaScriptEnabled) await expectAccessible(page, "a deprecated template")
            await go(page, `/?q=${slug}`)
            assert.include(await textOf(page), "deprecated")
            await go(page, path)
            await press(page, "Bring Papers back")
            assert.include(await note(page), "installed as before")
          })
        }),
      240_000
    )

    it.effect(
      `pauses, resumes and cancels a roll-out, wave by wave ${how} JavaScript`,
      () =>
        Effect.gen(function* () {
          const browsing = yield* Browsing
          yield* browsing.look("/", { javaScriptEnabled, expects: /409/ }, async (page, context) => {
            const { query } = browsing
            const { next, path, slug } = await prepared(page, browsing)
            const owners = await context.cookies()
            await context.clearCookies()
            await signUp(page)
            await go(page, `/install/${slug}`)
            await press(page, /^Install into/)
            await page.waitForURL(/done=installed/)
            await context.clearCookies()
            await context.addCookies(owners)

            const start = async (revision: string) => {
              await page.getByLabel("Revision to roll out").selectOption(revision)
              await page.getByLabel(/^Waves/).fill("50, 100")
              await page.getByLabel("Wait for my yes after each wave").check()
              await press(page, "Start the roll-out")
              await page.waitForURL(/done=rollout-started/)
            }
            const toCome = () => main(page).locator('[data-of="open"]').first().textContent()
            const at = async (revision: number) => {
              const [found] = await query(
                "SELECT count(*)::int AS installed FROM agents WHERE template_agent_id = (SELECT id FROM agents WHERE slug = $1) AND revision = $2",
                [slug, revision]
              )
              return found?.installed
            }

            // It runs for as long as somebody is at both organizations.
            await query("BEGIN")
            await query(
              `SELECT FROM organization o JOIN agents a ON a.organization_id = o.id
               WHERE a.template_agent_id = (SELECT id FROM agents WHERE slug = $1) FOR NO KEY UPDATE OF o`,
              [slug]
            )
            await next("Paper")
            await go(page, path)
            await start("3")
            assert.include(await textOf(page), "The roll-out of revision 3 runs, at wave 1 of 2")
            assert.strictEqual(await page.getByRole("button", { name: "Resume the roll-out" }).count(), 0)
            await press(page, "Pause the roll-out")
            await page.waitForURL(/done=rollout-paused/)
            assert.include(await note(page), "Nobody is brought to the revision until you resume it")
            assert.include(await textOf(page), "is paused at wave 1 of 2: somebody paused it")
            assert.strictEqual(await page.getByRole("button", { name: "Pause the roll-out" }).count(), 0)
            await query("COMMIT")
            assert.deepStrictEqual([await toCome(), await at(3)], ["2", 0])
            if (javaScriptEnabled) await expectAccessible(page, "a roll-out that is paused")

            await press(page, "Resume the roll-out")
            await page.waitForURL(/done=rollout-resumed/)
            await until(page, "is paused at wave 2 of 2: the next wave waits for your yes")
            assert.deepStrictEqual([await toCome(), await at(3)], ["1", 1])
            await press(page, "Resume the roll-out")
            await until(page, "The roll-out of revision 3 is done")
            assert.strictEqual(await at(3), 2)

            await next("Receipt")
            await go(page, path)
            await start("4")
            await until(page, "is paused at wave 2 of 2: the next wave waits for your yes")
            const left = await context.newPage()
            await left.goto(page.url())
            await press(page, "Cancel the roll-out")
            await page.waitForURL(/done=rollout-cancelled/)
            assert.include(await note(page), "Who has the revision keeps it")
            assert.include(await textOf(page), "The roll-out of revision 4 was cancelled")
            assert.strictEqual(await page.getByRole("button", { name: "Start the roll-out" }).count(), 1)
            assert.deepStrictEqual([await at(3), await at(4)], [1, 1])

            // A page that was left open sees it by itself; where it can't, nothing is done from there.
            if (!javaScriptEnabled) await press(left, "Resume the roll-out")
            await until(left, "cancelled")
            assert.deepStrictEqual([await at(3), await at(4)], [1, 1])
          })
        }),
      240_000
    )

    it.effect(`makes keys that are shown once, and invites ${how} JavaScript`, () =>
      Effect.gen(function* () {
        const browsing = yield* Browsing
        yield* browsing.look("/", { javaScriptEnabled, expects: /404|409|422/ }, async (page) => {
          const { path, publisher, slug } = await prepared(page, browsing)
          const home = `/publish/${publisher}`
          await go(page, home)
          if (javaScriptEnabled) {
            await expectAccessible(page, "a publisher")
            await takeScreenshot(page, "publish", { fullPage: true })
            await takePhoneScreenshot(page, "publish")
          }
          await page.getByLabel("Name of a new key").fill("CI")
          await press(page, "Make a key")
          await page.waitForURL(/#made/)
          const key = await main(page).locator("#made code").textContent()
          assert.match(String(key), /^aik_\w{20,}/)
          await go(page, home)
          assert.notInclude(await textOf(page), String(key))
          await press(page, "Delete CI")
          assert.include(await note(page), "The key is deleted")

          const guest = newcomer("Grace Hopper")
          await page.getByLabel(/^E-mail address of somebody/).fill(guest.email)
          await press(page, "Invite")
          await page.waitForURL(/#made/)
          const token = String(await main(page).locator("#made code").textContent())
          await page.getByRole("button", { name: "Sign out" }).click()
          await page.waitForURL(/done=signed-out/)
          await signUp(page, guest)
          await go(page, "/publish")
          assert.include(await textOf(page), `agent-install publisher create SLUG --owner ${guest.email}`)
          if (javaScriptEnabled) await expectAccessible(page, "publishing, for somebody without a publisher")
          await page.getByLabel("What you were given").fill("no such token")
          await press(page, "Join the publisher")
          assert.include(await page.getByRole("alert").textContent(), "invitation")
          await page.getByLabel("What you were given").fill(token)
          await press(page, "Join the publisher")
          await page.waitForURL(/done=joined/)
          // A member neither makes keys nor invites, nor takes back what is published.
          assert.strictEqual(await page.getByLabel("Name of a new key").count(), 0)
          assert.strictEqual(await page.getByLabel(/^E-mail address of somebody/).count(), 0)
          await go(page, path)
          assert.strictEqual(await page.getByLabel("A revision that is broken").count(), 0)
          assert.strictEqual(await page.getByRole("button", { name: "Start the roll-out" }).count(), 1)
          await go(page, home)
          await press(page, "Leave")
          await page.waitForURL(/done=left/)
          await go(page, home)
          assert.include(await textOf(page), "There is nothing here")
          await go(page, `/publish/nobody/templates/${slug}`)
          assert.include(await textOf(page), "There is nothing here")
        })
      })
    )
  }

  it.effect("withdraws on a phone what nobody has, and nothing before that", () =>
    Effect.gen(function* () {
      const browsing = yield* Browsing
      yield* browsing.look("/", { viewport: phone, expects: /404|422/ }, async (page) => {
        const { agent, path, slug } = await prepared(page, browsing)
        await go(page, path)
        assert.strictEqual(await page.getByRole("button", { name: /^Withdraw/ }).count(), 0)
        await takePhoneScreenshot(page, "publish-template")
        await go(page, `${agent}/uninstall`)
        await press(page, /^Uninstall/)
        await page.waitForURL(/done=uninstalled/)
        await go(page, path)
        await page.getByLabel(/^Withdraw it for good/).fill("something else")
        await press(page, /^Withdraw/)
        assert.include(await page.getByRole("alert").textContent(), "Nothing was withdrawn")
        await page.getByLabel(/^Withdraw it for good/).fill(slug)
        await press(page, /^Withdraw/)
        await page.waitForURL(/done=template-withdrawn/)
        assert.include(await textOf(page), "Nothing is published yet")
        await go(page, `/install/${slug}`)
        assert.include(await textOf(page), "There is nothing here")
      })
    })
  )
})
