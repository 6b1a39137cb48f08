import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { previewInstall } from "../../../src/services/installation/PreviewInstall.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { viewRows } from "../../../src/services/installation/ViewRows.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newVisitor, worlds } from "../../worlds.ts"

let made = 0

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`what somebody is shown of an installation (${label})`, (it) => {
    /** Somebody who is signed in, and a template. */
    const visited = Effect.gen(function* () {
      const catalog = yield* TemplateCatalog
      const mirror = yield* TemplateMirror
      const { organization, session, userId } = yield* newVisitor
      const offer = yield* Effect.orDie(catalog.publish(template(`viewed-${++made}`, oneOfEach)))
      const request = { userId, organizationId: organization.id, templateAgentId: offer.templateAgentId }
      return { mirror, offer, organization, request, session }
    })

    it.effect("is where an install would go, what is there, and each row, within the budget of reads", () =>
      Effect.gen(function* () {
        const { mirror, offer, organization, request, session } = yield* visited
        assert.deepStrictEqual(yield* previewInstall(session, offer), {
          agentId: null,
          hasBotPhone: false,
          organization,
          plan: yield* mirror.plan(request)
        })
        const { agentId } = yield* mirror.apply(request)
        const after = yield* previewInstall(session, offer)
        assert.deepStrictEqual([after.agentId, after.plan], [agentId, yield* mirror.plan(request)])
        yield* previewInstall(session, offer)
        assert.strictEqual((yield* Effect.flip(previewInstall(session, offer)))._tag, "RateLimitExceeded")
      })
    )

    it.effect("is what a resync would do with each row, and what the rows that differ say", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const { mirror, request, session } = yield* visited
        const { agentId } = yield* mirror.apply(request)
        yield* hands.rename({ organizationId: request.organizationId, kind: "entity_types", slug: "invoice" }, "Mine")
        assert.deepStrictEqual(yield* viewRows(session, agentId), {
          plan: yield* mirror.planResync({ ...request, agentId }),
          differences: [
            { kind: "entity_types", slug: "invoice", fields: [{ field: "name", own: "Mine", template: "invoice" }] }
          ]
        })
      })
    )
  })
}
