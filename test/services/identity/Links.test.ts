import { assert, it } from "@effect/vitest"
import { Effect, Either, Metric, Redacted } from "effect"
import type { AgentId } from "../../../src/domain/Ids.ts"
import type { LookupResult } from "../../../src/domain/identity/Identity.ts"
import { LinkId } from "../../../src/domain/identity/Identity.ts"
import type { Namespace } from "../../../src/domain/identity/Platform.ts"
import type { Sender } from "../../../src/domain/identity/Sender.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { InstallCodes } from "../../../src/services/identity/InstallCodes.ts"
import { makeInstallCode } from "../../../src/services/identity/MakeInstallCode.ts"
import { readSender } from "../../../src/services/identity/ReadSender.ts"
import { redeemCode } from "../../../src/services/identity/RedeemCode.ts"
import { installs } from "../../../src/services/installation/InstallMetrics.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import {
  credential,
  gatewayToken,
  Hands,
  inRealTime,
  newPerson,
  newVisitor,
  worlds,
  worldsThatRouteOnClaim
} from "../../worlds.ts"

type Person = Effect.Effect.Success<ReturnType<typeof newPerson>>

let numbers = 0
const newDigits = () => `4479115${String(10_000 + numbers++)}`
const jid = (digits: string) => `${digits}@s.whatsapp.net`
const newLid = () => `18503160000${String(1_000 + numbers++)}@lid`

const senderOf = (...ids: readonly [string, ...ReadonlyArray<string>]): Effect.Effect<Sender> =>
  Effect.orDie(readSender({ platform: "whatsapp", platformUserId: ids[0], alternateIds: ids.slice(1) }))

const type = ({ organization, userId }: Person, phone: string) =>
  Effect.flatMap(IdentityLinker, (linker) => linker.claimPhone({ userId, organizationId: organization.id, phone }))
const mine = ({ organization, userId }: Person) =>
  Effect.flatMap(IdentityLinker, (linker) => linker.list({ userId, organizationId: organization.id }))
const states = (person: Person) =>
  Effect.map(mine(person), (own) => own.map(({ namespace, state }) => `${namespace} ${state}`))
const only = (person: Person) =>
  Effect.map(mine(person), (own) => {
    assert.strictEqual(own.length, 1, JSON.stringify(own))
    const [one] = own
    if (one === undefined) throw new RangeError("nothing there")
    return one
  })
const confirm = (person: Person, id: string) =>
  Effect.flatMap(IdentityLinker, (linker) =>
    linker.confirm({ userId: person.userId, organizationId: person.organization.id, id: id as never })
  )
const unlink = (person: Person, id: string) =>
  Effect.flatMap(IdentityLinker, (linker) =>
    linker.unlink({ userId: person.userId, organizationId: person.organization.id, id: id as never })
  )
const open = ({ organization, userId }: Person, ...ids: readonly [string, ...ReadonlyArray<string>]) =>
  Effect.gen(function* () {
    const linker = yield* IdentityLinker
    return yield* linker.challenge({ userId, organizationId: organization.id, sender: yield* senderOf(...ids) })
  })
const pendingOf = (person: Person, ...ids: readonly [string, ...ReadonlyArray<string>]) =>
  Effect.map(open(person, ...ids), (opened) => {
    if (opened === "already_linked_here") throw new RangeError(opened)
    return opened.linkId
  })
const say = (pendingId: LinkId, yes: boolean, ...ids: readonly [string, ...ReadonlyArray<string>]) =>
  Effect.gen(function* () {
    const linker = yield* IdentityLinker
    return yield* linker.answer({ linkId: pendingId, yes, sender: yield* senderOf(...ids) })
  })
const look = (
  namespace: Namespace,
  identifier: string,
  wanted?: string
): Effect.Effect<LookupResult, never, IdentityLinker> =>
  Effect.flatMap(IdentityLinker, (linker) =>
    linker.lookup({
      identities: [{ namespace, identifier }],
      ...(wanted === undefined ? {} : { template: wanted })
    })
  ).pipe(Effect.map(([found = null]) => found))
const ownerOf = (identifier: string) =>
  Effect.map(look("wa_jid", identifier), (found) =>
    found !== null && "organization" in found ? found.organization.id : found === null ? null : "asked"
  )
/** The question that waits for a sender, and the number in it. */
const askedOf = (identifier: string) =>
  Effect.map(look("wa_jid", identifier), (found) => {
    if (found === null || !("prompt" in found) || found.prompt === undefined) throw new RangeError("no prompt")
    const { pendingId, text } = found.prompt
    return { pendingId, number: /\b\d{4}\b/.exec(text)?.[0] }
  })
/** A person whose number is verified. */
const proved = (digits: string) =>
  Effect.gen(function* () {
    const person = yield* newPerson()
    yield* type(person, `+${digits}`)
    assert.strictEqual(yield* say((yield* askedOf(jid(digits))).pendingId, true, jid(digits)), "verified")
    return person
  })

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`links (${label})`, (it) => {
    it.effect("prove a typed phone by the yes of its sender, who is asked without a code", () =>
      Effect.gen(function* () {
        const [person, digits] = [yield* newPerson(), newDigits()]
        yield* type(person, `+${digits}`)
        assert.deepStrictEqual(yield* states(person), ["phone claimed"])
        const found = yield* look("wa_jid", `${digits}:12@s.whatsapp.net`)
        assert.hasAllKeys(found, ["verified", "prompt"])
        assert.notInclude(JSON.stringify(found), person.organization.id)
        const prompt = found !== null && "prompt" in found ? found.prompt : undefined
        assert.match(prompt?.text ?? "", /p•••.@example\.org.*YES/)
        assert.strictEqual(yield* say(prompt?.pendingId as LinkId, true, jid(digits)), "verified")
        assert.strictEqual((yield* type(person, `+${digits}`)).verified, true)
        const own = yield* only(person)
        assert.deepStrictEqual({ ...own, id: "" }, {
          id: "",
          platform: "whatsapp",
          namespace: "phone",
          identifier: `+44•••${digits.slice(-3)}`,
          state: "verified"
        } as never)
        const routed = yield* look("wa_jid", jid(digits))
        assert.deepInclude(routed, {
          verified: true,
          organization: { id: person.organization.id, slug: person.organization.slug },
          agents: [],
          answerTo: jid(digits)
        } as never)
        assert.deepStrictEqual(yield* look("phone", `+${digits}`), routed)
      })
    )

    it.effect("ask a sender of nobody's claim, and of rival claims, nothing alike", () =>
      Effect.gen(function* () {
        const [one, other, digits] = [yield* newPerson(), yield* newPerson(), newDigits()]
        assert.isNull(yield* look("wa_jid", jid(digits)))
        yield* type(one, `+${digits}`)
        yield* type(other, `+${digits}`)
        assert.isNull(yield* look("wa_jid", jid(digits)))
        assert.isNull(yield* look("phone", `+${digits}`))
        yield* unlink(other, (yield* only(other)).id)
        assert.strictEqual(yield* ownerOf(jid(digits)), "asked")
      })
    )

    it.effect("with a code need the sender's yes alone where the sender is who was typed", () =>
      Effect.gen(function* () {
        const [person, digits, lid] = [yield* newPerson(), newDigits(), newLid()]
        yield* type(person, `+${digits}`)
        const pendingId = yield* pendingOf(person, lid, jid(digits))
        assert.strictEqual(yield* ownerOf(lid), "asked")
        assert.strictEqual(yield* say(pendingId, true, lid), "verified")
        assert.deepStrictEqual(yield* states(person), ["phone verified"])
        assert.strictEqual(yield* ownerOf(lid), person.organization.id)
        assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
        assert.strictEqual(yield* open(person, jid(digits)), "already_linked_here")
        assert.strictEqual(yield* open(person, lid, jid(digits)), "already_linked_here")
      })
    )

    it.effect("with a code need the person's word too where the sender is another, or none was typed", () =>
      Effect.gen(function* () {
        for (const typed of [undefined, newDigits()]) {
          const [person, digits] = [yield* newPerson(), newDigits()]
          if (typed !== undefined) yield* type(person, `+${typed}`)
          const pendingId = yield* pendingOf(person, jid(digits))
          assert.strictEqual(yield* say(pendingId, true, jid(digits)), "confirm_session")
          assert.strictEqual(yield* say(pendingId, true, jid(digits)), "confirm_session")
          assert.notStrictEqual(yield* ownerOf(jid(digits)), person.organization.id)
          const waiting = (yield* mine(person)).find(({ state }) => state === "confirm_session")
          assert.strictEqual(waiting?.identifier, `+44•••${digits.slice(-3)}`)
          const confirmed = yield* confirm(person, waiting?.id ?? "")
          assert.strictEqual(confirmed.state, "verified")
          assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
          assert.deepStrictEqual(yield* confirm(person, confirmed.id), confirmed)
        }
      })
    )

    it.effect("take the person's word before the sender's as well", () =>
      Effect.gen(function* () {
        const [person, digits] = [yield* newPerson(), newDigits()]
        const pendingId = yield* pendingOf(person, jid(digits))
        assert.strictEqual((yield* confirm(person, (yield* only(person)).id)).state, "claimed")
        assert.isNull(yield* Effect.map(ownerOf(jid(digits)), (owner) => (owner === "asked" ? null : owner)))
        assert.strictEqual(yield* say(pendingId, true, jid(digits)), "verified")
      })
    )

    it.effect("end with a no, after which only a code of the sender's is asked about, until they say yes", () =>
      Effect.gen(function* () {
        for (const origin of ["code", "typed"]) {
          const [person, rival, digits] = [yield* newPerson(), yield* newPerson(), newDigits()]
          if (origin === "typed") yield* type(person, `+${digits}`)
          const pendingId =
            origin === "code" ? yield* pendingOf(person, jid(digits)) : (yield* askedOf(jid(digits))).pendingId
          assert.strictEqual(yield* say(pendingId, false, jid(digits)), "declined")
          assert.deepStrictEqual(yield* states(person), [])
          assert.strictEqual((yield* Effect.flip(say(pendingId, true, jid(digits))))._tag, "PendingNotFound")

          assert.deepInclude(yield* type(person, `+${digits}`), { state: "declined", verified: false })
          assert.strictEqual((yield* type(person, `+${digits}`)).state, "declined")
          assert.deepStrictEqual(yield* states(person), ["phone declined"])
          assert.notProperty(yield* only(person), "checkNumber")
          assert.isNull(yield* look("wa_jid", jid(digits)))
          assert.strictEqual((yield* confirm(person, (yield* only(person)).id)).state, "declined")

          yield* type(rival, `+${digits}`)
          assert.strictEqual((yield* askedOf(jid(digits))).number, (yield* only(rival)).checkNumber)
          yield* unlink(rival, (yield* only(rival)).id)

          const coded = yield* pendingOf(person, jid(digits))
          assert.strictEqual(yield* say(coded, true, jid(digits)), "verified")
          yield* unlink(person, (yield* only(person)).id)
          yield* type(person, `+${digits}`)
          assert.strictEqual(yield* ownerOf(jid(digits)), "asked")
        }
      })
    )

    it.effect("end with a no to a question that was taken back, and with it all that is asked of that sender", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, digits, other] = [yield* newPerson(), newDigits(), newDigits()]
        yield* type(person, `+${digits}`)
        const first = yield* askedOf(jid(digits))
        yield* unlink(person, (yield* only(person)).id)
        yield* type(person, `+${digits}`)
        assert.strictEqual(yield* say(first.pendingId, false, jid(digits)), "declined")
        assert.isNull(yield* look("wa_jid", jid(digits)))
        yield* type(person, `+${digits}`)
        assert.deepStrictEqual(yield* states(person), ["phone declined"])

        const coded = yield* pendingOf(person, jid(other))
        assert.strictEqual(yield* say(coded, true, jid(other)), "confirm_session")
        const waiting = (yield* mine(person)).find(({ state }) => state === "confirm_session")
        yield* type(person, `+${other}`)
        assert.deepStrictEqual(yield* states(person), ["phone confirm_session"])
        const again = yield* pendingOf(person, jid(other), newLid())
        assert.strictEqual(yield* say(again, false, jid(other)), "declined")
        assert.strictEqual((yield* Effect.flip(confirm(person, waiting?.id ?? "")))._tag, "IdentityNotFound")
        assert.deepStrictEqual([yield* look("wa_jid", jid(other)), yield* mine(person)], [null, []])

        const [late, number] = [yield* newPerson(), newDigits()]
        yield* type(late, `+${number}`)
        const { pendingId } = yield* askedOf(jid(number))
        yield* hands.age(30 * 24 * 60 + 1)
        assert.strictEqual(yield* say(pendingId, false, jid(number)), "declined")
        yield* type(late, `+${number}`)
        assert.deepStrictEqual(yield* states(late), ["phone declined"])
      })
    )

    it.effect("count no typed claim that has expired as the person's word", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, digits] = [yield* newPerson(), newDigits()]
        yield* type(person, `+${digits}`)
        yield* hands.age(30 * 24 * 60 + 1)
        const pendingId = yield* pendingOf(person, jid(digits))
        assert.strictEqual(yield* say(pendingId, true, jid(digits)), "confirm_session")
      })
    )

    inRealTime(it)("take a no, and a number that is typed again meanwhile, one after the other", () =>
      Effect.replicateEffect(
        Effect.gen(function* () {
          const [person, digits] = [yield* newPerson(), newDigits()]
          yield* type(person, `+${digits}`)
          const { pendingId } = yield* askedOf(jid(digits))
          yield* Effect.all([say(pendingId, false, jid(digits)), type(person, `+${digits}`)], {
            concurrency: "unbounded"
          })
          // Whoever came first: a claim typed after the no stands as declined, one typed before it has ended.
          assert.include([0, 1], (yield* mine(person)).length)
          yield* type(person, `+${digits}`)
          assert.deepStrictEqual(yield* states(person), ["phone declined"])
        }),
        12,
        { discard: true }
      )
    )

    it.effect("show the number of the question in the session of the one whom it names", () =>
      Effect.gen(function* () {
        const [person, digits, lid] = [yield* newPerson(), newDigits(), newLid()]
        yield* type(person, `+${digits}`)
        assert.strictEqual((yield* askedOf(jid(digits))).number, (yield* only(person)).checkNumber)
        const pendingId = yield* pendingOf(person, lid)
        assert.strictEqual(yield* say(pendingId, true, lid), "confirm_session")
        const waiting = (yield* mine(person)).find(({ state }) => state === "confirm_session")
        assert.strictEqual(waiting?.checkNumber, (yield* askedOf(lid)).number)
        assert.notProperty(yield* confirm(person, waiting?.id ?? ""), "checkNumber")
      })
    )

    it.effect("are listed once where a code comes from the number that was typed, and end as one", () =>
      Effect.gen(function* () {
        const [person, digits, lid] = [yield* newPerson(), newDigits(), newLid()]
        yield* type(person, `+${digits}`)
        const typed = yield* only(person)
        yield* pendingOf(person, lid, jid(digits))
        const both = yield* only(person)
        assert.deepStrictEqual([both.namespace, both.state], ["phone", "claimed"])
        for (const id of [jid(digits), lid]) assert.strictEqual((yield* askedOf(id)).number, both.checkNumber)
        assert.notStrictEqual(both.checkNumber, typed.checkNumber)
        assert.deepStrictEqual(yield* confirm(person, typed.id), both)
        yield* unlink(person, both.id)
        assert.deepStrictEqual(yield* mine(person), [])
        assert.deepStrictEqual([yield* look("wa_jid", jid(digits)), yield* look("wa_lid", lid)], [null, null])
      })
    )

    it.effect("are stopped by the person who does not know the sender", () =>
      Effect.gen(function* () {
        const [person, thief] = [yield* newPerson(), newDigits()]
        const pendingId = yield* pendingOf(person, jid(thief))
        assert.strictEqual(yield* say(pendingId, true, jid(thief)), "confirm_session")
        yield* unlink(person, (yield* only(person)).id)
        assert.deepStrictEqual(yield* states(person), [])
        assert.isNull(yield* ownerOf(jid(thief)))
        assert.strictEqual((yield* Effect.flip(say(pendingId, true, jid(thief))))._tag, "PendingNotFound")
      })
    )

    it.effect("hear nobody but the sender who was asked", () =>
      Effect.gen(function* () {
        const [person, digits, lid] = [yield* newPerson(), newDigits(), newLid()]
        yield* type(person, `+${digits}`)
        const pendingId = yield* pendingOf(person, jid(digits), lid)
        const others: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> = [
          [jid(newDigits())],
          [newLid()],
          [jid(digits), newLid()],
          [jid(newDigits()), lid]
        ]
        for (const ids of others) {
          for (const yes of [true, false]) {
            assert.strictEqual((yield* Effect.flip(say(pendingId, yes, ...ids)))._tag, "PendingNotFound")
          }
        }
        const unknown = LinkId.make("link_00000000000000000000000000000000")
        assert.strictEqual((yield* Effect.flip(say(unknown, true, jid(digits))))._tag, "PendingNotFound")
        assert.strictEqual(yield* say(pendingId, true, jid(digits)), "verified")
      })
    )

    it.effect("expire where they wait for an answer: a code's in an hour, typed claims in thirty days", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, digits, other] = [yield* newPerson(), newDigits(), newDigits()]
        yield* type(person, `+${digits}`)
        const pendingId = yield* pendingOf(person, jid(other))
        assert.strictEqual(yield* say(pendingId, true, jid(other)), "confirm_session")
        yield* hands.age(59)
        assert.deepStrictEqual(yield* states(person), ["phone claimed", "phone confirm_session"])
        const waiting = (yield* mine(person)).find(({ state }) => state === "confirm_session")
        yield* hands.age(2)
        assert.deepStrictEqual(yield* states(person), ["phone claimed"])
        assert.isNull(yield* look("wa_jid", jid(other)))
        assert.strictEqual((yield* Effect.flip(say(pendingId, true, jid(other))))._tag, "PendingNotFound")
        assert.strictEqual((yield* Effect.flip(confirm(person, waiting?.id ?? "")))._tag, "IdentityNotFound")
        assert.strictEqual(yield* ownerOf(jid(digits)), "asked")

        const days = 24 * 60
        yield* hands.age(29 * days)
        assert.strictEqual(yield* ownerOf(jid(digits)), "asked")
        yield* type(person, `+${digits}`)
        yield* hands.age(29 * days)
        const { pendingId: typed } = yield* askedOf(jid(digits))
        yield* hands.age(2 * days)
        assert.isNull(yield* ownerOf(jid(digits)))
        assert.deepStrictEqual(yield* states(person), [])
        yield* type(person, `+${digits}`)
        assert.strictEqual((yield* Effect.flip(say(typed, true, jid(digits))))._tag, "PendingNotFound")
        assert.deepStrictEqual(yield* states(person), ["phone claimed"])
        assert.strictEqual(yield* ownerOf(jid(digits)), "asked")
      })
    )

    it.effect("let a number change hands by a newer proof, and tell whose it was", () =>
      Effect.gen(function* () {
        const digits = newDigits()
        const [before, after] = [yield* proved(digits), yield* newPerson()]
        assert.strictEqual((yield* Effect.flip(type(after, `+${digits}`)))._tag, "IdentityTaken")
        const pendingId = yield* pendingOf(after, jid(digits))
        assert.strictEqual(yield* say(pendingId, true, jid(digits)), "confirm_session")
        assert.strictEqual(yield* ownerOf(jid(digits)), before.organization.id)
        yield* confirm(after, (yield* only(after)).id)
        assert.strictEqual(yield* ownerOf(jid(digits)), after.organization.id)
        assert.deepStrictEqual(yield* states(before), ["phone displaced"])
        assert.strictEqual((yield* Effect.flip(type(before, `+${digits}`)))._tag, "IdentityTaken")

        const back = yield* pendingOf(before, jid(digits))
        assert.strictEqual(yield* say(back, true, jid(digits)), "confirm_session")
        yield* confirm(before, (yield* mine(before)).find(({ state }) => state === "confirm_session")?.id ?? "")
        assert.strictEqual(yield* ownerOf(jid(digits)), before.organization.id)
        assert.deepStrictEqual(yield* states(before), ["phone verified"])
        const lost = yield* only(after)
        assert.strictEqual(lost.state, "displaced")
        yield* unlink(after, lost.id)
        assert.deepStrictEqual(yield* states(after), [])
        assert.strictEqual(yield* ownerOf(jid(digits)), before.organization.id)
      })
    )

    it.effect("retire a person's old number once the new one is proved, and not before", () =>
      Effect.gen(function* () {
        const [old, fresh] = [newDigits(), newDigits()]
        const person = yield* proved(old)
        yield* type(person, `+${fresh}`)
        assert.deepStrictEqual(yield* states(person), ["phone verified", "phone claimed"])
        assert.strictEqual(yield* ownerOf(jid(old)), person.organization.id)
        const pendingId = yield* pendingOf(person, jid(fresh))
        assert.strictEqual(yield* say(pendingId, true, jid(fresh)), "verified")
        assert.deepStrictEqual(yield* states(person), ["phone verified"])
        assert.strictEqual(yield* ownerOf(jid(fresh)), person.organization.id)
        assert.isNull(yield* ownerOf(jid(old)))
      })
    )

    it.effect("keep what is somebody's beside a part of it that changed hands", () =>
      Effect.gen(function* () {
        const [digits, lid] = [newDigits(), newLid()]
        const [before, after] = [yield* newPerson(), yield* newPerson()]
        yield* type(before, `+${digits}`)
        yield* say(yield* pendingOf(before, jid(digits), lid), true, lid)
        yield* say(yield* pendingOf(after, jid(digits)), true, jid(digits))
        yield* confirm(after, (yield* only(after)).id)
        assert.strictEqual(yield* ownerOf(jid(digits)), after.organization.id)
        assert.strictEqual(yield* ownerOf(lid), before.organization.id)
        assert.deepStrictEqual(yield* states(before), ["phone displaced", "wa_lid verified"])
      })
    )

    it.effect("know a Brazilian number by both its addresses, and answer to the one seen last", () =>
      Effect.gen(function* () {
        const local = String(40_000_000 + numbers++ * 7).replace(/^4/, "8")
        const [long, short] = [`55479${local}@s.whatsapp.net`, `5547${local}@s.whatsapp.net`]
        const person = yield* newPerson()
        yield* type(person, `+5547${local}`)
        yield* say(yield* pendingOf(person, short), true, short)
        const answerTo = (found: LookupResult) => (found !== null && "answerTo" in found ? found.answerTo : undefined)
        assert.strictEqual(answerTo(yield* look("phone", `+55479${local}`)), short)
        assert.strictEqual(answerTo(yield* look("wa_jid", long)), long)
        assert.strictEqual(answerTo(yield* look("phone", `+5547${local}`)), long)
        assert.strictEqual(yield* ownerOf(short), person.organization.id)
        assert.strictEqual(answerTo(yield* look("phone", `+55479${local}`)), short)
      })
    )

    it.effect("prove a @lid alone, and take its phone when a gateway shows both", () =>
      Effect.gen(function* () {
        const [person, lid, digits] = [yield* newPerson(), newLid(), newDigits()]
        const alone = yield* pendingOf(person, lid)
        assert.strictEqual(yield* say(alone, true, lid), "confirm_session")
        const waiting = yield* only(person)
        assert.deepStrictEqual([waiting.namespace, waiting.identifier], ["wa_lid", `185•••${lid.slice(-7, -4)}@lid`])
        yield* confirm(person, waiting.id)
        assert.strictEqual(yield* ownerOf(lid), person.organization.id)
        assert.isNull(yield* ownerOf(jid(digits)))
        const both = yield* pendingOf(person, lid, jid(digits))
        assert.strictEqual(yield* say(both, true, lid), "verified")
        assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
        assert.strictEqual(yield* ownerOf(lid), person.organization.id)
        assert.deepStrictEqual(yield* states(person), ["phone verified"])
        const { id } = yield* only(person)
        yield* unlink(person, id)
        assert.isNull(yield* ownerOf(lid))
        assert.isNull(yield* ownerOf(jid(digits)))
      })
    )

    it.effect("gather no more identifiers than one sender has, whatever is shown beside them", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, lid, digits] = [yield* newPerson(), newLid(), newDigits()]
        const pendingId = yield* pendingOf(person, lid)
        assert.strictEqual(yield* say(pendingId, true, lid, jid(digits), "US.1"), "confirm_session")
        for (let at = 0; at < 10; at++) {
          for (const beside of [jid(newDigits()), `US.2${at}`]) {
            assert.strictEqual((yield* Effect.flip(say(pendingId, true, lid, beside)))._tag, "PendingNotFound")
          }
        }
        assert.strictEqual(yield* say(pendingId, true, lid, jid(digits), "US.1"), "confirm_session")
        yield* confirm(person, (yield* only(person)).id)
        assert.strictEqual(yield* say(pendingId, true, lid, jid(digits)), "verified")
        const kept = (yield* hands.identities(person.organization.id)).filter(({ namespace }) =>
          /^wa_|phone/.test(namespace)
        )
        assert.deepStrictEqual(kept.map(({ namespace }) => namespace).sort(), ["phone", "wa_bsuid", "wa_jid", "wa_lid"])
      })
    )

    it.effect("are nobody else's to see, confirm or end", () =>
      Effect.gen(function* () {
        const [person, stranger] = [yield* newPerson(), yield* newPerson()]
        yield* type(person, `+${newDigits()}`)
        const { id } = yield* only(person)
        assert.deepStrictEqual(yield* mine(stranger), [])
        for (const wrong of [id, "0", "x", "99999999999999999999"]) {
          assert.strictEqual((yield* Effect.flip(confirm(stranger, wrong)))._tag, "IdentityNotFound")
          assert.strictEqual((yield* Effect.flip(unlink(stranger, wrong)))._tag, "IdentityNotFound")
        }
        assert.deepStrictEqual(yield* states(person), ["phone claimed"])
      })
    )

    it.effect("are looked up many at once, in the order asked, with the agents wanted", () =>
      Effect.gen(function* () {
        const digits = [newDigits(), newDigits(), newDigits()]
        const [one = "", other = "", claimed = ""] = digits
        const [first, second, third] = [yield* proved(one), yield* proved(other), yield* newPerson()]
        yield* type(third, `+${claimed}`)
        const catalog = yield* TemplateCatalog
        const mirror = yield* TemplateMirror
        const slugs = [`lookup-a-${label}`, `lookup-b-${label}`]
        const agents: Array<AgentId> = []
        for (const slug of slugs) {
          const { templateAgentId } = yield* catalog.publish(template(slug, [definition("entity_types", slug)]))
          const { agentId } = yield* mirror.apply({
            userId: first.userId,
            organizationId: first.organization.id,
            templateAgentId
          })
          agents.push(agentId)
        }
        const linker = yield* IdentityLinker
        const identities = [
          { namespace: "wa_jid", identifier: jid(newDigits()) },
          { namespace: "wa_jid", identifier: jid(other) },
          { namespace: "wa_jid", identifier: "120363021234567890@g.us" },
          { namespace: "phone", identifier: `+${one}` },
          { namespace: "wa_jid", identifier: jid(claimed) },
          { namespace: "phone", identifier: `+${one}` }
        ] as const
        const owners = (found: ReadonlyArray<LookupResult>) =>
          found.map((each) =>
            each !== null && "organization" in each ? each.organization.id : (each?.verified ?? null)
          )
        const all = yield* linker.lookup({ identities })
        assert.deepStrictEqual(owners(all), [
          null,
          second.organization.id,
          null,
          first.organization.id,
          false,
          first.organization.id
        ])
        const agentsOf = (found: LookupResult | undefined) =>
          found !== null && found !== undefined && "agents" in found ? found.agents.map(({ agentId }) => agentId) : []
        assert.deepStrictEqual(agentsOf(all[3]), agents)
        const [slug = ""] = slugs
        assert.deepStrictEqual(agentsOf(yield* look("phone", `+${one}`, slug)), agents.slice(0, 1))
        assert.deepStrictEqual(agentsOf(yield* look("phone", `+${one}`, "nothing-of-that-name")), [])
        assert.deepStrictEqual(agentsOf(yield* look("phone", `+${other}`, slug)), [])
        const questions = identities.flatMap(({ identifier, namespace }) =>
          [undefined, ...slugs].map((wanted) => look(namespace, identifier, wanted))
        )
        const answers = yield* Effect.all([...questions, ...questions], { concurrency: "unbounded" })
        const oneByOne = yield* Effect.all(questions)
        assert.deepStrictEqual(answers, [...oneByOne, ...oneByOne])
        const many = yield* linker.lookup({
          identities: Array.from({ length: 500 }, (_, at) => ({
            namespace: "wa_jid" as const,
            identifier: at % 2 === 0 ? jid(one) : jid(other)
          }))
        })
        assert.strictEqual(new Set(owners(many)).size, 2)
        assert.strictEqual(many.length, 500)
      })
    )

    inRealTime(it)("leave a number with one of many who prove it at once", () =>
      Effect.gen(function* () {
        const digits = newDigits()
        const people = yield* Effect.replicateEffect(newPerson(), 6)
        const pending = yield* Effect.forEach(people, (person) => pendingOf(person, jid(digits)))
        yield* Effect.forEach(people, (person) => Effect.flatMap(only(person), ({ id }) => confirm(person, id)))
        const said = yield* Effect.forEach(pending, (pendingId) => Effect.either(say(pendingId, true, jid(digits))), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(said.map((one) => (Either.isRight(one) ? one.right : one.left._tag)).sort(), [
          ...Array.from({ length: 5 }, () => "PendingNotFound"),
          "verified"
        ])
        assert.deepStrictEqual((yield* Effect.forEach(people, states)).flat(), ["phone verified"])
      })
    )

    it.effect("end where somebody proves the sender: a late yes counts no more, a fresh question does", () =>
      Effect.gen(function* () {
        const [digits, lid] = [newDigits(), newLid()]
        const [typist, coder, waiting, winner] = yield* Effect.all([newPerson(), newPerson(), newPerson(), newPerson()])
        yield* type(typist, `+${digits}`)
        const { pendingId: typed } = yield* askedOf(jid(digits))
        const coded = yield* pendingOf(coder, lid, jid(digits))
        yield* confirm(coder, (yield* only(coder)).id)
        const agreed = yield* pendingOf(waiting, jid(digits))
        assert.strictEqual(yield* say(agreed, true, jid(digits)), "confirm_session")
        const { id } = yield* only(waiting)
        const elsewhere = newDigits()
        const [own, unrelated] = [yield* pendingOf(winner, lid), yield* pendingOf(winner, jid(elsewhere))]

        const proof = yield* pendingOf(winner, jid(digits))
        assert.strictEqual(yield* say(proof, true, jid(digits), lid), "confirm_session")
        yield* confirm(winner, (yield* mine(winner)).find(({ state }) => state === "confirm_session")?.id ?? "")
        assert.strictEqual(yield* ownerOf(jid(digits)), winner.organization.id)
        for (const late of [typed, coded, agreed, own]) {
          const refused = yield* Effect.flip(
            Effect.orElse(say(late, true, jid(digits), lid), () => say(late, true, lid))
          )
          assert.strictEqual(refused._tag, "PendingNotFound")
        }
        assert.strictEqual((yield* Effect.flip(confirm(waiting, id)))._tag, "IdentityNotFound")
        for (const person of [typist, coder, waiting]) assert.deepStrictEqual(yield* states(person), [])
        assert.deepStrictEqual(yield* states(winner), ["phone claimed", "phone verified"])
        assert.strictEqual(yield* say(unrelated, false, jid(elsewhere)), "declined")
        assert.strictEqual(yield* ownerOf(jid(digits)), winner.organization.id)

        const fresh = yield* pendingOf(coder, jid(digits))
        yield* confirm(coder, (yield* only(coder)).id)
        assert.strictEqual(yield* say(fresh, true, jid(digits)), "verified")
        assert.strictEqual(yield* ownerOf(jid(digits)), coder.organization.id)
        assert.deepStrictEqual(yield* states(winner), ["phone displaced", "wa_lid verified"])
      })
    )

    inRealTime(it)("end for all but one of those whom a sender says yes to at once", () =>
      Effect.replicateEffect(
        Effect.gen(function* () {
          const [digits, lid] = [newDigits(), newLid()]
          const people = yield* Effect.replicateEffect(newPerson(), 4)
          const [first, ...others] = people
          yield* type(first as Person, `+${digits}`)
          const questions = [(yield* askedOf(jid(digits))).pendingId]
          for (const [at, person] of others.entries()) {
            questions.push(yield* at === 0 ? pendingOf(person, jid(digits)) : pendingOf(person, lid, jid(digits)))
            yield* confirm(person, (yield* only(person)).id)
          }
          const last = people[3]
          const { id } = yield* only(last as Person)
          const [said] = yield* Effect.all(
            [
              Effect.forEach(questions, (id) => Effect.either(say(id, true, jid(digits), lid)), {
                concurrency: "unbounded"
              }),
              Effect.either(unlink(last as Person, id)),
              Effect.forEach(people, (person) => type(person, `+${newDigits()}`), { concurrency: "unbounded" })
            ],
            { concurrency: "unbounded" }
          )
          const yeses = said.filter((one) => Either.isRight(one) && one.right === "verified")
          assert.strictEqual(yeses.length, 1, JSON.stringify(said))
          const all = yield* Effect.forEach(people, states)
          assert.isAtMost(all.flat().filter((state) => state === "phone verified").length, 1)
          for (const id of questions) {
            const late = yield* Effect.either(say(id, true, jid(digits), lid))
            if (Either.isRight(late)) assert.strictEqual(late.right, "verified")
          }
          assert.deepStrictEqual(yield* Effect.forEach(people, states), all)
        }),
        8,
        { discard: true }
      )
    )

    inRealTime(it)("are gone whole once their person has ended them, also where the sender says yes meanwhile", () =>
      Effect.replicateEffect(
        Effect.gen(function* () {
          const [person, digits, lid] = [yield* newPerson(), newDigits(), newLid()]
          yield* type(person, `+${digits}`)
          const found = yield* look("wa_jid", jid(digits))
          const pendingId = (found !== null && "prompt" in found && found.prompt?.pendingId) as LinkId
          const { id } = yield* only(person)
          const [, ended] = yield* Effect.all(
            [Effect.either(say(pendingId, true, jid(digits), lid)), Effect.either(unlink(person, id))],
            { concurrency: "unbounded" }
          )
          assert(Either.isRight(ended))
          assert.deepStrictEqual(yield* mine(person), [])
          assert.deepStrictEqual([yield* look("wa_jid", jid(digits)), yield* look("wa_lid", lid)], [null, null])
        }),
        12,
        { discard: true }
      )
    )

    inRealTime(it)("stay ended where their number is typed again while somebody else proves it", () =>
      Effect.replicateEffect(
        Effect.gen(function* () {
          const [typist, prover, digits] = [yield* newPerson(), yield* newPerson(), newDigits()]
          yield* type(typist, `+${digits}`)
          const { pendingId: typed } = yield* askedOf(jid(digits))
          const coded = yield* pendingOf(prover, jid(digits))
          yield* confirm(prover, (yield* only(prover)).id)
          yield* Effect.all([say(coded, true, jid(digits)), Effect.either(type(typist, `+${digits}`))], {
            concurrency: "unbounded"
          })
          assert.strictEqual((yield* Effect.flip(say(typed, true, jid(digits))))._tag, "PendingNotFound")
          assert.strictEqual(yield* ownerOf(jid(digits)), prover.organization.id)
        }),
        12,
        { discard: true }
      )
    )

    inRealTime(it)("stay proved where another code of the same sender comes in meanwhile", () =>
      Effect.replicateEffect(
        Effect.gen(function* () {
          const [person, digits] = [yield* newPerson(), newDigits()]
          yield* type(person, `+${digits}`)
          const first = yield* pendingOf(person, jid(digits))
          const [answer] = yield* Effect.all(
            [Effect.either(say(first, true, jid(digits))), open(person, jid(digits))],
            { concurrency: "unbounded" }
          )
          // Whoever comes first: a yes that was taken holds; one that came after the new code has nothing to answer.
          if (Either.isRight(answer)) {
            assert.strictEqual(answer.right, "verified")
            assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
          } else assert.strictEqual(answer.left._tag, "PendingNotFound")
        }),
        12,
        { discard: true }
      )
    )

    const published = (slug: string, botPhone: string | null = null) =>
      Effect.flatMap(TemplateCatalog, (catalog) =>
        catalog.publish(template(slug, oneOfEach, { botPhone: botPhone as never }))
      )
    const mint = ({ userId }: Person, templateAgentId: AgentId) =>
      Effect.flatMap(InstallCodes, (codes) => Effect.map(codes.mint({ userId, templateAgentId }), ({ code }) => code))
    const handOn = (message: string, platformUserId: string, alternateIds: ReadonlyArray<string> = []) =>
      redeemCode({
        credential: credential({ bearer: `Bearer ${gatewayToken}` }),
        body: Effect.succeed({ message, platform: "whatsapp" as const, platformUserId, alternateIds })
      })

    it.effect("are asked for with a code, which installs the template, once", () =>
      Effect.gen(function* () {
        const { session } = yield* newVisitor
        yield* published(`coded-${label}`, "+15550001111")
        const made = yield* makeInstallCode({
          credential: session,
          body: Effect.succeed({ slug: `coded-${label}` })
        })
        assert.match(made.token, /^[a-z2-7]{32}$/)
        assert.strictEqual(made.expiresInSeconds, 900)
        assert.strictEqual(made.link, `https://wa.me/15550001111?text=Link%20this%20chat%3A%20${made.token}`)
        yield* published(`mute-${label}`)
        const mute = yield* makeInstallCode({
          credential: session,
          body: Effect.succeed({ slug: `mute-${label}` })
        })
        assert.hasAllKeys(mute, ["token", "expiresInSeconds"])
        const digits = newDigits()
        const first = yield* handOn(`hello ${made.token.toUpperCase()}`, jid(digits))
        assert.strictEqual(first.status, "confirm_sender")
        assert.isUndefined(first.installError)
        assert.match(first.text, /v•••.@example\.org.*YES/)
        assert.strictEqual((yield* handOn(made.token, jid(digits))).status, "token_used")
        assert.strictEqual((yield* handOn("no code", jid(digits))).status, "token_invalid")
        assert.strictEqual((yield* handOn("a".repeat(32), jid(digits))).status, "token_invalid")
        assert.strictEqual(yield* say(first.pendingId as LinkId, true, jid(digits)), "confirm_session")
      })
    )

    it.effect("are not asked for anew by a code whose sender is linked, which installs the template all the same", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const digits = newDigits()
        const person = yield* proved(digits)
        const { templateAgentId } = yield* published(`linked-${label}`)
        const answer = yield* handOn(Redacted.value(yield* mint(person, templateAgentId)), jid(digits))
        assert.strictEqual(answer.status, "already_linked_here")
        assert.hasAllKeys(answer, ["status", "text"])
        assert.lengthOf(yield* hands.agents(person.organization.id), 1)
        const counted = { outcome: "created", template: templateAgentId }
        assert.strictEqual((yield* Effect.tagMetrics(Metric.value(installs), counted)).count, 1)
      })
    )

    inRealTime(it)("let one of 50 who claim a code at once through", () =>
      Effect.gen(function* () {
        const person = yield* newPerson()
        const { templateAgentId } = yield* published(`raced-${label}`)
        const code = Redacted.value(yield* mint(person, templateAgentId))
        const answers = yield* Effect.all(
          Array.from({ length: 50 }, () => handOn(code, jid(newDigits()))),
          { concurrency: "unbounded" }
        )
        const count = (wanted: string) => answers.filter(({ status }) => status === wanted).length
        assert.deepStrictEqual([count("confirm_sender"), count("token_used")], [1, 49])
        assert.strictEqual((yield* mine(person)).length, 1)
      })
    )

    it.effect("have one live code a person and template, for 15 minutes", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [person, other] = [yield* newPerson(), yield* newPerson()]
        const { templateAgentId } = yield* published(`live-${label}`)
        const [first, theirs, second] = [
          yield* mint(person, templateAgentId),
          yield* mint(other, templateAgentId),
          yield* mint(person, templateAgentId)
        ]
        const consume = (code: Redacted.Redacted<string>) =>
          Effect.map(
            Effect.flatMap(InstallCodes, (codes) => codes.consume(code)),
            ({ status }) => status
          )
        assert.strictEqual(yield* consume(first), "token_invalid")
        assert.strictEqual(yield* consume(theirs), "consumed")
        yield* hands.age(14)
        const mirror = yield* TemplateMirror
        yield* mirror.apply({ userId: person.userId, organizationId: person.organization.id, templateAgentId })
        const codes = yield* InstallCodes
        assert.deepInclude(yield* codes.consume(second), { status: "consumed", installed: true, userId: person.userId })
        const third = yield* mint(person, templateAgentId)
        yield* hands.age(15)
        assert.strictEqual(yield* consume(third), "token_expired")
        assert.strictEqual(yield* consume(theirs), "token_used")
      })
    )

    it.effect(
      "keep the code where the account has no organization, and link where the template can't be installed",
      () =>
        Effect.gen(function* () {
          const hands = yield* Hands
          const person = yield* newPerson()
          const { templateAgentId } = yield* published(`kept-${label}`)
          const code = Redacted.value(yield* mint(person, templateAgentId))
          yield* hands.setRole(person.organization.id, person.userId, "member")
          assert.strictEqual((yield* handOn(code, jid(newDigits()))).status, "no_personal_org")
          yield* hands.setRole(person.organization.id, person.userId, "owner")
          yield* hands.author({ organizationId: person.organization.id, kind: "entity_types", slug: "invoice" })
          const claimed = yield* handOn(code, jid(newDigits()))
          assert.deepStrictEqual([claimed.status, claimed.installError], ["confirm_sender", "schema_collision"])
          assert.deepStrictEqual(yield* hands.agents(person.organization.id), [])
        })
    )

    it.effect("are for the gateway alone to hand on", () =>
      Effect.gen(function* () {
        for (const bearer of ["Bearer wrong", gatewayToken, "", `Bearer ${gatewayToken}x`]) {
          const refused = yield* Effect.flip(
            redeemCode({
              credential: credential({ bearer }),
              body: Effect.dieMessage("a stranger's body was read")
            })
          )
          assert.strictEqual(refused._tag, "NotGateway")
        }
      })
    )

    it.effect("take the ids of one person, and say which is none", () =>
      Effect.gen(function* () {
        const refused = yield* Effect.flip(handOn("x", "120363021234567890@g.us", ["1@s.whatsapp.net"]))
        assert.deepStrictEqual(
          refused._tag === "InvalidRequest" ? refused.issues.map(({ path }) => path) : refused._tag,
          ["platformUserId", "alternateIds.0"]
        )
        const two = yield* Effect.flip(handOn("x", jid(newDigits()), [jid(newDigits())]))
        assert.deepStrictEqual(two._tag === "InvalidRequest" ? two.issues : two._tag, [
          { path: "alternateIds", message: "must be ids of the same sender" }
        ])
      })
    )
  })
}

for (const [label, world] of worldsThatRouteOnClaim) {
  it.layer(world, { timeout: "60 seconds" })(`links where a claim routes (${label})`, (it) => {
    it.effect("answer in full for the one who typed a number, and ask all the same", () =>
      Effect.gen(function* () {
        const [person, rival, digits] = [yield* newPerson(), yield* newPerson(), newDigits()]
        yield* type(person, `+${digits}`)
        const found = yield* look("wa_jid", jid(digits))
        assert.deepInclude(found, { verified: false, answerTo: jid(digits) } as never)
        assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
        assert.isTrue(found !== null && "prompt" in found && found.prompt !== undefined)
        yield* type(rival, `+${digits}`)
        assert.isNull(yield* ownerOf(jid(digits)))
      })
    )

    it.effect("only ask of the one whose code came from a number that nobody typed", () =>
      Effect.gen(function* () {
        const [person, digits] = [yield* newPerson(), newDigits()]
        yield* pendingOf(person, jid(digits))
        assert.strictEqual(yield* ownerOf(jid(digits)), "asked")
        yield* type(person, `+${digits}`)
        assert.strictEqual(yield* ownerOf(jid(digits)), person.organization.id)
      })
    )
  })
}
