import { HttpServer } from "@effect/platform"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { Publishers } from "../../src/services/publishing/Publishers.ts"
import { run, secret } from "../e2e/processes.ts"
import { definition, oneOfEach, template } from "../fixtures/templates.ts"
import { Running, TestServer } from "../http/server.ts"
import { databaseUrl } from "../pg.ts"

/** The same commands in two places: in the database in the name of a person, and over HTTP with their session. */
const places = ["the database", "a service"] as const

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("commands on what is there", (it) => {
  const address = Effect.map(HttpServer.HttpServer, ({ address }) =>
    address._tag === "TcpAddress" ? `http://127.0.0.1:${address.port}` : ""
  )

  for (const place of places) {
    const name = place === "a service" ? "Grace" : "Edith"
    const slug = `commanded-${name.toLowerCase()}`

    it.scoped(`show, update and take away the agents of a person, in ${place}`, () =>
      Effect.gen(function* () {
        const { ask, signUp } = yield* Running
        const catalog = yield* TemplateCatalog
        const url = yield* address
        yield* Effect.orDie(catalog.publish(template(slug, oneOfEach)))
        const { bearer } = yield* signUp(name)
        const { body } = yield* ask("/api/install", { body: { slug }, headers: { authorization: bearer } })
        const agent = String(body.agentId)
        yield* Effect.orDie(catalog.publish(template(slug, [...oneOfEach, definition("entity_types", "receipt")])))

        const given =
          place === "a service"
            ? { AGENT_INSTALL_TOKEN: bearer.slice("Bearer ".length) }
            : { DATABASE_URL: yield* databaseUrl, AUTH_SECRET: secret }
        const where = place === "a service" ? ["--url", `${url}/`] : ["--as", `${name.toUpperCase()}@example.org`]
        const command = (...args: ReadonlyArray<string>) =>
          run(["agent", ...args.slice(0, 1), ...where, ...args.slice(1)], given)

        const listed = yield* command("list")
        assert.match(listed.out, new RegExp(`^${agent} .*${slug}-publisher/${slug} .*1 of 2`, "m"), listed.err)
        const shown = yield* command("show", agent)
        assert.match(shown.out, /^entity +\| +0 \| +0 \| +0 \| +0 \| +1 \| +0 \| +1$/m, shown.err)
        const tried = yield* command("resync", "--dry-run", agent)
        assert.match(tried.out, /^create +\| entity +\| receipt/m, tried.err)
        assert.strictEqual((yield* command("resync", agent)).out, `${agent} is at revision 2.\n`)
        assert.strictEqual(
          (yield* command("resync", "--revision", "1", agent)).out,
          `${agent} is at revision 1 and stays there.\n`
        )
        const none = yield* command("resync", "--revision", "9", agent)
        assert.deepStrictEqual([none.code, none.err.includes("2")], [1, true], none.err)
        const wrong = yield* command("resync", "--revision", "last", agent)
        assert.deepStrictEqual(
          [wrong.code, wrong.err],
          [1, "--revision must be the number of a revision, or newest.\n"]
        )

        const asked = yield* command("uninstall", agent)
        assert.strictEqual(asked.code, 1)
        assert.include(asked.err, "4 rows are removed.")
        assert.include(asked.err, "Nothing was done. Say --yes to do it.")
        const gone = yield* command("uninstall", "--json", "--yes", agent)
        assert.strictEqual(JSON.parse(gone.out).agentRemoved, true, gone.err)
        const again = yield* command("show", agent)
        assert.deepStrictEqual([again.code, again.err.includes(agent)], [1, true], again.err)
        assert.strictEqual((yield* command("list")).out, "(none)\n")
      })
    )
  }

  it.scoped("say whose agents they need, and that nobody has that address or that session", () =>
    Effect.gen(function* () {
      const url = yield* address
      const given = { DATABASE_URL: yield* databaseUrl, AUTH_SECRET: secret }
      assert.include((yield* run(["agent", "list"], given)).err, "--as EMAIL")
      assert.include((yield* run(["agent", "list", "--as", "nobody@example.org"], given)).err, "nobody@example.org")
      assert.include((yield* run(["agent", "list", "--url", url])).err, "AGENT_INSTALL_TOKEN must be")
      const wrong = yield* run(["agent", "list", "--url", url], { AGENT_INSTALL_TOKEN: "none" })
      assert.include(wrong.err, "AGENT_INSTALL_TOKEN has is no session")
    })
  )

  it.scoped("show a template, its history and what its revisions differ in, in the database and in a service", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const catalog = yield* TemplateCatalog
      const publishers = yield* Publishers
      const url = yield* address
      const slug = "remembered"
      const receipt = Slug.make("receipt")
      yield* Effect.orDie(catalog.publish(template(slug, oneOfEach, { notes: "The first" })))
      yield* Effect.orDie(
        catalog.publish(template(slug, [...oneOfEach, definition("entity_types", "receipt")], { notes: "Receipts" }))
      )
      const { bearer } = yield* signUp("Mary")
      yield* Effect.orDie(publishers.create(Slug.make(`${slug}-publisher`), "mary@example.org"))
      const { body } = yield* ask(`/api/publishers/${slug}-publisher/keys`, {
        body: { name: "reader", scopes: ["read"] },
        headers: { authorization: bearer }
      })
      const here = { DATABASE_URL: yield* databaseUrl, AUTH_SECRET: secret }
      const there = { AGENT_INSTALL_KEY: String(body.key) }
      const path = `${slug}-publisher/${slug}`

      for (const shown of [
        yield* run(["template", "show", slug], here),
        yield* run(["template", "show", "--url", url, slug])
      ]) {
        assert.match(shown.out, /^remembered \(remembered\), revision 2$/m, shown.err)
        assert.match(shown.out, /^entity +\| receipt +\| receipt$/m)
      }
      const inDatabase = yield* run(["template", "history", slug], here)
      const overHttp = yield* run(["template", "history", "--url", url, path], there)
      assert.match(
        inDatabase.out,
        /^Revision 2, .*\n {2}Receipts\n {2}added entity receipt\n\nRevision 1, /,
        inDatabase.err
      )
      assert.strictEqual(overHttp.out, inDatabase.out)

      yield* Effect.orDie(
        catalog.publish(
          template(slug, [...oneOfEach.slice(0, 3), definition("entity_types", "bill", { was: [receipt] })])
        )
      )
      const compared = (...revisions: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const database = yield* run(["template", "diff", slug, ...revisions], here)
          const service = yield* run(["template", "diff", "--url", url, path, ...revisions], there)
          assert.strictEqual(service.out, database.out, service.err)
          return database.out
        })
      const since = yield* compared("1")
      assert.include(since, "From revision 1 of remembered to 3:\n")
      assert.match(since, /^added +\| entity +\| bill/m)
      assert.match(since, /^withdrawn +\| classifier +\| topic/m)
      assert.match(yield* compared("2", "3"), /^renamed +\| entity +\| bill +\| receipt/m)
      assert.match(yield* compared("3", "2"), /^renamed +\| entity +\| receipt +\| bill/m)
      assert.strictEqual(yield* compared("2", "2"), "No row of remembered differs between revisions 2 and 2.\n")
      const asJson = yield* run(["template", "diff", "--json", slug, "1", "2"], here)
      assert.deepStrictEqual(JSON.parse(asJson.out), {
        slug,
        since: 1,
        revision: 2,
        changes: [{ kind: "entity_types", slug: "receipt", change: "added", was: null, fields: [] }]
      })

      const listed = yield* run(["template", "list", "--url", url])
      assert.match(listed.out, /^remembered +\| remembered +\| remembered-publisher +\| +4 \|$/m, listed.err)
      assert.match((yield* run(["template", "list"], here)).out, /^remembered +\| remembered +\| .*\| +3 \|/m)

      for (const args of [
        ["template", "show", "nothing"],
        ["template", "history", "nothing"],
        ["template", "diff", "nothing", "1", "2"]
      ]) {
        const { code, err } = yield* run(args, here)
        assert.deepStrictEqual([code, err.includes("nothing")], [1, true], err)
      }
      for (const unknown of [
        yield* run(["template", "diff", slug, "1", "9"], here),
        yield* run(["template", "diff", "--url", url, path, "1", "9"], there)
      ]) {
        assert.deepStrictEqual([unknown.code, unknown.err.includes("9")], [1, true], unknown.err)
      }
    })
  )
})
