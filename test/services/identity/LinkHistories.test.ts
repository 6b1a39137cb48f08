import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import {
  challengeText,
  checkNumber,
  type LinkId,
  type LookupResult,
  maskIdentifier
} from "../../../src/domain/identity/Identity.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { readSender } from "../../../src/services/identity/ReadSender.ts"
import { Hands, newPerson, worldsOf } from "../../worlds.ts"

/*
 * What people, honest and hostile, do to each other in any order: type numbers that may not be theirs, send codes that may
 * have been forwarded or stolen, answer questions that may not be theirs to answer, confirm, decline, end.
 */

const people = 3

/** The ids a gateway may show for one message: of three phones, two with a LID that may come alone, and a LID of no phone. */
const messages = [["p0"], ["p0", "l0"], ["l0"], ["p1"], ["l1"], ["l1", "p1"], ["p2"], ["l2"]] as const
const identifiers = ["p0", "p1", "p2", "l0", "l1", "l2"] as const

// What people do to one sender's links comes oftenest, and what moves a link on: so that most histories go far.
const person = FastCheck.constantFrom(0, 0, 0, 1, 1, 2)
const phone = FastCheck.constantFrom(0, 0, 0, 1, 2)
const message = FastCheck.constantFrom(0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7)
const pending = FastCheck.constantFrom(0, 0, 0, 1, 1, 2, 3, 5)
const own = FastCheck.constantFrom(0, 0, 1, 2)
const yes = FastCheck.constantFrom(true, true, false)
const minutes = FastCheck.constantFrom(61, 30 * 24 * 60 + 1)
const is = <Act extends string>(act: Act) => FastCheck.constant(act)
const step = FastCheck.oneof(
  { weight: 4, arbitrary: FastCheck.record({ act: is("type"), person, phone }) },
  { weight: 4, arbitrary: FastCheck.record({ act: is("code"), person, message }) },
  { weight: 2, arbitrary: FastCheck.record({ act: is("answer"), pending, message, yes }) },
  { weight: 5, arbitrary: FastCheck.record({ act: is("answerAsAsked"), pending, yes }) },
  { weight: 2, arbitrary: FastCheck.record({ act: is("answerPrompt"), message, yes }) },
  { weight: 4, arbitrary: FastCheck.record({ act: is("confirm"), person, own }) },
  { weight: 2, arbitrary: FastCheck.record({ act: is("unlink"), person, own }) },
  { weight: 1, arbitrary: FastCheck.record({ act: is("wait"), minutes }) }
)
type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never
type History = ReadonlyArray<Step>

/** Two who are both to have a number, each with a question open: chance alone seldom brings that about. */
const rivals: History = [0, 1].flatMap(
  (who): History => [
    { act: "type", person: who, phone: 0 },
    { act: "code", person: who, message: who }
  ]
)
const histories = FastCheck.tuple(
  FastCheck.constantFrom<History>([], rivals),
  FastCheck.array(step, { minLength: 1, maxLength: 40, size: "max" })
).map(([first, rest]): History => [...first, ...rest])

/** How many histories and which: more are lived through with HISTORIES=1000, others with HISTORIES_SEED. */
const numRuns = Number(process.env.HISTORIES ?? 30)
const seed = Number(process.env.HISTORIES_SEED ?? 20261129)

let runs = 0

const waits = (state: string) => state === "claimed" || state === "confirm_session"

const promptOf = (found: LookupResult | undefined) =>
  found !== null && found !== undefined && "prompt" in found ? found.prompt : undefined

/** What a step came to, who wrote, and whose links it was about. */
interface Done {
  readonly said: string
  readonly by: ReadonlyArray<string>
  readonly for: number
}

/**
 * Lives through a history and answers with what could be seen of it: at every moment, each of which it holds to the laws, or of
 * what was said and of the end alone, which costs a third of it.
 */
const live = (history: History, routeOnClaim: boolean, seen: "every moment" | "the end") =>
  Effect.gen(function* () {
    const linker = yield* IdentityLinker
    const hands = yield* Hands
    const all = yield* Effect.replicateEffect(newPerson(), people)
    const run = ++runs
    const texts: Record<string, string> = Object.fromEntries(
      [0, 1, 2].flatMap((n) => [
        [`p${n}`, `4479${String(run).padStart(7, "0")}${n}@s.whatsapp.net`],
        [`l${n}`, `5${String(run).padStart(10, "0")}${n}@lid`]
      ])
    )
    texts.probe = `6${String(run).padStart(10, "0")}@lid`
    const me = (index: number) => {
      const known = all[index % people]
      if (known === undefined) throw new RangeError("nobody")
      return { userId: known.userId, organizationId: known.organization.id }
    }
    const personOf = (organizationId: string) => all.findIndex(({ organization }) => organization.id === organizationId)
    const senderOf = (names: ReadonlyArray<string>) =>
      Effect.orDie(
        readSender({
          platform: "whatsapp",
          platformUserId: texts[names[0] ?? ""] ?? "",
          alternateIds: names.slice(1).map((name) => texts[name] ?? "")
        })
      )
    const lookAt = Effect.suspend(() =>
      linker.lookup({ identities: identifiers.map((name) => ({ namespace: "wa_jid", identifier: texts[name] ?? "" })) })
    )
    const ownersIn = (found: ReadonlyArray<LookupResult>) =>
      Object.fromEntries(
        identifiers.map((name, index) => {
          const one = found[index] ?? null
          return [
            name,
            one !== null && "organization" in one ? { of: personOf(one.organization.id), proved: one.verified } : null
          ]
        })
      )

    const pending: Array<{ readonly id: LinkId; readonly person: number; readonly names: Set<string> }> = []
    const coded = new Set<LinkId>()
    // The questions that ended since somebody proved their sender, and those that were proved: a yes said again changes nothing.
    const over = new Set<LinkId>()
    const answered = new Set<LinkId>()
    const proved = (link: (typeof pending)[number]) => {
      answered.add(link.id)
      for (const other of pending) {
        if (other !== link && [...other.names].some((name) => link.names.has(name))) over.add(other.id)
      }
    }
    // Which identifiers have said no to whom, last.
    const refused = new Set<string>()
    // Whom each identifier said yes to being linked to, as the question named them.
    const agreed = new Set<string>()
    // Which identifiers each person has typed, or confirmed under their mask.
    const acknowledged = new Set<string>()
    const isMasked = (name: string, masked: string) =>
      maskIdentifier(texts[name] ?? "") === masked || maskIdentifier(`+${texts[name]?.split("@")[0]}`) === masked
    const trace: Array<unknown> = []

    // The address that names each person in the questions to senders.
    const emails = yield* Effect.forEach(all, (_, index) =>
      Effect.gen(function* () {
        const sender = yield* senderOf(["probe"])
        const opened = yield* Effect.orDie(linker.challenge({ ...me(index), sender }))
        if (opened === "already_linked_here") throw new RangeError(opened)
        yield* Effect.orDie(linker.answer({ linkId: opened.linkId, sender, yes: false }))
        return opened.email
      })
    )

    let before = ownersIn(yield* lookAt)

    const answer = (link: (typeof pending)[number], names: ReadonlyArray<string>, yes: boolean) =>
      Effect.gen(function* () {
        const said = yield* linker
          .answer({ linkId: link.id, sender: yield* senderOf(names), yes })
          .pipe(Effect.catchTag("PendingNotFound", () => Effect.succeed("refused" as const)))
        if (said === "verified" || said === "confirm_session") {
          for (const name of [...names, ...link.names]) {
            link.names.add(name)
            agreed.add(`${name} ${link.person}`)
            refused.delete(`${name} ${link.person}`)
          }
        }
        if (said === "declined") {
          const all = new Set([...names, ...link.names])
          for (const name of all) {
            refused.add(`${name} ${link.person}`)
            const owner = before[name] ?? null
            if (owner?.proved !== true || owner.of !== link.person) agreed.delete(`${name} ${link.person}`)
          }
          // What had been asked before is not to be asked again.
          for (const other of pending) {
            if (other.person === link.person && [...other.names].some((name) => all.has(name))) coded.delete(other.id)
          }
        }
        if (said === "verified" && !answered.has(link.id)) {
          const known = [...link.names].some((name) => acknowledged.has(`${name} ${link.person}`))
          assert.isTrue(known, `verified without the person's word: ${JSON.stringify({ history, link })}`)
          assert.isFalse(
            over.has(link.id),
            `verified by an answer that came late: ${JSON.stringify({ history, link })}`
          )
          proved(link)
        }
        return { said, by: names, for: link.person }
      })

    const take = (one: Step): Effect.Effect<Done | undefined, never, IdentityLinker> =>
      Effect.gen(function* () {
        switch (one.act) {
          case "type": {
            const phone = `+${(texts[`p${one.phone}`] ?? "").split("@")[0]}`
            const outcome = yield* linker.claimPhone({ ...me(one.person), phone }).pipe(
              Effect.map(({ state }) => `${state}`),
              Effect.catchAll(({ _tag }) => Effect.succeed<string>(_tag))
            )
            acknowledged.add(`p${one.phone} ${one.person}`)
            return { said: outcome, by: [], for: one.person }
          }
          case "code": {
            const names = messages[one.message % messages.length] ?? []
            const opened = yield* Effect.orDie(linker.challenge({ ...me(one.person), sender: yield* senderOf(names) }))
            if (opened === "already_linked_here") return { said: opened, by: [], for: one.person }
            coded.add(opened.linkId)
            pending.push({ id: opened.linkId, person: one.person, names: new Set(names) })
            return { said: "asked", by: [], for: one.person }
          }
          case "answer": {
            const link = pending[pending.length - 1 - one.pending]
            if (link === undefined) return undefined
            return yield* answer(link, messages[one.message % messages.length] ?? [], one.yes)
          }
          case "answerAsAsked": {
            const link = pending[pending.length - 1 - one.pending]
            return link === undefined ? undefined : yield* answer(link, [...link.names], one.yes)
          }
          case "answerPrompt": {
            const names = messages[one.message % messages.length] ?? []
            const found = (yield* lookAt).find((_, index) => names.some((name) => name === identifiers[index])) ?? null
            const prompt = promptOf(found)
            if (prompt === undefined) return undefined
            const known = pending.find(({ id }) => id === prompt.pendingId)
            const named = emails.findIndex((email) => challengeText(email, prompt.pendingId) === prompt.text)
            const link = known ?? {
              id: prompt.pendingId,
              person: named,
              names: new Set<string>(names.filter((name) => name.startsWith("p")))
            }
            assert.strictEqual(link.person, named, "the sentence names whose question it is")
            if (known === undefined) pending.push(link)
            return yield* answer(link, names, one.yes)
          }
          case "confirm":
          case "unlink": {
            const own = yield* linker.list(me(one.person))
            const chosen = own[one.own % Math.max(1, own.length)]
            if (chosen === undefined) return undefined
            const masked = identifiers.find((name) => isMasked(name, chosen.identifier))
            const asked = pending.find(({ id }) => checkNumber(id) === chosen.checkNumber)
            if (one.act === "confirm" && waits(chosen.state)) acknowledged.add(`${masked} ${one.person}`)
            const outcome =
              one.act === "confirm"
                ? (yield* Effect.orDie(linker.confirm({ ...me(one.person), id: chosen.id }))).state
                : yield* Effect.as(Effect.orDie(linker.unlink({ ...me(one.person), id: chosen.id })), "ended")
            if (outcome === "verified" && asked !== undefined) proved(asked)
            return { said: outcome, by: [], for: one.person }
          }
          case "wait": {
            yield* hands.age(one.minutes)
            return { said: "waited", by: [], for: -1 }
          }
        }
      })

    for (const [index, one] of history.entries()) {
      const done = yield* take(one)
      if (seen === "the end" && index < history.length - 1) {
        trace.push({ done })
        continue
      }
      const [rows, shown, found] = yield* Effect.all(
        [
          Effect.forEach(all, ({ organization }) => hands.identities(organization.id), { concurrency: "unbounded" }),
          Effect.forEach(all, (_, index) => linker.list(me(index)), { concurrency: "unbounded" }),
          lookAt
        ],
        { concurrency: "unbounded" }
      )
      const now = ownersIn(found)
      const moment = () => JSON.stringify({ history, one, done, before, now })

      const verified = rows
        .flat()
        .filter(({ state }) => state === "verified")
        .map(({ identifier, namespace }) => `${namespace} ${identifier}`)
      assert.strictEqual(new Set(verified).size, verified.length, `verified twice: ${moment()}`)

      for (const name of seen === "the end" ? [] : identifiers) {
        const claimants = shown.flatMap((own, index) =>
          own.some((each) => waits(each.state) && isMasked(name, each.identifier)) ? [index] : []
        )
        const owner = now[name] ?? null
        const was = before[name]?.proved === true ? before[name].of : null
        const is = owner?.proved === true ? owner.of : null
        if (owner !== null) {
          if (owner.proved) assert.isTrue(agreed.has(`${name} ${owner.of}`), `named without a yes: ${name} ${moment()}`)
          else assert.deepStrictEqual([routeOnClaim, claimants], [true, [owner.of]], `not alone: ${name} ${moment()}`)
        }
        const prompt = promptOf(found[identifiers.indexOf(name)])
        if (prompt !== undefined && !coded.has(prompt.pendingId)) {
          const again = emails.findIndex((email) => challengeText(email, prompt.pendingId) === prompt.text)
          assert.isFalse(refused.has(`${name} ${again}`), `asked after a no: ${name} ${moment()}`)
        }
        if (was !== null && was !== is) {
          const ownAct = done?.for === was
          const newProof = is !== null && agreed.has(`${name} ${is}`) && done?.for === is
          assert.isTrue(ownAct || newProof, `taken away: ${name} ${moment()}`)
        }
      }
      trace.push({
        done,
        now,
        asked: found.map((each) => promptOf(each) !== undefined),
        shown: shown.map((own) => own.map(({ namespace, state }) => `${namespace} ${state}`).sort())
      })
      before = now
    }
    return trace
  })

for (const [title, routeOnClaim] of [
  ["histories of links", false],
  ["histories of links where a claim routes", true]
] as const) {
  const known = new Map(worldsOf({ routeOnClaim }))
  const [memory, postgres] = [known.get("memory"), known.get("postgres")]
  assert(memory !== undefined)
  describe(title, () => {
    it.effect.prop(
      "verify each identifier for one, with its sender's yes, and take it from nobody but by a newer one",
      [histories],
      ([history]) => Effect.asVoid(Effect.provide(live(history, routeOnClaim, "every moment"), memory)),
      { fastCheck: { numRuns, seed }, timeout: 1_200_000 }
    )
  })

  // Where tests run without a database, there is nothing to compare with.
  if (postgres === undefined) continue
  it.layer(postgres, { timeout: "60 seconds" })(title, (it) => {
    it.effect.prop(
      "are the same in memory and on Postgres",
      [histories],
      ([history]) =>
        Effect.gen(function* () {
          const inMemory = yield* Effect.provide(live(history, routeOnClaim, "the end"), memory)
          assert.deepStrictEqual(yield* live(history, routeOnClaim, "the end"), inMemory)
        }),
      { fastCheck: { numRuns: Math.ceil(numRuns * 0.4), seed }, timeout: 1_200_000 }
    )
  })
}
