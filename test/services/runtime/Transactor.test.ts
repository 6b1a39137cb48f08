import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { Transactor } from "../../../src/services/runtime/Transactor.ts"
import { oneOfEach, template } from "../../fixtures/templates.ts"
import { Hands, newPerson, worlds } from "../../worlds.ts"

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Transactor (${label})`, (it) => {
    /** Installs and claims a phone, as one step, then does what it is told. */
    const step = <A, E>(person: Effect.Effect.Success<ReturnType<typeof newPerson>>, then: Effect.Effect<A, E>) =>
      Effect.gen(function* () {
        const { atomically } = yield* Transactor
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const identities = yield* IdentityLinker
        const { templateAgentId } = yield* catalog.publish(template("stepped", oneOfEach))
        const organizationId = person.organization.id
        return yield* atomically(
          Effect.gen(function* () {
            yield* mirror.apply({ userId: person.userId, organizationId, templateAgentId })
            yield* identities.claimPhone({ userId: person.userId, organizationId, phone: "+447911123456" })
            return yield* then
          })
        )
      })
    const left = ({ organization }: Effect.Effect.Success<ReturnType<typeof newPerson>>) =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const phones = (yield* hands.identities(organization.id)).filter(({ namespace }) => namespace === "phone")
        return [
          (yield* hands.agents(organization.id)).length,
          (yield* hands.rows(organization.id)).length,
          phones.length
        ]
      })

    it.effect("keeps all that was written where the effect succeeds", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        assert.strictEqual(yield* step(person, Effect.succeed("done")), "done")
        assert.deepStrictEqual(yield* left(person), [1, 4, 1])
      })
    )

    it.effect("keeps nothing where it fails, and passes the failure on", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        assert.strictEqual(yield* Effect.flip(step(person, Effect.fail("no" as const))), "no")
        assert.deepStrictEqual(yield* left(person), [0, 0, 0])
      })
    )

    it.effect("keeps nothing where it dies or is interrupted", () =>
      Effect.gen(function* () {
        for (const end of [Effect.die("broken"), Effect.interrupt]) {
          const person = yield* newPerson()
          const exit = yield* Effect.exit(step(person, end))
          assert.strictEqual(exit._tag, "Failure")
          assert.deepStrictEqual(yield* left(person), [0, 0, 0])
        }
      })
    )

    it.effect("takes back the inner step alone where only that fails", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const { atomically } = yield* Transactor
        const { claimPhone } = yield* IdentityLinker
        const claim = (phone: string) =>
          claimPhone({ userId: person.userId, organizationId: person.organization.id, phone })
        yield* atomically(
          Effect.zipRight(
            claim("+447911123456"),
            Effect.either(atomically(Effect.zipRight(claim("+447911654321"), Effect.fail("no"))))
          )
        )
        const identities = yield* Effect.flatMap(Hands, (hands) => hands.identities(person.organization.id))
        assert.deepStrictEqual(
          identities.flatMap(({ identifier, namespace }) => (namespace === "phone" ? [identifier] : [])),
          ["+447911123456"]
        )
      })
    )
  })
}
