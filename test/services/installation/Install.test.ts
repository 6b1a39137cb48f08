import { assert, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import type { InstallRequest } from "../../../src/domain/installation/Install.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { install } from "../../../src/services/installation/Install.ts"
import { installs, rowsMirrored } from "../../../src/services/installation/InstallMetrics.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newVisitor, worlds } from "../../worlds.ts"

let made = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`an install (${label})`, (it) => {
    /** Somebody who is signed in, and how they install a template. */
    const installing = Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const visitor = yield* newVisitor
      const { templateAgentId } = yield* Effect.orDie(catalog.publish(template(`installed-${++made}`, oneOfEach)))
      const ask = (wanted: Partial<InstallRequest> = {}) =>
        install({ credential: visitor.session, body: Effect.succeed({ templateAgentId, ...wanted } as InstallRequest) })
      return { ...visitor, ask, templateAgentId }
    })

    it.effect("does what its person wishes for rows of theirs", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const { ask, organization } = yield* installing
        const invoice = { kind: "entity_types", slug: "invoice" } as const
        const row = { organizationId: organization.id, ...invoice }
        const icons = Effect.map(hands.rows(organization.id), (rows) =>
          rows.flatMap(({ content, slug }) => (slug === invoice.slug ? [(content as { icon?: unknown }).icon] : []))
        )
        yield* hands.author(row)
        assert.deepStrictEqual(yield* icons, [null])
        yield* ask({ adopt: [invoice] })
        assert.deepStrictEqual(yield* icons, ["box"])
        yield* hands.edit(row, "icon", '"star"')
        yield* ask({ revert: [invoice] })
        assert.deepStrictEqual(yield* icons, ["box"])
        yield* hands.remove(row)
        yield* ask({ restore: [invoice] })
        assert.deepStrictEqual(yield* icons, ["box"])
      })
    )

    it.effect("reads a phone by the country that is named, and leaves it to whom it is verified for", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [ada, bob] = [yield* installing, yield* installing]
        const phone = { whatsapp_phone: `(415) 555-${2_000 + ++made}`, country: " us " }
        const { whatsapp } = yield* ada.ask(phone)
        assert.match(whatsapp?.phone ?? "", /^\+1415555/)
        yield* hands.verifyPhones(ada.organization.id)
        const answer = yield* bob.ask(phone)
        assert.deepStrictEqual(
          [answer.created, answer.whatsapp, answer.whatsappError],
          [true, undefined, "already_linked"]
        )
      })
    )

    it.effect("is counted by its template, and its rows by what they were judged to be", () =>
      Effect.gen(function* () {
        const { ask, templateAgentId } = yield* installing
        const rows = Effect.tagMetrics(Metric.value(rowsMirrored), { kind: "watchers", verdict: "create" })
        const before = yield* rows
        yield* ask()
        const counted = { outcome: "created", template: templateAgentId }
        assert.strictEqual((yield* Effect.tagMetrics(Metric.value(installs), counted)).count, 1)
        assert.strictEqual((yield* rows).count, before.count + 1)
      })
    )
  })
}
