import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpServer } from "@effect/platform"
import { assert, layer } from "@effect/vitest"
import { Effect, Runtime } from "effect"
import { Slug } from "../../src/domain/Ids.ts"
import { TemplateCatalog } from "../../src/services/catalog/TemplateCatalog.ts"
import { Publishers } from "../../src/services/publishing/Publishers.ts"
import { Rollouts } from "../../src/services/rollout/Rollouts.ts"
import { run } from "../e2e/processes.ts"
import { definition, template } from "../fixtures/templates.ts"
import { Running, TestServer } from "../http/server.ts"

const folderOf = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "agent-install-publish-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const filesBelow = async (folder: string) => {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".yaml")).sort()
  return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const))
}

layer(TestServer, { timeout: "60 seconds", excludeTestServices: true })("publishing to a service", (it) => {
  it.scoped("sends what a folder says with a key alone, and fetches it back unchanged", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const { address } = yield* HttpServer.HttpServer
      const publishers = yield* Publishers
      const url = `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}`
      const { bearer } = yield* signUp("Ada")
      const work = yield* folderOf
      const [begun, fetched] = [join(work, "begun"), join(work, "fetched")]
      yield* Effect.orDie(publishers.create(Slug.make("begun"), "Ada@example.org"))
      const { body } = yield* ask("/api/publishers/begun/keys", {
        body: { name: "CI", scopes: ["publish"] },
        headers: { authorization: bearer }
      })
      const given = { AGENT_INSTALL_KEY: String(body.key) }

      assert.strictEqual((yield* run(["template", "init", begun])).code, 0)
      assert.strictEqual((yield* run(["template", "init", begun])).code, 1)
      assert.include((yield* run(["template", "validate", begun])).out, "begun is right: 4 definitions.")
      // Each file names the schema by which an editor knows what it may say.
      const [first = ""] = (yield* Effect.promise(() => readFile(join(begun, "template.yaml"), "utf8"))).split("\n")
      assert.strictEqual(first, "# yaml-language-server: $schema=http://localhost:3000/schemas/template.json")
      const schema = yield* ask("/schemas/watcher.json")
      assert.deepStrictEqual([schema.status, schema.body.properties.type.enum], [200, ["watcher"]])
      assert.strictEqual((yield* ask("/schemas/nothing.json")).status, 404)
      const keyless = yield* run(["template", "publish", "--url", url, begun])
      assert.deepStrictEqual([keyless.code, keyless.err.split(" ")[0]], [1, "AGENT_INSTALL_KEY"])
      const wrongKey = yield* run(["template", "publish", "--url", url, begun], { AGENT_INSTALL_KEY: "aik_x" })
      assert.include(wrongKey.err, "is no key at")

      const tried = yield* run(["template", "diff", "--url", url, begun], given)
      assert.include(tried.out, "Publishing begun would make revision 1:", tried.err)
      const published = yield* run(["template", "publish", "--url", url, begun], given)
      assert.include(published.out, "Published begun, revision 1: 4 definitions", published.err)
      const again = yield* run(["template", "publish", "--url", url, begun], given)
      assert.include(again.out, "Nothing changed: begun stays at revision 1")

      const pulled = yield* run(["template", "pull", url, "begun", fetched], given)
      assert.include(pulled.out, "Wrote begun, revision 1", pulled.err)
      const unchanged = yield* run(["template", "publish", "--url", url, fetched], given)
      assert.include(unchanged.out, "Nothing changed: begun stays at revision 1", unchanged.err)
      const twice = join(work, "twice")
      yield* run(["template", "pull", url, "begun", twice], given)
      assert.deepStrictEqual(
        yield* Effect.promise(() => filesBelow(twice)),
        yield* Effect.promise(() => filesBelow(fetched))
      )

      // What only the service can find is reported with its place in the files, as by the database.
      const watcher = join(begun, "models", "watcher-due-invoices.yaml")
      yield* Effect.promise(() => appendFile(watcher, "was: [nothing]\n"))
      const refused = yield* run(["template", "publish", "--url", url, begun], given)
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /watcher-due-invoices\.yaml:16:7: was\.0: no revision ever had the watcher "nothing"/)

      yield* Effect.promise(() => rm(join(fetched, "models", "entity-invoice.yaml")))
      yield* Effect.promise(() => rm(join(fetched, "models", "relationship-paid-by.yaml")))
      yield* Effect.promise(() => rm(join(fetched, "models", "classifier-urgency.yaml")))
      const much = yield* run(["template", "publish", "--url", url, fetched], given)
      assert.deepStrictEqual([much.code, much.err.includes("It withdraws 3 of 4 rows.")], [1, true], much.err)
      const agreed = yield* run(["template", "publish", "--yes", "--url", url, fetched], given)
      assert.include(agreed.out, "Published begun, revision 2: 1 definitions", agreed.err)

      const there = ["--url", url]
      const broken = yield* run(["template", "broken", ...there, "--reason", "It fails", "begun", "2"], given)
      assert.include(broken.out, "Nobody is brought to revision 2 any more. What is offered is revision 1.", broken.err)
      const mended = yield* run(["template", "broken", ...there, "--undo", "begun", "2"], given)
      assert.include(mended.out, "What is offered is revision 2.", mended.err)
      const deprecated = yield* run(["template", "deprecate", ...there, "--reason", "Old", "begun"], given)
      assert.include(deprecated.out, "nobody installs it anew. 0 organizations have it", deprecated.err)
      assert.include(
        (yield* run(["template", "restore", ...there, "begun"], given)).out,
        "begun is installed as before"
      )
      const unsaid = yield* run(["template", "withdraw", ...there, "begun"], given)
      assert.deepStrictEqual([unsaid.code, unsaid.err.includes("Say --yes")], [1, true])
      const withdrawn = yield* run(["template", "withdraw", "--yes", ...there, "begun"], given)
      assert.include(withdrawn.out, "begun is withdrawn for good", withdrawn.err)
      assert.include((yield* run(["template", "restore", ...there, "begun"], given)).err, "begun")
    })
  )

  it.scoped("follows a roll-out while the service is away for a moment", () =>
    Effect.gen(function* () {
      const { ask, signUp } = yield* Running
      const publishers = yield* Publishers
      const rollouts = yield* Rollouts
      const catalog = yield* TemplateCatalog
      const { bearer } = yield* signUp("Bob")
      yield* Effect.orDie(publishers.create(Slug.make("followed-publisher"), "Bob@example.org"))
      const { body } = yield* ask("/api/publishers/followed-publisher/keys", {
        body: { name: "CI", scopes: ["read"] },
        headers: { authorization: bearer }
      })
      const { templateAgentId } = yield* catalog.publish(template("followed", [definition("entity_types", "bill")]))
      const course = { revision: 1, waves: [100], advance: "manual" as const, stopAbove: 1 }
      const rolloutId = yield* rollouts.start(templateAgentId, course)

      // What stands in front of the service finds nobody there, then says so in its own words, then finds it again, at its end.
      let asked = 0
      const runtime = yield* Effect.runtime()
      const proxy = createServer((request, response) => {
        const number = ++asked
        if (number === 2) return void request.destroy()
        if (number === 3) return void response.writeHead(502).end("Bad gateway")
        const headers = { authorization: String(request.headers.authorization) }
        const answering = Effect.gen(function* () {
          if (number === 4) yield* rollouts.stop("cancel", templateAgentId, rolloutId)
          const answer = yield* ask(String(request.url), { headers })
          response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.text)
        })
        Runtime.runFork(runtime)(answering)
      })
      yield* Effect.acquireRelease(
        Effect.async<void>((resume) => {
          proxy.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () => Effect.sync(() => proxy.close())
      )
      const front = proxy.address()
      const url = `http://127.0.0.1:${typeof front === "object" ? front?.port : 0}`
      const told = ["--url", url, "--publisher", "followed-publisher", "--rollout", rolloutId]
      const given = { AGENT_INSTALL_KEY: String(body.key) }
      const followed = yield* run(["rollout", "status", "followed", ...told, "--follow"], given)
      assert.deepStrictEqual([followed.code, asked], [0, 4], followed.err)
      assert.deepStrictEqual(
        followed.out.split("\n").map((line) => line.replace(/.* revision 1, /, "")),
        ["wave 1 of 1", "cancelled", ""]
      )

      // Whoever only asks once is told at once.
      asked = 1
      const away = yield* run(["rollout", "status", "followed", ...told], given)
      assert.strictEqual(away.code, 1)
      assert.include(away.err, `No service answers at ${url}`)
    })
  )
})
