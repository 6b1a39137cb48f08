import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { openApi } from "../../../src/http/Api.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { type Ask, afterAllAnswers, isProblem, Running, TestServer } from "../server.ts"

let people = 0

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("/api/agents", (it) => {
  const ask = (path: string, given?: Ask) => Effect.flatMap(Running, (running) => running.ask(path, given))
  const query = (text: string, values: ReadonlyArray<unknown>) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.orDie(sql.unsafe(text, [...values])))

  /** A person with the template installed, and what they may ask. */
  const installed = (slug = "helper") =>
    Effect.gen(function* () {
      const { signUp } = yield* Running
      const session = yield* signUp(`Owner ${++people}`)
      const headers = { authorization: session.bearer }
      const { body } = yield* ask("/api/install", { headers, body: { slug } })
      const agent = `/api/agents/${body.agentId}`
      return {
        ...session,
        agentId: String(body.agentId),
        organizationId: String(body.organizationId),
        agent,
        headers,
        get: (path = "") => ask(`${agent}${path}`, { headers }),
        resync: (wanted: unknown = {}) => ask(`${agent}/resync`, { headers, body: wanted }),
        uninstall: (search = "") => ask(`${agent}${search}`, { headers, method: "DELETE" })
      }
    })

  it.effect("lets a person read so often in a minute, and says when to come back", () =>
    Effect.gen(function* () {
      const { signUp } = yield* Running
      const { bearer } = yield* signUp(`Reader ${++people}`)
      const headers = { authorization: bearer }
      const paths = ["/api/agents", "/api/agents/agent_none", "/api/agents/agent_none/history", "/api/identities"]
      for (let at = 0; at < 100; at++) {
        const { headers: told, status } = yield* ask(paths[at % paths.length] ?? "", { headers })
        assert.notStrictEqual(status, 429)
        assert.match(String(told.ratelimit), new RegExp(`^"read";r=${99 - at};t=`))
      }
      for (const path of paths) {
        const answer = yield* ask(path, { headers })
        isProblem(answer, 429, "rate_limited")
        assert.isAtMost(Number(answer.headers["retry-after"]), 60)
      }
      const other = yield* signUp(`Reader ${++people}`)
      assert.strictEqual((yield* ask("/api/agents", { headers: { authorization: other.bearer } })).status, 200)
    })
  )

  it.effect("installs by reference where the publisher offers it, and changes that later", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const { signUp } = yield* Running
      yield* catalog.publish(template("referred", oneOfEach, { modes: ["reference", "copy"] }))
      yield* catalog.publish(template("copied", [definition("entity_types", "copied")]))
      const { bearer } = yield* signUp(`Owner ${++people}`)
      const headers = { authorization: bearer }
      const refused = yield* ask("/api/install", { headers, body: { slug: "copied", mode: "reference" } })
      isProblem(refused, 400, "mode_not_offered")
      const { body: made } = yield* ask("/api/install", { headers, body: { slug: "referred" } })
      assert.deepInclude(made, {
        created: true,
        mirrored: { entity_types: 1, entity_relationship_types: 1, watchers: 1, event_classifiers: 1 }
      })
      const agent = `/api/agents/${made.agentId}`
      const seen = (yield* ask(agent, { headers })).body
      assert.deepInclude(seen, { mode: "reference", revision: 1 })
      const { body: plan } = yield* ask(`${agent}/plan?revision=1`, { headers })
      const stale = yield* ask(`${agent}/mode`, { headers, body: { mode: "copy", expectedPlan: "0".repeat(64) } })
      isProblem(stale, 409, "plan_stale")
      const changed = yield* ask(`${agent}/mode`, { headers, body: { mode: "copy", expectedPlan: plan.planHash } })
      assert.deepStrictEqual(
        [changed.status, changed.body.mode, changed.body.redirectTo],
        [200, "copy", made.redirectTo]
      )
      assert.deepStrictEqual((yield* ask(agent, { headers })).body, { ...seen, mode: "copy" })
      assert.strictEqual((yield* ask(`${agent}/plan`, { headers })).body.planHash, plan.planHash)
      const { body: history } = yield* ask(`${agent}/history`, { headers })
      assert.deepStrictEqual(
        history.entries.map(({ action, rows }: { action: string; rows: ReadonlyArray<unknown> }) => [
          action,
          rows.length
        ]),
        [
          ["mode", 0],
          ["install", 4]
        ]
      )
      isProblem(yield* ask("/api/agents/agent_none/mode", { headers, body: { mode: "copy" } }), 404, "agent_not_found")
      isProblem(yield* ask(`${agent}/mode`, { headers, body: { mode: "other" } }), 400, "invalid_request")
      const { body: other } = yield* ask("/api/install", { headers, body: { slug: "copied" } })
      const unoffered = yield* ask(`/api/agents/${other.agentId}/mode`, { headers, body: { mode: "reference" } })
      isProblem(unoffered, 400, "mode_not_offered")
    })
  )

  it.effect("shows what is installed, brings it up to date, back, and takes it away", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const rows = [...oneOfEach, definition("entity_types", "extra")]
      yield* catalog.publish(template("walked", rows))
      const owner = yield* installed("walked")
      yield* catalog.publish(template("walked", [...oneOfEach, definition("entity_types", "other")]))
      yield* query("UPDATE entity_types SET name = 'Mine' WHERE organization_id = $1 AND slug = 'invoice'", [
        owner.organizationId
      ])

      const list = yield* ask("/api/agents", { headers: owner.headers })
      const seen = yield* owner.get()
      assert.deepStrictEqual(list.body.agents, [seen.body])
      assert.deepInclude(seen.body, { agentId: owner.agentId, revision: 1, newestRevision: 2, pinned: false })
      assert.deepInclude(seen.body.counts.entity_types, { customized: 1, create: 1, retire: 1 })
      assert.deepStrictEqual(seen.body.customized, [
        { kind: "entity_types", slug: "invoice", name: "Mine", fields: ["name"] }
      ])

      const plan = yield* owner.get("/plan")
      assert.match(String(plan.headers.ratelimit), /^"change";r=/)
      const resynced = yield* owner.resync({ expectedPlan: plan.body.planHash })
      assert.strictEqual(resynced.status, 200, resynced.text)
      const redirectTo = `/${seen.body.organizationSlug}/agents/${owner.agentId}`
      assert.deepInclude(resynced.body, { agentId: owner.agentId, revision: 2, pinned: false, redirectTo })
      isProblem(yield* owner.resync({ expectedPlan: plan.body.planHash }), 409, "plan_stale")

      const back = yield* owner.resync({ revision: 1, revert: [{ kind: "entity_types", slug: "invoice" }] })
      assert.deepInclude(back.body, { revision: 1, pinned: true })
      const again = yield* ask("/api/install", { headers: owner.headers, body: { slug: "walked" } })
      assert.deepInclude(again.body, { revision: 1, pinned: true })
      assert.strictEqual((yield* owner.get("/plan?revision=newest")).body.revision, 2)
      const follows = yield* ask(`${owner.agent}/resync`, { headers: owner.headers, body: { revision: "newest" } })
      assert.deepInclude(follows.body, { revision: 2, pinned: false })

      const history = yield* owner.get("/history?limit=2")
      assert.deepStrictEqual(
        history.body.entries.map((entry: { revision: number }) => entry.revision),
        [2, 1]
      )
      const reverted = history.body.entries[1].rows.find((row: { did: string }) => row.did === "reverted")
      assert.deepStrictEqual([reverted.before.name, reverted.after.name], ["Mine", "invoice"])
      assert.match(history.body.entries[1].at, /^\d{4}-\d\d-\d\dT/)
      assert.strictEqual(history.body.entries[1].by.name, `Owner ${people}`)
      const older = yield* owner.get(`/history?before=${history.body.next}`)
      assert.strictEqual(older.body.entries.length, 2)

      const leaving = yield* owner.get("/uninstall-plan")
      assert.strictEqual(leaving.body.removed.length, 5)
      isProblem(yield* owner.uninstall("?expectedPlan=other"), 400, "invalid_request")
      isProblem(yield* owner.uninstall("?expectedPlan="), 400, "invalid_request")
      isProblem(yield* owner.uninstall(`?expectedPlan=${"0".repeat(64)}`), 409, "plan_stale")
      const gone = yield* owner.uninstall(`?expectedPlan=${leaving.body.planHash}`)
      assert.deepStrictEqual([gone.status, gone.body.agentRemoved, gone.body.kept], [200, true, []])
      isProblem(yield* owner.uninstall(), 404, "agent_not_found")
      isProblem(yield* owner.get(), 404, "agent_not_found")
    })
  )

  it.effect("answers in pages of a size that no client decides, however large the history is", () =>
    Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const types = (text: string) =>
        Array.from({ length: 40 }, (_, at) =>
          definition("entity_types", `type-${at}`, {
            content: { metadata_schema: { description: text.repeat(2_000) } }
          })
        )
      yield* catalog.publish(template("lengthy", types("ab")))
      const owner = yield* installed("lengthy")
      yield* catalog.publish(template("lengthy", types("cd")))
      assert.strictEqual((yield* owner.resync()).status, 200)
      yield* query(
        `INSERT INTO mirror_history (organization_id, template_agent_id, agent_id, user_id, action, revision, rows)
        SELECT organization_id, template_agent_id, agent_id, user_id, action, revision, rows
        FROM mirror_history, generate_series(1, 99) WHERE organization_id = $1 AND action = 'resync'`,
        [owner.organizationId]
      )
      for (const rows of ["", "&rows=changed", "&rows=whole"]) {
        const { body, text } = yield* owner.get(`/history?limit=100${rows}`)
        assert.isAtMost(Buffer.byteLength(text), 1.2 * 1024 * 1024)
        assert.isAtLeast(body.entries.length, 2)
        const older = yield* owner.get(`/history?limit=100${rows}&before=${body.next}`)
        assert.strictEqual(Number(older.body.entries[0].id), Number(body.entries.at(-1).id) - 1)
      }
      const list = yield* ask("/api/agents?limit=1", { headers: owner.headers })
      assert.deepStrictEqual([list.body.agents.length, list.body.next], [1, null])
    })
  )

  it.effect("takes a resync without a body, and refuses what it can't read", () =>
    Effect.gen(function* () {
      const owner = yield* installed()
      const bare = yield* ask(`${owner.agent}/resync`, { headers: owner.headers, method: "POST" })
      assert.strictEqual(bare.status, 200, bare.text)
      const row = { kind: "entity_types", slug: "invoice" }
      const refused: ReadonlyArray<readonly [unknown, string]> = [
        [{ expectedPlan: "other" }, "expectedPlan"],
        [{ expectedPlan: null }, "expectedPlan"],
        [{ revision: 0 }, "revision"],
        [{ revision: "latest" }, "revision"],
        [{ revision: 2_147_483_648 }, "revision"],
        [{ revert: "invoice" }, "revert"],
        [{ revert: [{ kind: "entity_types" }] }, "revert.0.slug"],
        [{ revert: [{ kind: 7, slug: "invoice" }] }, "revert.0.kind"],
        [{ revert: [row, row] }, "revert.1"],
        [{ adopt: [row], restore: [row] }, "restore.0"]
      ]
      for (const [body, path] of refused) {
        const answer = yield* owner.resync(body)
        isProblem(answer, 400, "invalid_request")
        assert.include(
          answer.body.issues.map((issue: { path: string }) =>
            issue.path.split(".").slice(0, path.split(".").length).join(".")
          ),
          path
        )
      }
      for (const path of [
        "/plan?revision=x",
        "/plan?revision=0",
        "/plan?revision=2147483648",
        "/history?limit=0",
        "/history?before=x",
        "/history?rows=all"
      ]) {
        isProblem(yield* owner.get(path), 400, "invalid_request")
      }
      for (const path of ["/api/agents?limit=101", "/api/agents?before=7", "/api/agents?before=7-%00"]) {
        isProblem(yield* ask(path, { headers: owner.headers }), 400, "invalid_request")
      }
      isProblem(yield* owner.resync({ revision: 99 }), 400, "no_such_revision")
      isProblem(yield* owner.get("/plan?revision=99"), 400, "no_such_revision")
      const catalog = yield* TemplateCatalog
      const { templateAgentId } = yield* catalog.publish(template("failing", oneOfEach))
      const failing = yield* installed("failing")
      yield* catalog.publish(template("failing", [...oneOfEach, definition("entity_types", "note")]))
      yield* query("UPDATE template_revisions SET broken = 'It fails' WHERE template_agent_id = $1 AND revision = 2", [
        templateAgentId
      ])
      isProblem(yield* failing.get("/plan?revision=2"), 409, "revision_broken")
      isProblem(yield* failing.resync({ revision: 2 }), 409, "revision_broken")
      const none = yield* owner.resync({ revert: [row], restore: [{ kind: "gizmos", slug: "x" }] })
      isProblem(none, 400, "no_such_row")
      assert.deepStrictEqual(none.body.rows, [
        { list: "revert", kind: "entity_types", slug: "invoice", verdict: "unchanged" },
        { list: "restore", kind: "gizmos", slug: "x", verdict: null }
      ])
      const large = yield* owner.resync({ expectedPlan: "x".repeat(70_000) })
      isProblem(large, 413, "too_large")
      const encoded = { ...owner.headers, "content-encoding": "gzip" }
      const compressed = yield* ask(`${owner.agent}/resync`, { headers: encoded, body: {} })
      isProblem(compressed, 415, "unsupported_media_type")
    })
  )

  it.effect("tells a stranger as little of an agent that is there as of one that is not", () =>
    Effect.gen(function* () {
      const owner = yield* installed()
      const stranger = yield* installed()
      const asked = (id: string): ReadonlyArray<readonly [string, Ask]> => [
        [`/api/agents/${id}`, {}],
        [`/api/agents/${id}`, { method: "DELETE" }],
        [`/api/agents/${id}/plan`, {}],
        [`/api/agents/${id}/uninstall-plan`, {}],
        [`/api/agents/${id}/history`, {}],
        [`/api/agents/${id}/resync`, { body: {} }]
      ]
      for (const id of [owner.agentId, "agent_none", "%00"]) {
        for (const [path, given] of asked(id)) {
          const answer = yield* ask(path, { ...given, headers: stranger.headers })
          isProblem(answer, 404, "agent_not_found")
          isProblem(yield* ask(path, given), 401, "unauthenticated")
        }
      }
      isProblem(yield* ask("/api/agents"), 401, "unauthenticated")
    })
  )

  it.effect("lets a plain member look, and refuses them the rest", () =>
    Effect.gen(function* () {
      const owner = yield* installed()
      const member = yield* installed()
      yield* query(
        "INSERT INTO member (organization_id, user_id, role) SELECT $1, user_id, 'member' FROM member WHERE organization_id = $2",
        [owner.organizationId, member.organizationId]
      )
      const { headers } = member
      assert.strictEqual((yield* ask(owner.agent, { headers })).status, 200)
      assert.lengthOf((yield* ask("/api/agents", { headers })).body.agents, 2)
      isProblem(yield* ask(owner.agent, { headers, method: "DELETE" }), 400, "not_org_admin")
      isProblem(yield* ask(`${owner.agent}/resync`, { headers, body: {} }), 400, "not_org_admin")
      isProblem(yield* ask(`${owner.agent}/plan`, { headers }), 400, "not_org_admin")
      isProblem(yield* ask(`${owner.agent}/uninstall-plan`, { headers }), 400, "not_org_admin")
    })
  )

  it.effect("refuses a cookie from another site, and a budget that is spent", () =>
    Effect.gen(function* () {
      const owner = yield* installed()
      const foreign = { cookie: owner.cookie, origin: "https://evil.example" }
      isProblem(yield* ask(`${owner.agent}/resync`, { headers: foreign, body: {} }), 403, "foreign_origin")
      isProblem(yield* ask(owner.agent, { headers: foreign, method: "DELETE" }), 403, "foreign_origin")
      assert.strictEqual((yield* ask(owner.agent, { headers: foreign })).status, 200)
      yield* Effect.replicateEffect(owner.get("/plan"), 40, { concurrency: 8 })
      for (const refused of [
        yield* owner.get("/plan"),
        yield* owner.get("/uninstall-plan"),
        yield* owner.resync(),
        yield* owner.uninstall()
      ]) {
        isProblem(refused, 429, "rate_limited")
        assert.isDefined(refused.headers["retry-after"])
      }
      assert.strictEqual((yield* owner.get()).status, 200)
    })
  )

  // All that the document promises, but for faults; the routes with tests of their own aside.
  afterAllAnswers((statuses) => {
    const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      path.startsWith("/api/agents") && !/\/(watchers|rows|mode|updates)/.test(path)
        ? Object.entries(methods as Record<string, { readonly responses: object }>).map(
            ([method, { responses }]) =>
              [`${method.toUpperCase()} ${path}`, Object.keys(responses).map(Number)] as const
          )
        : []
    )
    assert.lengthOf(operations, 7)
    for (const [name, promised] of operations) {
      assert.sameMembers([...statuses(name), 500, 503], promised, name)
    }
  })
})
