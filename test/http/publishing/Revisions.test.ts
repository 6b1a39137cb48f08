import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { publicationLimits } from "../../../src/domain/publishing/Revision.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { mutating } from "../../machine.ts"
import { type Ask, afterAllAnswers, isProblem, Running, TestServer } from "../server.ts"

let made = 0

const entity = (slug: string, more: object = {}) => ({ version: 1, type: "entity", slug, name: slug, ...more })

layer(TestServer, { timeout: "120 seconds", excludeTestServices: true })("publishing over HTTP", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))

  const acme = Effect.gen(function* () {
    const { signUp } = yield* Running
    const name = `publisher ${++made}`
    const { bearer } = yield* signUp(name)
    const publishers = yield* Publishers
    const publisher = Slug.make(`acme-${made}`)
    yield* Effect.orDie(publishers.create(publisher, `${name.replaceAll(" ", ".")}@example.org`))
    const slug = `helper-${made}`
    const keyOf = (...scopes: ReadonlyArray<string>) =>
      Effect.map(
        ask(`/api/publishers/${publisher}/keys`, { body: { name: "CI", scopes }, headers: { authorization: bearer } }),
        ({ body }) => ({ authorization: `Bearer ${body.key}` })
      )
    const headers = yield* keyOf("publish")
    const template = { version: 1, slug, name: "Helper", publisher, notes: "What is new" }
    const at = `/api/publishers/${publisher}/templates/${slug}/revisions`
    const publish = (definitions: ReadonlyArray<object>, more: object = {}, query = "") =>
      ask(`${at}${query}`, { body: { template, definitions, ...more }, headers })
    return { at, headers, keyOf, publish, publisher, slug, template }
  })

  it.effect("makes a revision once, says what it would do before, and gives it back", () =>
    Effect.gen(function* () {
      const { at, headers, publish, publisher, slug } = yield* acme
      const all = [entity("invoice"), entity("note", { "x-own": [1] })]
      const tried = yield* publish(all, {}, "?dryRun=true")
      assert.deepStrictEqual([tried.status, tried.body.changed, tried.body.revision], [200, true, 1], tried.text)
      isProblem(yield* ask(at, { headers }), 404, "unknown_slug")
      const first = yield* publish(all)
      assert.deepStrictEqual(
        [first.status, first.body.slug, first.body.changed, first.body.revision, first.body.since],
        [200, slug, true, 1, 0]
      )
      assert.deepStrictEqual(
        first.body.changes.map(({ change, slug }: Record<string, string>) => [change, slug]),
        [
          ["added", "invoice"],
          ["added", "note"]
        ]
      )
      assert.notProperty(first.body.impact, "mostAffected")
      const again = yield* publish(all)
      assert.deepStrictEqual([again.body.changed, again.body.revision], [false, 1])

      const read = yield* ask(`${at}/newest`, { headers })
      assert.deepStrictEqual(read.body.definitions, [entity("invoice"), entity("note", { "x-own": [1] })])
      assert.strictEqual(read.body.template.notes, "What is new")
      const back = yield* publish(read.body.definitions)
      assert.isFalse(back.body.changed)
      const listed = yield* ask(at, { headers })
      assert.deepStrictEqual(
        listed.body.revisions.map(({ notes, revision }: Record<string, unknown>) => [revision, notes]),
        [[1, "What is new"]]
      )
      const templates = yield* ask(`/api/publishers/${publisher}/templates`, { headers })
      assert.deepStrictEqual(
        templates.body.templates.map(({ definitions, slug }: Record<string, unknown>) => [slug, definitions]),
        [[slug, 2]]
      )
      isProblem(yield* ask(`${at}/2`, { headers }), 400, "no_such_revision")
      isProblem(yield* ask(`${at}/second`, { headers }), 400, "invalid_request")
    })
  )

  it.effect("names every problem of a template with its definition and place, and writes nothing", () =>
    Effect.gen(function* () {
      const { at, headers, publish, template } = yield* acme
      const watcher = {
        version: 1,
        type: "watcher",
        slug: "inbox",
        name: "Inbox",
        schedule: "99 * * * *",
        prompt: "Look",
        extraction_schema: { type: "objct" }
      }
      const wrong = yield* publish([entity("invoice"), watcher, entity("note", { naem: "x" })])
      isProblem(wrong, 400, "template_refused")
      assert.deepStrictEqual(
        wrong.body.issues.map(({ definition, where }: Record<string, unknown>) => [definition, where]),
        [
          [1, "definitions.1.schedule"],
          [1, "definitions.1.extraction_schema.type"],
          [2, "definitions.2.naem"]
        ],
        wrong.text
      )
      assert.include(wrong.body.detail, "did you mean")
      const elsewhere = yield* ask(at, {
        body: { template: { ...template, slug: "other", publisher: "other" }, definitions: [] },
        headers
      })
      isProblem(elsewhere, 400, "template_refused")
      assert.deepStrictEqual(
        elsewhere.body.issues.map(({ message, path }: Record<string, unknown>) => [path, message]),
        [
          [["slug"], `"other" is not the template that this is sent to, which is "${template.slug}"`],
          [["publisher"], `"other" is not the publisher that this is sent to; say publisher: ${template.publisher}`]
        ]
      )
      isProblem(yield* ask(at, { headers }), 404, "unknown_slug")
      isProblem(yield* ask(at, { body: { template }, headers }), 400, "invalid_request")
      isProblem(yield* publish([], {}, "?dryrun=true"), 400, "invalid_request")
    })
  )

  it.effect("withdraws much only where that is agreed to", () =>
    Effect.gen(function* () {
      const { publish } = yield* acme
      yield* publish([entity("invoice"), entity("note"), entity("box")])
      const refused = yield* publish([entity("invoice")])
      isProblem(refused, 409, "withdrawal_not_agreed")
      assert.deepStrictEqual([refused.body.rows, refused.body.of, refused.body.installed], [2, 3, 0])
      const agreed = yield* publish([entity("invoice")], { withdraw: true })
      assert.deepStrictEqual([agreed.status, agreed.body.revision], [200, 2])
    })
  )

  it.effect("is for members and keys that may publish, and for no other publisher's", () =>
    Effect.gen(function* () {
      const { at, keyOf, template } = yield* acme
      const other = yield* acme
      const body = { template, definitions: [] }
      const reading = yield* keyOf("read")
      isProblem(yield* ask(at, { body, headers: reading }), 403, "not_permitted")
      isProblem(yield* ask(at, { body, headers: other.headers }), 404, "publisher_not_found")
      isProblem(yield* ask(at, { body }), 401, "unauthenticated")
      // Another publisher's slug is taken, whoever asks.
      const taken = yield* ask(`/api/publishers/${other.publisher}/templates/helper/revisions`, {
        body: { template: { ...template, slug: "helper", publisher: other.publisher }, definitions: [] },
        headers: other.headers
      })
      isProblem(taken, 400, "template_refused")
      assert.include(taken.body.detail, "another publisher")
    })
  )

  it.effect.skipIf(mutating)("takes five thousand definitions, which install, and no body above its limit", () =>
    Effect.gen(function* () {
      const { at, headers, publish, slug, template } = yield* acme
      const { signUp } = yield* Running
      const many = Array.from({ length: 5_000 }, (_, at) => entity(`type-${at}`, { description: "x".repeat(100) }))
      const published = yield* publish(many)
      assert.deepStrictEqual(
        [published.status, published.body.changes?.length],
        [200, 5_000],
        published.text.slice(0, 300)
      )
      const { bearer } = yield* signUp(`reader ${made}`)
      const installed = yield* ask("/api/install", { body: { slug }, headers: { authorization: bearer } })
      assert.deepStrictEqual([installed.status, installed.body.mirrored.entity_types], [200, 5_000])
      const filler = "x".repeat(publicationLimits.bytes)
      isProblem(yield* ask(at, { body: { template, definitions: [], filler }, headers }), 413, "too_large")
      const tooMany = yield* publish([...many, entity("one-more")])
      isProblem(tooMany, 400, "template_refused")
      // Elsewhere the limit is as it was.
      const large = { slug, filler: "x".repeat(70_000) }
      isProblem(yield* ask("/api/install", { body: large, headers: { authorization: bearer } }), 413, "too_large")
    })
  )

  it.effect("deprecates a template, marks a revision as broken, and withdraws what nobody has", () =>
    Effect.gen(function* () {
      const { at, headers, keyOf, publish, publisher, slug } = yield* acme
      const { signUp } = yield* Running
      const base = at.replace(/\/revisions$/, "")
      const person = Effect.suspend(() =>
        Effect.map(signUp(`taker ${++made}`), ({ bearer }) => ({ authorization: bearer }))
      )
      const [early, late] = [yield* person, yield* person]
      const install = (given: Ask["headers"] & {}) => ask("/api/install", { headers: given, body: { slug } })
      yield* publish([entity("invoice")])
      yield* publish([entity("invoice"), entity("note")])
      const had = yield* install(early)

      const broken = { method: "PUT", headers, body: { reason: "Notes are lost." } }
      const marked = yield* ask(`${at}/2/broken`, broken)
      assert.deepInclude(marked.body, { slug, revision: 2, offered: 1, deprecated: null }, marked.text)
      isProblem(yield* ask(`${at}/3/broken`, broken), 400, "no_such_revision")
      isProblem(yield* ask(`${at}/newest/broken`, broken), 400, "invalid_request")
      isProblem(yield* ask(`${at}/2/broken`, { ...broken, body: { reason: "" } }), 400, "invalid_request")
      isProblem(yield* ask(`${base}/rollouts`, { headers, body: { revision: 2 } }), 409, "revision_broken")
      const there = yield* install(late)
      assert.deepStrictEqual([there.status, there.body.revision], [200, 1])
      const back = `/api/agents/${there.body.agentId}`
      isProblem(yield* ask(`${back}/resync`, { headers: late, body: { revision: 2 } }), 409, "revision_broken")
      const seen = yield* ask(`/api/agents/${had.body.agentId}`, { headers: early })
      assert.deepInclude(seen.body, { revision: 2, newestRevision: 1, broken: "Notes are lost." })
      const mended = yield* ask(`${at}/2/broken`, { method: "DELETE", headers })
      assert.strictEqual(mended.body.offered, 2)

      const deprecation = { method: "PUT", headers, body: { reason: "There is a better one." } }
      const deprecated = yield* ask(`${base}/deprecation`, deprecation)
      assert.deepInclude(deprecated.body, { deprecated: { reason: "There is a better one.", successor: null } })
      const refused = yield* install(yield* person)
      isProblem(refused, 409, "template_deprecated")
      assert.deepInclude(refused.body, { reason: "There is a better one.", successor: null })
      const unknown = { reason: "Old", successor: "nothing-there" }
      isProblem(yield* ask(`${base}/deprecation`, { ...deprecation, body: unknown }), 404, "unknown_slug")
      const itself = { reason: "Old", successor: slug }
      isProblem(yield* ask(`${base}/deprecation`, { ...deprecation, body: itself }), 400, "invalid_request")
      const manifest = yield* ask(`/api/install/manifest/${slug}`)
      assert.strictEqual(manifest.body.deprecated.reason, "There is a better one.")

      const reading = yield* keyOf("read")
      isProblem(yield* ask(`${base}/deprecation`, { method: "DELETE", headers: reading }), 403, "not_permitted")
      isProblem(yield* ask(base, { method: "DELETE", headers: reading }), 403, "not_permitted")
      assert.isNull((yield* ask(`${base}/deprecation`, { method: "DELETE", headers })).body.deprecated)

      const used = yield* ask(base, { method: "DELETE", headers })
      isProblem(used, 409, "template_in_use")
      assert.strictEqual(used.body.installations, 2)
      yield* ask(back, { method: "DELETE", headers: late })
      yield* ask(`/api/agents/${had.body.agentId}`, { method: "DELETE", headers: early })
      assert.strictEqual((yield* ask(base, { method: "DELETE", headers })).status, 204)
      isProblem(yield* ask(base, { method: "DELETE", headers }), 404, "unknown_slug")
      isProblem(yield* install(late), 404, "unknown_slug")
      isProblem(yield* publish([entity("invoice")]), 400, "template_refused")
      assert.deepStrictEqual((yield* ask(`/api/publishers/${publisher}/templates`, { headers })).body.templates, [])
    })
  )

  afterAllAnswers((statuses) => {
    assert.deepStrictEqual(
      statuses("POST /api/publishers/{slug}/templates/{template}/revisions"),
      [200, 400, 401, 403, 404, 409, 413]
    )
  })
})
