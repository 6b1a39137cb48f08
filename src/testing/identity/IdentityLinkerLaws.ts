import assert from "node:assert/strict"
import { Effect } from "effect"
import { OrganizationId, type UserId } from "../../domain/Ids.ts"
import { IdentityLinker } from "../../services/identity/IdentityLinker.ts"
import { type Law, law, lawInRealTime, type NeedsOf } from "../Law.ts"

/** Somebody with an organization of their own. */
interface Known {
  readonly userId: UserId
  readonly organization: { readonly id: OrganizationId }
}

/** What the laws do besides asking. Numbers are read as in Great Britain where no country is named. */
export interface IdentityLinkerHands<R> {
  /** Somebody new, whom something stands for in an organization of their own. */
  readonly newPerson: Effect.Effect<Known, never, R>
  /** The identifiers that are known in an organization. */
  readonly identities: (
    organizationId: OrganizationId
  ) => Effect.Effect<
    ReadonlyArray<{ readonly namespace: string; readonly identifier: string; readonly state: string }>,
    never,
    R
  >
  /** Has all phones be verified that were claimed in an organization, as if their owners had said yes. */
  readonly verifyPhones: (organizationId: OrganizationId) => Effect.Effect<void, never, R>
}

let numbers = 0
const newNumber = () => `07911 ${String(120_000 + ((process.pid * 97 + 13 * numbers++) % 80_000))}`

const lawsWith = <R>({
  identities,
  newPerson,
  verifyPhones
}: IdentityLinkerHands<R>): ReadonlyArray<Law<IdentityLinker | R>> => {
  const claim = ({ organization, userId }: Known, phone: string, country?: string) =>
    Effect.flatMap(IdentityLinker, (linker) =>
      linker.claimPhone({ userId, organizationId: organization.id, phone, country })
    )
  const phonesOf = ({ organization }: Known) =>
    Effect.map(identities(organization.id), (known) =>
      known
        .filter(({ namespace }) => namespace === "phone" || namespace === "wa_jid")
        .map(({ identifier, namespace, state }) => `${namespace} ${identifier} ${state}`)
        .sort()
    )
  return [
    law(
      "claims the phone and its WhatsApp address, once",
      Effect.gen(function* () {
        const person = yield* newPerson
        const linked = yield* claim(person, "07911 123456")
        const again = yield* claim(person, "+44 7911 123456")
        assert.deepEqual({ ...linked }, { ...again })
        const [phone, waJid] = ["+447911123456", "447911123456@s.whatsapp.net"]
        assert.deepEqual({ ...linked }, { phone, waJid, verified: false, state: "claimed" } as never)
        assert.deepEqual(yield* phonesOf(person), [`phone ${phone} claimed`, `wa_jid ${waJid} claimed`])
      })
    ),
    law(
      "reads a national number by the country that is named",
      Effect.gen(function* () {
        const { phone } = yield* claim(yield* newPerson, "8 916 123-45-67", "ru")
        assert.equal(phone, "+79161234567")
      })
    ),
    law(
      "ends the claim of an earlier number",
      Effect.gen(function* () {
        const person = yield* newPerson
        yield* claim(person, newNumber())
        const { phone } = yield* claim(person, newNumber())
        const waJid = `${phone.slice(1)}@s.whatsapp.net`
        assert.deepEqual(yield* phonesOf(person), [`phone ${phone} claimed`, `wa_jid ${waJid} claimed`])
      })
    ),
    lawInRealTime(
      "leaves one claim of many made at once",
      Effect.gen(function* () {
        const person = yield* newPerson
        yield* Effect.forEach(Array.from({ length: 8 }, newNumber), (number) => claim(person, number), {
          concurrency: "unbounded",
          discard: true
        })
        assert.equal((yield* phonesOf(person)).length, 2)
      })
    ),
    law(
      "lets a claim block nobody",
      Effect.gen(function* () {
        const number = newNumber()
        yield* claim(yield* newPerson, number)
        yield* claim(yield* newPerson, number)
      })
    ),
    law(
      "refuses a number that is verified for another organization, and keeps what there was",
      Effect.gen(function* () {
        const [owner, rival, number] = [yield* newPerson, yield* newPerson, newNumber()]
        yield* claim(owner, number)
        yield* verifyPhones(owner.organization.id)
        yield* claim(rival, newNumber())
        const before = yield* phonesOf(rival)
        assert.equal((yield* Effect.flip(claim(rival, number)))._tag, "IdentityTaken")
        assert.deepEqual(yield* phonesOf(rival), before)
        const { state, verified } = yield* claim(owner, number)
        assert.deepEqual([state, verified], ["verified", true])
      })
    ),
    law(
      "refuses what is no phone, and says why",
      Effect.gen(function* () {
        const person = yield* newPerson
        const refusal = yield* Effect.flip(claim(person, "call me maybe"))
        assert.deepEqual([refusal._tag, "reason" in refusal && refusal.reason], ["InvalidPhone", "not_a_number"])
        assert.deepEqual(yield* phonesOf(person), [])
      })
    ),
    law(
      "refuses where nothing stands for the person",
      Effect.gen(function* () {
        const { userId } = yield* newPerson
        const { organization } = yield* newPerson
        const linker = yield* IdentityLinker
        for (const organizationId of [organization.id, OrganizationId.make("org_nowhere")]) {
          const refusal = yield* Effect.flip(linker.claimPhone({ userId, organizationId, phone: newNumber() }))
          assert.equal(refusal._tag, "NoMember")
        }
      })
    )
  ]
}

/** What every `IdentityLinker` promises of phones that people type. */
export const identityLinkerLaws = <Hands extends IdentityLinkerHands<unknown>>(hands: Hands) =>
  lawsWith(hands as IdentityLinkerHands<unknown> as IdentityLinkerHands<NeedsOf<Hands>>)
