import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Client } from "pg"
import { TemplateCatalogLive } from "../../src/layers/catalog/TemplateCatalogLive.ts"
import { PgPool } from "../../src/layers/postgres/Database.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { entityTypes, oneOfEach, template } from "../fixtures/templates.ts"
import { gatewayToken, Running, TestServer } from "./server.ts"

/** Every statement the pool's connections are given, as its text. */
const recording = Effect.map(PgPool, (pool) => {
  const texts: Array<string> = []
  const seen = new WeakSet<object>()
  pool.on("acquire", (client: Pick<Client, "query">) => {
    if (seen.has(client)) return
    seen.add(client)
    client.query = new Proxy(client.query, {
      apply: (query, self, args: Array<unknown>) => {
        const [first] = args
        texts.push(typeof first === "string" ? first : String((first as { readonly text?: string }).text))
        return Reflect.apply(query, self, args)
      }
    })
  })
  return texts
})

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the statements of an install", (it) => {
  it.effect("are as many for 10 rows as for 500, and 9 at most with session, limiter and phone", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const catalog = yield* TemplateCatalog
      yield* catalog.publish(template("small", [...oneOfEach, ...entityTypes(6)]))
      yield* catalog.publish(template("large", [...oneOfEach, ...entityTypes(496)]))
      const texts = yield* recording
      const statementsOf = (name: string, slug: string) =>
        Effect.gen(function* () {
          const { bearer } = yield* signUp(name)
          const headers = { authorization: bearer }
          const body = { slug, whatsapp_phone: "07911 123456" }
          const counts: Array<number> = []
          for (const created of [true, false]) {
            texts.length = 0
            const answer = yield* ask("/api/install", { headers, body })
            assert.deepStrictEqual([answer.status, answer.body.created], [200, created], answer.text)
            counts.push(texts.filter((text) => !/^(BEGIN|COMMIT)$/.test(text)).length)
          }
          return counts
        })
      const small = yield* statementsOf("Small", "small")
      const large = yield* statementsOf("Large", "large")
      assert.deepStrictEqual(large, small)
      assert.isAtMost(Math.max(...small), 9)
      assert.isAbove(Math.min(...small), 3)
      const sql = yield* SqlClient.SqlClient
      const rows = yield* sql`SELECT count(*)::integer AS rows FROM mirror_ledger`
      assert.deepStrictEqual(rows, [{ rows: 510 }])
    })
  )
})

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the statements of a look-up", (it) => {
  it.effect("are one, for one identifier and for 500, proved, claimed and unknown", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const { bearer } = yield* signUp("Looked Up")
      const headers = { authorization: `Bearer ${gatewayToken}` }
      yield* ask("/api/identities/phone", { headers: { authorization: bearer }, body: { phone: "+447911123456" } })
      const texts = yield* recording
      const lookUp = (count: number) =>
        Effect.gen(function* () {
          const identities = Array.from({ length: count }, (_, at) => ({
            namespace: "wa_jid",
            identifier: `${447911123456 + at}@s.whatsapp.net`
          }))
          texts.length = 0
          const { body, status } = yield* ask("/api/identities/lookup", { headers, body: { identities } })
          assert.strictEqual(status, 200)
          assert.strictEqual(texts.length, 1)
          return body.identities[0]
        })
      const { prompt } = yield* lookUp(1)
      yield* ask(`/api/identities/pending/${prompt.pendingId}/answer`, {
        headers,
        body: { platform: "whatsapp", platformUserId: "447911123456@s.whatsapp.net", yes: true }
      })
      assert.isTrue((yield* lookUp(1)).verified)
      assert.isTrue((yield* lookUp(500)).verified)
    })
  )
})

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("the statements of a manifest", (it) => {
  it.effect("read the template's rows once a revision, also where another process publishes it", () =>
    Effect.gen(function* () {
      const { ask } = yield* Running
      const elsewhere = yield* Layer.build(Layer.fresh(TemplateCatalogLive))
      const publish = (size: number) =>
        Context.get(elsewhere, TemplateCatalog).publish(template("shown", [...oneOfEach, ...entityTypes(size)]))
      const texts = yield* recording
      const show = (etag = "none") =>
        Effect.gen(function* () {
          texts.length = 0
          const headers = { "if-none-match": etag }
          const { body, headers: told, status } = yield* ask("/api/install/manifest/shown", { headers })
          const reads = texts.filter((text) => text.includes("template_revision_rows")).length
          return { status, reads, statements: texts.length, revision: body?.revision, etag: String(told.etag) }
        })
      yield* publish(1)
      const first = yield* show()
      assert.deepInclude(first, { status: 200, reads: 1, statements: 2, revision: 1 })
      assert.deepInclude(yield* show(), { status: 200, reads: 0, statements: 1, revision: 1, etag: first.etag })
      assert.deepInclude(yield* show(first.etag), { status: 304, reads: 0, statements: 1, etag: first.etag })
      yield* publish(2)
      const second = yield* show(first.etag)
      assert.deepInclude(second, { status: 200, reads: 1, statements: 2, revision: 2 })
      assert.deepInclude(yield* show(second.etag), { status: 304, reads: 0, statements: 1 })
    }).pipe(Effect.scoped)
  )
})
