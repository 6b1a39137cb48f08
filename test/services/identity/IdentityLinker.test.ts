import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { OrganizationId } from "../../../src/domain/Ids.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { Hands, inRealTime, newPerson, worlds } from "../../worlds.ts"

let numbers = 0
const newNumber = () => `07911 1234${String(10 + numbers++).padStart(2, "0")}`

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`IdentityLinker (${label})`, (it) => {
    const claim = (
      { organization, userId }: Effect.Effect.Success<ReturnType<typeof newPerson>>,
      phone: string,
      country?: string
    ) =>
      Effect.flatMap(IdentityLinker, (linker) =>
        linker.claimPhone({ userId, organizationId: organization.id, phone, country })
      )
    const phonesOf = ({ organization }: Effect.Effect.Success<ReturnType<typeof newPerson>>) =>
      Effect.flatMap(Hands, (hands) => hands.identities(organization.id)).pipe(
        Effect.map((identities) =>
          identities
            .filter(({ namespace }) => namespace === "phone" || namespace === "wa_jid")
            .map(({ identifier, namespace, state }) => `${namespace} ${identifier} ${state}`)
            .sort()
        )
      )

    it.effect("claims the phone and its WhatsApp address, once", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const linked = yield* claim(person, "07911 123456")
        assert.deepStrictEqual(linked, yield* claim(person, "+44 7911 123456"))
        assert.deepStrictEqual({ ...linked }, {
          phone: "+447911123456",
          waJid: "447911123456@s.whatsapp.net",
          verified: false,
          state: "claimed"
        } as never)
        assert.deepStrictEqual(yield* phonesOf(person), [
          "phone +447911123456 claimed",
          "wa_jid 447911123456@s.whatsapp.net claimed"
        ])
      })
    )

    it.effect("reads a national number by the country that is named", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        assert.strictEqual((yield* claim(person, "8 916 123-45-67", "ru")).phone, "+79161234567" as never)
      })
    )

    it.effect("ends the claim of an earlier number", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        yield* claim(person, newNumber())
        const { phone } = yield* claim(person, newNumber())
        assert.deepStrictEqual(yield* phonesOf(person), [
          `phone ${phone} claimed`,
          `wa_jid ${phone.slice(1)}@s.whatsapp.net claimed`
        ])
      })
    )

    inRealTime(it)("leaves one claim of many made at once", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        yield* Effect.forEach(
          Array.from({ length: 8 }, () => newNumber()),
          (number) => claim(person, number),
          { concurrency: "unbounded", discard: true }
        )
        assert.strictEqual((yield* phonesOf(person)).length, 2)
      })
    )

    it.effect("lets a claim block nobody", () =>
      Effect.gen(function* () {
        const number = newNumber()
        yield* claim(yield* newPerson(), number)
        yield* claim(yield* newPerson(), number)
      })
    )

    it.effect("refuses a number that is verified for another organization, and keeps what there was", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [owner, rival, number] = [yield* newPerson(), yield* newPerson(), newNumber()]
        yield* claim(owner, number)
        yield* hands.verifyPhones(owner.organization.id)
        yield* claim(rival, newNumber())
        const before = yield* phonesOf(rival)
        assert.strictEqual((yield* Effect.flip(claim(rival, number)))._tag, "IdentityTaken")
        assert.deepStrictEqual(yield* phonesOf(rival), before)
        assert.deepInclude(yield* claim(owner, number), { verified: true, state: "verified" })
      })
    )

    it.effect("refuses what is no phone, and says why", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const refusal = yield* Effect.flip(claim(person, "call me maybe"))
        assert.deepStrictEqual([refusal._tag, "reason" in refusal && refusal.reason], ["InvalidPhone", "not_a_number"])
        assert.deepStrictEqual(yield* phonesOf(person), [])
      })
    )

    it.effect("refuses where nothing stands for the person", () =>
      Effect.gen(function* () {
        const { userId } = yield* newPerson()
        const elsewhere = (yield* newPerson()).organization
        const linker = yield* IdentityLinker
        for (const organizationId of [elsewhere.id, OrganizationId.make("org_nowhere")]) {
          const refusal = yield* Effect.flip(linker.claimPhone({ userId, organizationId, phone: newNumber() }))
          assert.strictEqual(refusal._tag, "NoMember")
        }
      })
    )
  })
}
