import { assert, it } from "@effect/vitest"
import { Chunk, Clock, Effect, Option, Redacted, Stream } from "effect"
import { UserId } from "../../../src/domain/Ids.ts"
import { Accounts } from "../../../src/services/account/Accounts.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { OrgResolver } from "../../../src/services/account/OrgResolver.ts"
import { deleteAccount } from "../../../src/services/account/OwnAccount.ts"
import { PersonalOrgs } from "../../../src/services/account/PersonalOrgs.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { IdentityLinker } from "../../../src/services/identity/IdentityLinker.ts"
import { InstallCodes } from "../../../src/services/identity/InstallCodes.ts"
import { InstalledAgents } from "../../../src/services/installation/InstalledAgents.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, oneOfEach, template } from "../../fixtures/templates.ts"
import { credential, Hands, inRealTime, password, worlds } from "../../worlds.ts"

let names = 0
const right = Redacted.make(password)
const realClock = Clock.make()

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`Accounts (${label})`, (it) => {
    /** Somebody who has signed up, with an organization of their own. */
    const signedUp = Effect.gen(function* () {
      const hands = yield* Hands
      const auth = yield* Auth
      const name = `account${++names}`
      const { bearer } = yield* hands.signUp(name)
      const { sessionId, userId } = yield* Effect.orDie(auth.identify(credential({ bearer })))
      yield* Effect.flatMap(PersonalOrgs, ({ ensure }) => ensure(userId))
      const organization = yield* Effect.flatMap(OrgResolver, ({ personalOrg }) => Effect.orDie(personalOrg(userId)))
      return { name, bearer, sessionId, userId, organization }
    })
    type Account = Effect.Effect.Success<typeof signedUp>

    const published = (rest: Partial<Parameters<typeof template>[2]> = {}, definitions = oneOfEach) =>
      Effect.gen(function* () {
        const catalog = yield* TemplateCatalog
        const hands = yield* Hands
        const slug = `accounts-${++names}`
        const { templateAgentId } = yield* Effect.orDie(catalog.publish(template(slug, definitions, rest)))
        return { slug, templateAgentId, publisher: yield* hands.organizationId(`${slug}-publisher`) }
      })
    type Published = Effect.Effect.Success<ReturnType<typeof published>>

    const install = ({ organization, userId }: Account, { templateAgentId }: Pick<Published, "templateAgentId">) =>
      Effect.flatMap(TemplateMirror, (mirror) =>
        mirror.apply({ userId, organizationId: organization.id, templateAgentId })
      )

    const held = (userId: UserId) =>
      Effect.flatMap(Accounts, (accounts) =>
        Effect.map(Stream.runCollect(accounts.held(userId)), Chunk.toReadonlyArray)
      )
    const tablesOf = (rows: ReadonlyArray<{ readonly table: string }>) => [...new Set(rows.map(({ table }) => table))]

    /** A person with something in every table that the service itself fills. */
    const settled = Effect.gen(function* () {
      const person = yield* signedUp
      const one = yield* published()
      const linker = yield* IdentityLinker
      const codes = yield* InstallCodes
      yield* Effect.orDie(install(person, one))
      const phone = `+4479111${String(10_000 + ++names)}`
      yield* Effect.orDie(linker.claimPhone({ userId: person.userId, organizationId: person.organization.id, phone }))
      const { code } = yield* codes.mint({ userId: person.userId, templateAgentId: one.templateAgentId })
      return { ...person, ...one, phone, code: Redacted.value(code) }
    })

    it.effect("finds an account by its e-mail address, however that is written", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const { name, userId } = yield* signedUp
        assert.deepStrictEqual(yield* accounts.withEmail(`${name.toUpperCase()}@Example.org`), Option.some(userId))
        assert.deepStrictEqual(yield* accounts.withEmail("nobody@example.org"), Option.none())
        assert.deepStrictEqual(yield* accounts.withEmail("a\u0000@example.org"), Option.none())
      })
    )

    it.effect("shows an account with the session that asks", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const { name, sessionId, userId } = yield* signedUp
        const account = yield* accounts.view(userId, sessionId)
        assert.deepStrictEqual(
          [account.name, account.email, account.emailVerified],
          [name, `${name}@example.org`, false]
        )
        assert.deepStrictEqual(
          account.sessions.map(({ current, id }) => [id, current]),
          [[sessionId, true]]
        )
        const other = yield* accounts.view(userId, "another")
        assert.deepStrictEqual(
          other.sessions.map(({ current }) => current),
          [false]
        )
        const nobody = UserId.make("nobody")
        assert.strictEqual((yield* Effect.flip(accounts.view(nobody, sessionId)))._tag, "Unauthenticated")
        assert.strictEqual((yield* Effect.flip(accounts.planDeletion(nobody)))._tag, "Unauthenticated")
        assert.strictEqual((yield* Effect.flip(accounts.delete(nobody, right)))._tag, "Unauthenticated")
        assert.deepStrictEqual(yield* held(nobody), [])
      })
    )

    it.effect("hands out all it holds of a person, nothing of anybody else, and nothing that opens anything", () =>
      Effect.gen(function* () {
        const ada = yield* settled
        const bob = yield* settled
        const rows = yield* held(ada.userId)
        assert.includeMembers(tablesOf(rows), [
          ...["user", "session", "organization", "member", "agents", "entity_types", "entity_relationship_types"],
          ...["watchers", "event_classifiers", "entity_identities", "identity_links", "install_tokens"],
          ...["mirror_ledger", "mirror_history"]
        ])
        const text = rows.map(({ row }) => row).join("\n")
        for (const own of [ada.userId, ada.name, ada.organization.id, ada.phone]) assert.include(text, own)
        for (const other of [bob.userId, bob.name, bob.organization.id, bob.phone]) assert.notInclude(text, other)
        for (const secret of [ada.code, password, ada.bearer.replace(/^Bearer |[.].*$/g, "")]) {
          assert.notInclude(text, secret)
        }
        for (const { row } of rows) assert.isObject(JSON.parse(row))
        // The rows of a table stand next to each other.
        const order = rows.map(({ table }) => table).filter((table, at, all) => table !== all[at - 1])
        assert.deepStrictEqual(order, tablesOf(rows))
      })
    )

    it.effect("says what would go", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const { name, organization, userId } = yield* settled
        assert.deepStrictEqual(yield* accounts.planDeletion(userId), {
          email: `${name}@example.org`,
          sessions: 1,
          organizations: [
            {
              organizationId: organization.id,
              organizationSlug: organization.slug,
              name,
              personal: true,
              agents: 1,
              definitions: 4,
              entities: 0,
              identities: 3,
              otherMembers: 0
            }
          ],
          leaves: [],
          obstacles: []
        })
      })
    )

    it.effect("deletes an account with all that is held of it, for its password alone, and nobody else's", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const auth = yield* Auth
        const orgs = yield* OrgResolver
        const hands = yield* Hands
        const ada = yield* settled
        const bob = yield* signedUp
        yield* Effect.orDie(install(bob, ada))
        const before = { ada: yield* held(ada.userId), bob: yield* held(bob.userId) }
        for (const wrong of ["", "wrong", ` ${password}`]) {
          const refused = yield* Effect.flip(accounts.delete(ada.userId, Redacted.make(wrong)))
          assert.strictEqual(refused._tag, "WrongPassword")
        }
        assert.deepStrictEqual(yield* held(ada.userId), before.ada)

        yield* accounts.delete(ada.userId, right)
        assert.deepStrictEqual(yield* held(ada.userId), [])
        assert.deepStrictEqual(yield* held(bob.userId), before.bob)
        assert.strictEqual(
          (yield* Effect.flip(auth.identify(credential({ bearer: ada.bearer }))))._tag,
          "Unauthenticated"
        )
        assert.strictEqual((yield* Effect.flip(orgs.personalOrg(ada.userId)))._tag, "NoPersonalOrg")
        assert.strictEqual((yield* Effect.flip(accounts.delete(ada.userId, right)))._tag, "Unauthenticated")
        assert.deepStrictEqual(yield* hands.rows(ada.organization.id), [])
        assert.deepStrictEqual(yield* hands.agents(ada.organization.id), [])
        assert.deepStrictEqual(yield* hands.identities(ada.organization.id), [])
        // Nothing brings it back, and its address is free.
        yield* Effect.flatMap(PersonalOrgs, ({ ensure }) => ensure(ada.userId))
        assert.strictEqual((yield* Effect.flip(orgs.personalOrg(ada.userId)))._tag, "NoPersonalOrg")
        const again = yield* hands.signUp(ada.name)
        assert.notStrictEqual((yield* auth.identify(credential({ bearer: again.bearer }))).userId, ada.userId)
      })
    )

    it.effect("frees a number that was proved", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const hands = yield* Hands
        const linker = yield* IdentityLinker
        const ada = yield* settled
        const bob = yield* signedUp
        yield* hands.verifyPhones(ada.organization.id)
        const claim = linker.claimPhone({
          userId: bob.userId,
          organizationId: bob.organization.id,
          phone: ada.phone
        })
        assert.strictEqual((yield* Effect.flip(claim))._tag, "IdentityTaken")
        yield* accounts.delete(ada.userId, right)
        assert.strictEqual((yield* claim).state, "claimed")
      })
    )

    it.effect("keeps an organization from going that others belong to, or have installed from", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const hands = yield* Hands
        const [ada, bob, eve] = [yield* signedUp, yield* signedUp, yield* signedUp]
        const shared = yield* published()
        yield* hands.setRole(shared.publisher, ada.userId, "owner")
        const obstacles = Effect.map(accounts.planDeletion(ada.userId), (plan) =>
          plan.obstacles.map(({ installations, kept, otherMembers }) => ({ installations, kept, otherMembers }))
        )
        assert.deepStrictEqual(yield* obstacles, [])

        yield* hands.setRole(shared.publisher, bob.userId, "member")
        assert.deepStrictEqual(yield* obstacles, [{ installations: 0, kept: false, otherMembers: 1 }])
        yield* Effect.orDie(install(eve, shared))
        // Their own does not count: it goes too.
        yield* Effect.orDie(install(ada, shared))
        assert.deepStrictEqual(yield* obstacles, [{ installations: 1, kept: true, otherMembers: 1 }])
        const refused = yield* Effect.flip(accounts.delete(ada.userId, right))
        assert(refused._tag === "OrganizationInUse")
        assert.deepStrictEqual(
          refused.organizations.map(({ organizationId }) => organizationId),
          [shared.publisher]
        )
        assert.include(refused.message, `${shared.slug}-publisher (1 other member, 1 installation by others)`)

        yield* hands.setRole(shared.publisher, bob.userId, "owner")
        const plan = yield* accounts.planDeletion(ada.userId)
        assert.deepStrictEqual(
          [plan.organizations.length, plan.leaves.map(({ organizationId }) => organizationId), plan.obstacles],
          [1, [shared.publisher], []]
        )
        yield* accounts.delete(ada.userId, right)
        const [installed] = yield* hands.agents(eve.organization.id)
        assert.strictEqual(installed?.templateAgentId, shared.templateAgentId)
        assert.strictEqual(yield* hands.organizationName(`${shared.slug}-publisher`), `${shared.slug}-publisher`)
        assert.deepStrictEqual(
          [(yield* accounts.planDeletion(bob.userId)).obstacles.length, (yield* held(ada.userId)).length],
          [1, 0]
        )
      })
    )

    it.effect("counts a wrong password that is given for its deletion, and no right one with which it stays", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const [ada, bob] = [yield* signedUp, yield* signedUp]
        const shared = yield* published()
        yield* hands.setRole(shared.publisher, ada.userId, "owner")
        yield* hands.setRole(shared.publisher, bob.userId, "member")
        const refused = (given: string) =>
          deleteAccount({
            credential: credential({ bearer: ada.bearer }),
            body: Effect.succeed({ password: Redacted.make(given) })
          }).pipe(
            Effect.flip,
            Effect.map(({ _tag }) => _tag)
          )
        // Four tries in a quarter of an hour.
        for (const _ of [1, 2, 3, 4, 5]) assert.strictEqual(yield* refused(password), "OrganizationInUse")
        for (const _ of [1, 2, 3, 4]) assert.strictEqual(yield* refused("another password"), "WrongPassword")
        assert.strictEqual(yield* refused("another password"), "RateLimitExceeded")
      })
    )

    it.effect("takes an organization along that nobody else has anything of", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const hands = yield* Hands
        const catalog = yield* TemplateCatalog
        const ada = yield* signedUp
        const own = yield* published()
        yield* hands.setRole(own.publisher, ada.userId, "owner")
        yield* Effect.orDie(install(ada, own))
        assert.includeMembers(tablesOf(yield* held(ada.userId)), ["template_revisions", "template_revision_rows"])
        const plan = yield* accounts.planDeletion(ada.userId)
        assert.deepStrictEqual(
          plan.organizations.map(({ personal }) => personal),
          [true, false]
        )
        yield* accounts.delete(ada.userId, right)
        assert.strictEqual((yield* Effect.flip(catalog.manifest(own.slug)))._tag, "UnknownTemplateSlug")
      })
    )

    it.effect("tells the others of an organization that stays what was done, and no name", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const agents = yield* InstalledAgents
        const hands = yield* Hands
        const [ada, bob] = [yield* signedUp, yield* signedUp]
        const one = yield* published()
        yield* hands.setRole(bob.organization.id, ada.userId, "admin")
        yield* Effect.orDie(install({ ...ada, organization: bob.organization }, one))
        const by = Effect.gen(function* () {
          const [agent] = yield* hands.agents(bob.organization.id)
          const found = yield* Effect.orDie(agents.find(bob.userId, String(agent?.id)))
          const { entries } = yield* agents.history(found, { limit: 20, rows: "changed" })
          return entries.map((entry) => entry.by)
        })
        assert.deepStrictEqual(yield* by, [{ userId: ada.userId, name: ada.name }])
        const elsewhere = (yield* held(ada.userId)).filter(({ table }) => table === "mirror_history")
        assert.strictEqual(elsewhere.length, 1)
        assert.notInclude(elsewhere[0]?.row, "invoice")
        yield* accounts.delete(ada.userId, right)
        assert.deepStrictEqual(yield* by, [{ userId: ada.userId, name: null }])
      })
    )

    it.effect("leaves an account that another program still refers to", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const hands = yield* Hands
        const { organization, userId } = yield* settled
        yield* hands.use({ organizationId: organization.id, kind: "watchers", slug: "inbox" })
        const before = yield* held(userId)
        const refused = yield* Effect.flip(Effect.withClock(accounts.delete(userId, right), realClock))
        assert(refused._tag === "OrganizationInUse")
        assert.deepStrictEqual(
          refused.organizations.map(({ kept, organizationId }) => [organizationId, kept]),
          [[organization.id, true]]
        )
        assert.deepStrictEqual(yield* held(userId), before)
      })
    )

    inRealTime(it)("is deleted once, of two who ask at once", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const { userId } = yield* settled
        const tags = yield* Effect.all(
          Array.from({ length: 4 }, () =>
            Effect.match(accounts.delete(userId, right), {
              onFailure: ({ _tag }): string => _tag,
              onSuccess: () => "deleted"
            })
          ),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(tags.toSorted(), ["Unauthenticated", "Unauthenticated", "Unauthenticated", "deleted"])
      })
    )

    inRealTime(it)("goes as a whole while its person installs and signs in", () =>
      Effect.gen(function* () {
        const accounts = yield* Accounts
        const hands = yield* Hands
        const personalOrgs = yield* PersonalOrgs
        const one = yield* published({}, [definition("entity_types", "invoice"), ...oneOfEach.slice(1)])
        for (const after of [0, 2, 5, 10, 20]) {
          const person = yield* signedUp
          const [, installed] = yield* Effect.all(
            [
              Effect.delay(accounts.delete(person.userId, right), after),
              Effect.either(install(person, one)),
              ...Array.from({ length: 3 }, (_, at) => Effect.delay(personalOrgs.ensure(person.userId), 3 * at))
            ],
            { concurrency: "unbounded" }
          )
          if (installed._tag === "Left") {
            assert.include(["NotOrgAdmin", "TemplateNotFound", "NoPersonalOrg"], installed.left._tag)
          }
          assert.deepStrictEqual(yield* held(person.userId), [])
          assert.deepStrictEqual(yield* hands.agents(person.organization.id), [])
          assert.deepStrictEqual(yield* hands.rows(person.organization.id), [])
          const orgs = yield* OrgResolver
          assert.strictEqual((yield* Effect.flip(orgs.personalOrg(person.userId)))._tag, "NoPersonalOrg")
        }
      })
    )
  })
}
