import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import { openApi } from "../../src/http/Api.ts"
import { apiVersion } from "../../src/http/ApiVersion.ts"
import type { Document } from "../../src/http/documents/Document.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { Publishers } from "../../src/services/publishing/Publishers.ts"
import { definition, oneOfEach, template } from "../fixtures/templates.ts"
import { type Ask, isProblem, Running, TestServer } from "./server.ts"

let made = 0

layer(TestServer, { timeout: "120 seconds", excludeTestServices: true })("lists over HTTP", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  const person = Effect.gen(function* () {
    const { signUp } = yield* Running
    const name = `lister ${++made}`
    const { bearer } = yield* signUp(name)
    return { headers: { authorization: bearer }, email: `${name.replaceAll(" ", ".")}@example.org` }
  })

  /** Every item of a list, asked for page by page of that size. */
  const walk = (path: string, name: string, headers: Record<string, string>, limit: number, cursor = "after") =>
    Effect.gen(function* () {
      const items: Array<Record<string, unknown>> = []
      for (let next = ""; ; ) {
        const query = new URLSearchParams({ limit: String(limit), ...(next === "" ? {} : { [cursor]: next }) })
        const { body, status, text } = yield* ask(`${path}?${query}`, { headers })
        assert.strictEqual(status, 200, text)
        assert.isAtMost(body[name].length, limit)
        items.push(...body[name])
        if (body.next === null) return items
        assert.lengthOf(body[name], limit)
        next = body.next
      }
    })

  const walksAlike = (path: string, name: string, headers: Record<string, string>, count: number, cursor = "after") =>
    Effect.gen(function* () {
      const whole = yield* walk(path, name, headers, 100, cursor)
      assert.lengthOf(whole, count, path)
      for (const limit of [1, 2]) assert.deepStrictEqual(yield* walk(path, name, headers, limit, cursor), whole, path)
      isProblem(yield* ask(`${path}?limit=0`, { headers }), 400, "invalid_request")
      if (cursor === "after" && name !== "templates") {
        isProblem(yield* ask(`${path}?after=x`, { headers }), 400, "invalid_request")
      }
      return whole
    })

  it.effect("are in pages, whichever they are", () =>
    Effect.gen(function* () {
      const { email, headers } = yield* person
      const publishers = yield* Publishers
      const catalog = yield* TemplateCatalog
      const slugs = [1, 2, 3].map((at) => Slug.make(`listed-${made}-${at}`))
      for (const slug of slugs) yield* Effect.orDie(publishers.create(slug, email))
      const [slug = Slug.make("none")] = slugs
      const base = `/api/publishers/${slug}`
      yield* walksAlike("/api/publishers", "publishers", headers, 3)

      for (const name of ["One", "Two", "Three"]) {
        yield* ask(`${base}/keys`, { headers, body: { name, scopes: ["read"] } })
        yield* ask(`${base}/invitations`, { headers, body: { email: `${name}@example.org`, role: "member" } })
      }
      const keys = yield* walksAlike(`${base}/keys`, "keys", headers, 3)
      assert.deepStrictEqual(
        keys.map(({ name }) => name),
        ["Three", "Two", "One"]
      )
      const invitations = yield* walksAlike(`${base}/invitations`, "invitations", headers, 3)
      assert.deepStrictEqual(
        invitations.map(({ email }) => email),
        ["one@example.org", "three@example.org", "two@example.org"]
      )
      for (const role of ["member", "admin"]) {
        const guest = yield* person
        const invited = yield* ask(`${base}/invitations`, { headers, body: { email: guest.email, role } })
        yield* ask("/api/publishers/join", { headers: guest.headers, body: { token: invited.body.token } })
      }
      yield* walksAlike(`${base}/members`, "members", headers, 3)

      const names = [1, 2, 3].map((at) => `listed-template-${made}-${at}`)
      const bill = definition("entity_types", "bill", { name: "Bill" })
      for (const name of names) yield* catalog.publish(template(name, [bill], { publisher: slug }))
      yield* walksAlike(`${base}/templates`, "templates", headers, 3)

      const rollouts = `${base}/templates/${names[0]}/rollouts`
      const begun: Array<string> = []
      for (let at = 0; at < 3; at++) {
        const { body } = yield* ask(rollouts, { headers, body: { revision: 1 } })
        begun.unshift(body.rolloutId)
        yield* ask(`${rollouts}/${body.rolloutId}/cancel`, { headers, method: "POST" })
      }
      const listed = yield* walksAlike(rollouts, "rollouts", headers, 3, "before")
      assert.deepStrictEqual(
        listed.map(({ rolloutId }) => rolloutId),
        begun
      )
      isProblem(yield* ask(`${rollouts}?before=x`, { headers }), 400, "invalid_request")
      const none = yield* ask(`${rollouts}?before=rollout_none`, { headers })
      assert.deepStrictEqual(none.body, { rollouts: [], next: null })
    })
  )

  it.effect("are of templates for anybody, by the words that they have", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const slugs = [1, 2, 3].map((at) => `findable-${at}`)
      for (const slug of slugs) yield* catalog.publish(template(slug, oneOfEach, { name: "Zebra crossing" }))
      const found = yield* ask("/api/templates?q=ZEBRA%20crossing&limit=2")
      assert.deepStrictEqual([found.status, found.body.next], [200, "findable-2"], found.text)
      assert.deepInclude(found.body.templates[0], { slug: "findable-1", name: "Zebra crossing", definitions: 4 })
      const rest = yield* ask(`/api/templates?q=zebra&limit=2&after=${found.body.next}`)
      assert.deepStrictEqual(
        [rest.body.templates.map(({ slug }: { slug: string }) => slug), rest.body.next],
        [["findable-3"], null]
      )
      yield* walksAlike("/api/templates", "templates", {}, (yield* walk("/api/templates", "templates", {}, 3)).length)
      assert.deepStrictEqual((yield* ask("/api/templates?q=nosuchword")).body, { templates: [], next: null })
      isProblem(yield* ask("/api/templates?words=zebra"), 400, "invalid_request")
    })
  )

  it.effect("are of an agent's watchers and a person's identities too", () =>
    Effect.gen(function* () {
      const { headers } = yield* person
      const { body } = yield* ask("/api/install", { headers, body: { slug: "helper" } })
      yield* walksAlike(`/api/agents/${body.agentId}/watchers`, "watchers", headers, 1)
      yield* ask("/api/identities/phone", { headers, body: { phone: "+447911654321" } })
      yield* walksAlike("/api/identities", "identities", headers, 1)
    })
  )

  it.effect("leave rows of a plan out that were not asked for, and keep its hash", () =>
    Effect.gen(function* () {
      const { headers } = yield* person
      const plan = (query: string) => ask(`/api/install/plan${query}`, { headers, body: { slug: "helper" } })
      const whole = (yield* plan("")).body
      const kinds = (rows: ReadonlyArray<{ kind: string }>) => [...new Set(rows.map(({ kind }) => kind))]
      assert.lengthOf(kinds(whole.rows), 4)
      const some = (yield* plan("?kind=watchers,entity_types&verdict=create")).body
      assert.sameMembers(kinds(some.rows), ["watchers", "entity_types"])
      assert.strictEqual(some.planHash, whole.planHash)
      assert.deepStrictEqual((yield* plan("?verdict=collision,update")).body.rows, [])
      for (const query of ["?verdict=collide", "?verdict=", "?kind=No", "?kind=watchers&kind=watchers"]) {
        isProblem(yield* plan(query), 400, "invalid_request")
      }
      const { body } = yield* ask("/api/install", { headers, body: { slug: "helper", expectedPlan: some.planHash } })
      const agent = `/api/agents/${body.agentId}`
      const resync = yield* ask(`${agent}/plan?verdict=unchanged&kind=watchers&revision=newest`, { headers })
      assert.deepStrictEqual(kinds(resync.body.rows), ["watchers"], resync.text)
      const uninstall = yield* ask(`${agent}/uninstall-plan?kind=watchers`, { headers })
      assert.deepStrictEqual(kinds(uninstall.body.removed), ["watchers"], uninstall.text)
      isProblem(yield* ask(`${agent}/uninstall-plan?kind=No`, { headers }), 400, "invalid_request")
    })
  )

  it.effect("and all else under /api say the version of the API, whatever they answer", () =>
    Effect.gen(function* () {
      const answers = [
        yield* ask("/api/templates"),
        yield* ask("/api/agents"),
        yield* ask("/api/nothing"),
        yield* ask("/api/auth/get-session"),
        yield* ask("/api/install", { method: "PATCH" })
      ]
      assert.deepStrictEqual(
        answers.map(({ headers }) => headers["agent-install-version"]),
        answers.map(() => apiVersion)
      )
      for (const path of ["/", "/openapi.json", "/health/live"]) {
        assert.notProperty((yield* ask(path)).headers, "agent-install-version", path)
      }
      for (const [path, methods] of Object.entries((openApi as unknown as Document).paths)) {
        for (const { responses } of Object.values(methods)) {
          for (const { headers = {} } of Object.values(responses)) {
            assert.strictEqual("agent-install-version" in headers, path.startsWith("/api/"), path)
          }
        }
      }
    })
  )
})
