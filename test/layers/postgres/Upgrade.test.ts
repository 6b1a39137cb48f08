import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import pg from "pg"
import { Auth } from "../../../src/services/account/Auth.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { askAuth } from "../../askAuth.ts"
import { servicesOn } from "../../live.ts"
import { ownDatabase } from "../../pg.ts"
import { credential } from "../../worlds.ts"

/**
 * What the release before (its newest migration is 0012) left in its database, as pg_dump tells it: Ada has installed revision 1,
 * renamed `invoice`, deleted `receipt`, made an entity of `contract`, and proved a phone; Bob has followed to revision 2, which
 * withdraws `contract`, adds `budget` and changes `invoice` and `inbox`.
 */
const before = readFileSync(new URL("../../fixtures/release-0012.sql", import.meta.url), "utf8")

const fill = (url: Redacted.Redacted<string>) =>
  Effect.promise(async () => {
    const client = new pg.Client({ connectionString: Redacted.value(url) })
    await client.connect()
    await client.query(before)
    await client.end()
  })

const signedIn = (email: string) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const response = yield* askAuth("sign-in/email", { email, password: "a long password" })
    assert.strictEqual(response.status, 200)
    return yield* auth.identify(credential({ bearer: `Bearer ${response.headers.get("set-auth-token")}` }))
  })

const onlyAgent = (email: string) =>
  Effect.gen(function* () {
    const agents = yield* InstalledAgents
    const { userId } = yield* signedIn(email)
    const { agents: found } = yield* agents.list(userId, { limit: 100 })
    const [agent] = found
    assert(agent !== undefined && found.length === 1)
    const { agentId, organizationId, template } = agent
    return { agent, request: { userId, organizationId, templateAgentId: template.templateAgentId, agentId } }
  })

describe("a database of the release before", () => {
  it.scopedLive("goes on: accounts, phones, what was changed, deleted, used and done", () =>
    Effect.gen(function* () {
      const url = yield* ownDatabase("template0")
      yield* fill(url)
      const day = Effect.gen(function* () {
        const [agents, linker, mirror] = yield* Effect.all([InstalledAgents, IdentityLinker, TemplateMirror])

        const ada = yield* onlyAgent("ada@example.org")
        const { rows } = yield* mirror.planResync(ada.request)
        assert.sameDeepMembers(
          rows.map(({ because, slug, verdict }) => [slug, verdict, because]),
          [
            ["budget", "create", null],
            ["contract", "retire", "in_use"],
            ["invoice", "customized", null],
            ["receipt", "deleted_by_owner", null],
            ["pays", "unchanged", null],
            ["inbox", "update", null],
            ["topic", "unchanged", null]
          ]
        )
        const applied = yield* mirror.resync(ada.request)
        assert.deepStrictEqual([applied.agentId, applied.created, applied.revision], [ada.agent.agentId, false, 2])
        const { entries } = yield* agents.history(ada.agent, { limit: 10, rows: "changed" })
        assert.deepStrictEqual(
          entries.map(({ action, revision }) => [action, revision]),
          [
            ["resync", 2],
            ["install", 1]
          ]
        )
        const [found = null] = yield* linker.lookup({
          identities: [{ namespace: "wa_jid", identifier: "447911123456@s.whatsapp.net" }]
        })
        assert(found?.verified === true && found.person.userId === ada.request.userId)

        const bob = yield* onlyAgent("bob@example.org")
        const plan = yield* mirror.planResync(bob.request)
        assert.deepStrictEqual([...new Set(plan.rows.map(({ verdict }) => verdict))], ["unchanged"])
        const { agentRemoved, kept, removed } = yield* mirror.uninstall({ ...bob.request, expectedPlan: undefined })
        assert.deepStrictEqual([agentRemoved, kept, removed.length], [true, [], 6])
      })
      yield* Effect.provide(day, servicesOn(url))
    })
  )
})
