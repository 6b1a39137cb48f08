import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { Adoptions } from "../../../src/services/installation/Adoptions.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worldsOfBothModes } from "../../worlds.ts"

let templates = 0

for (const [label, world] of worldsOfBothModes) {
  it.layer(world, { timeout: "60 seconds" })(`Adoptions (${label})`, (it) => {
    it.effect("tell how a template fares, in numbers, as its people change it", () =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const adoptions = yield* Adoptions
        const agents = yield* InstalledAgents
        const hands = yield* Hands
        const slug = `adopted-${++templates}`
        const types = (...slugs: ReadonlyArray<string>) => slugs.map((one) => definition("entity_types", one))
        const publish = (...slugs: ReadonlyArray<string>) =>
          Effect.orDie(catalog.publish(template(slug, types(...slugs))))
        const { templateAgentId } = yield* publish("bill", "invoice", "letter")
        const empty = yield* adoptions.of(templateAgentId)
        assert.deepStrictEqual(empty, {
          installations: 0,
          following: 0,
          pinned: 0,
          manual: 0,
          revisions: [],
          kinds: [],
          rows: [],
          days: [],
          counted: 0,
          countedSince: null
        })

        // Where templates are installed by reference, two of them are copies all the same.
        const modeOf = (at: number) => (label.includes("reference") && at % 2 === 1 ? { mode: "copy" as const } : {})
        const people = yield* Effect.forEach([1, 2, 3, 4, 5], (_, at) =>
          Effect.gen(function* () {
            const { organization, userId } = yield* newPerson()
            const request = { userId, organizationId: organization.id, templateAgentId }
            const { agentId } = yield* Effect.orDie(mirror.apply({ ...request, ...modeOf(at) }))
            const row = (slug: string) => ({ organizationId: organization.id, kind: "entity_types" as const, slug })
            return { agentId, request, row, userId }
          })
        )
        const [ada, ben, cem, dee, eli] = people
        assert(ada && ben && cem && dee && eli)
        yield* hands.rename(ada.row("invoice"), "My own words")
        yield* hands.rename(ben.row("invoice"), "Others")
        yield* hands.remove(ben.row("bill"))
        yield* hands.use(cem.row("letter"))
        yield* hands.author(dee.row("receipt"))
        yield* publish("bill", "invoice", "receipt")
        yield* mirror.apply(cem.request)
        yield* mirror.resync({ ...ada.request, agentId: ada.agentId, revision: 1 })
        yield* agents.setUpdates(ben.userId, ben.agentId, "manual")
        yield* mirror.uninstall({ ...eli.request, agentId: eli.agentId })

        const { countedSince, days, ...told } = yield* adoptions.of(templateAgentId)
        const none = { customized: 0, deleted: 0, colliding: 0, retired: 0 }
        assert.deepStrictEqual(told, {
          installations: 4,
          following: 2,
          pinned: 1,
          manual: 1,
          revisions: [
            { revision: 2, installations: 1, pinned: 0 },
            { revision: 1, installations: 3, pinned: 1 }
          ],
          kinds: [{ kind: "entity_types", customized: 2, deleted: 1, colliding: 1, retired: 1 }],
          rows: [
            { kind: "entity_types", slug: "invoice", ...none, customized: 2 },
            { kind: "entity_types", slug: "bill", ...none, deleted: 1 },
            { kind: "entity_types", slug: "letter", ...none, retired: 1 },
            { kind: "entity_types", slug: "receipt", ...none, colliding: 1 }
          ],
          counted: 4
        })
        assert.isNotNull(countedSince)
        assert.deepStrictEqual(
          [days.reduce((sum, { installs }) => sum + installs, 0), days.reduce((sum, one) => sum + one.uninstalls, 0)],
          [5, 1]
        )
        // What they take back is not told any more.
        yield* mirror.apply({ ...ben.request, revert: [{ kind: "entity_types", slug: "invoice" }] })
        const { rows } = yield* adoptions.of(templateAgentId)
        assert.deepInclude(rows, { kind: "entity_types", slug: "invoice", ...none, customized: 1 })
      })
    )
  })
}
