import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Either, Fiber, Layer, Random, Schedule } from "effect"
import type { Mode } from "../../../src/domain/catalog/Mode.ts"
import { OrganizationId, UserId } from "../../../src/domain/Ids.ts"
import { ServicesLive } from "../../../src/layers/AppLive.ts"
import { PgPool } from "../../../src/layers/postgres/Database.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { PublishedTemplates } from "../../../src/services/publishing/PublishedTemplates.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = ServicesLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const people = ["ada", "bob", "cleo", "dora"]
const modes: ReadonlyArray<Mode> = ["copy", "reference"]
const rounds = 40
const modeOf = (round: number) => (round % 2 === 0 ? "copy" : "reference")

let templates = 0

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("an install beside its publisher", (it) => {
  /** A template, people who may have it, and how all of that stands. */
  const prepared = Effect.fnUntraced(function* (mode: Mode) {
    const sql = yield* SqlClient.SqlClient
    const catalog = yield* TemplateCatalog
    const mirror = yield* TemplateMirror
    const own = yield* PublishedTemplates
    const slug = `raced-${++templates}`
    const publish = (name: string) =>
      catalog.publish(
        template(slug, [definition("entity_types", "bill", { name }), definition("watchers", "inbox")], {
          modes: [mode]
        })
      )
    const { templateAgentId } = yield* publish("First")
    const [found] = yield* sql<{ organizationId: string }>`
      SELECT organization_id FROM agents WHERE id = ${templateAgentId}`
    const publisher = OrganizationId.make(found?.organizationId ?? assert.fail())
    const idOf = (one: string) => `${one}-${slug}`
    yield* sql`
      WITH n AS (SELECT unnest(${people.map(idOf)}::text[]) AS id),
      u AS (INSERT INTO "user" (id, name, email, "emailVerified") SELECT id, id, id || '@example.org', false FROM n),
      o AS (INSERT INTO organization (id, name, slug) SELECT id, id, id FROM n)
      INSERT INTO member (organization_id, user_id, role) SELECT id, id, 'owner' FROM n`
    const requestOf = (one: string) => ({
      userId: UserId.make(idOf(one)),
      organizationId: OrganizationId.make(idOf(one)),
      templateAgentId
    })
    const install = (one: string) => mirror.apply(requestOf(one))
    /** The short way is taken where somebody has installed the template before. */
    const learn = Effect.flatMap(install("ada"), ({ agentId }) => mirror.uninstall({ ...requestOf("ada"), agentId }))
    /** Whether it is withdrawn, how many have it, and how many anything is there of. */
    const state = Effect.gen(function* () {
      const [row] = yield* sql<Record<"withdrawn" | "agents" | "seen" | "kept" | "installs", unknown>>`
        SELECT t.withdrawn_at IS NOT NULL AS withdrawn,
          (SELECT count(*)::int FROM agents WHERE template_agent_id = t.id) AS agents,
          (SELECT count(*)::int FROM vocabulary.entity_types v
            WHERE v.organization_id = ANY (${people.map(idOf)}) AND v.slug = 'bill' AND v.deleted_at IS NULL) AS seen,
          (SELECT count(DISTINCT organization_id)::int FROM (
            SELECT organization_id FROM watchers WHERE organization_id = ANY (${people.map(idOf)}) AND retired_at IS NULL
              AND (inherits IS NOT NULL OR deleted_at IS NULL)
          ) w) AS kept,
          (SELECT count(*)::int FROM mirror_history WHERE template_agent_id = t.id AND action = 'install') AS installs
        FROM agents t WHERE t.id = ${templateAgentId}`
      return row ?? assert.fail()
    })
    const withdraw = own.withdraw(publisher, slug)
    return { idOf, install, learn, own, publish, publisher, slug, state, withdraw }
  })

  /** Until so many wait for each other. */
  const waits = (count: number) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.pipe(
        Effect.repeat({ until: (rows) => rows.length >= count, schedule: Schedule.spaced("10 millis") })
      )
    )

  /** Does something and holds it, not yet committed, until it is let go. */
  const held = <A, E>(step: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const done = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const fiber = yield* step.pipe(
        Effect.zipLeft(Deferred.succeed(done, undefined)),
        Effect.zipLeft(Deferred.await(go)),
        sql.withTransaction,
        Effect.fork
      )
      yield* Deferred.await(done)
      return Effect.zipRight(Deferred.succeed(go, undefined), Fiber.join(fiber))
    })

  const atAnyMoment = <A, E>(step: Effect.Effect<A, E>) =>
    Effect.flatMap(Random.nextIntBetween(0, 12), (millis) => Effect.delay(Effect.either(step), millis))

  const tagOf = (error: { readonly _tag: string }) => error._tag

  for (const way of ["long", "short"] as const) {
    it.scoped(`is refused where a withdrawal came first, the ${way} way`, () =>
      Effect.gen(function* () {
        for (const mode of modes) {
          const { install, learn, state, withdraw } = yield* prepared(mode)
          if (way === "short") yield* learn
          const before = yield* state
          const letGo = yield* held(withdraw)
          const installing = yield* Effect.fork(Effect.either(install("bob")))
          yield* waits(1)
          yield* letGo
          const installed = yield* Fiber.join(installing)
          assert.strictEqual(Either.match(installed, { onLeft: tagOf, onRight: () => "" }), "TemplateNotPublic")
          assert.deepStrictEqual(yield* state, { ...before, withdrawn: true })
        }
      })
    )
  }

  it.scoped("makes a withdrawal wait that comes second, and refuses that, the long way", () =>
    Effect.gen(function* () {
      for (const mode of modes) {
        const { install, state, withdraw } = yield* prepared(mode)
        const letGo = yield* held(install("bob"))
        const withdrawing = yield* Effect.fork(Effect.flip(withdraw))
        yield* waits(1)
        yield* letGo
        assert.deepInclude(yield* Fiber.join(withdrawing), { _tag: "TemplateInUse", installations: 1 })
        assert.deepStrictEqual(yield* state, { withdrawn: false, agents: 1, seen: 1, kept: 1, installs: 1 })
      }
    })
  )

  it.scoped("makes a withdrawal wait that comes second, and refuses that, the short way", () =>
    Effect.gen(function* () {
      const pool = yield* PgPool
      const { idOf, install, learn, state, withdraw } = yield* prepared("copy")
      yield* learn
      const client = yield* Effect.acquireRelease(
        Effect.promise(() => pool.connect()),
        (client) => Effect.sync(() => client.release())
      )
      // Somebody is at the organization: the one statement of the install has written all, and waits at its end.
      yield* Effect.promise(() => client.query("BEGIN"))
      yield* Effect.promise(() => client.query("SELECT FROM organization WHERE id = $1 FOR UPDATE", [idOf("bob")]))
      const installing = yield* Effect.fork(install("bob"))
      yield* waits(1)
      const withdrawing = yield* Effect.fork(Effect.flip(withdraw))
      yield* waits(2)
      yield* Effect.promise(() => client.query("COMMIT"))
      yield* Fiber.join(installing)
      assert.deepInclude(yield* Fiber.join(withdrawing), { _tag: "TemplateInUse", installations: 1 })
      assert.deepStrictEqual(yield* state, { withdrawn: false, agents: 1, seen: 1, kept: 1, installs: 2 })
    })
  )

  it.scoped("is refused where a deprecation came first, and stays where that came second", () =>
    Effect.gen(function* () {
      for (let round = 0; round < rounds; round++) {
        const { install, learn, own, publisher, slug, state } = yield* prepared(modeOf(round))
        if (round % 4 > 1) yield* learn
        const before = yield* state
        const deprecate = Effect.orDie(own.deprecate(publisher, slug, { reason: "There is a better one." }))
        const [, afterwards, ...installs] = yield* Effect.all(
          [
            deprecate,
            // Once a deprecation is answered, nobody begins.
            Effect.zipRight(deprecate, Effect.either(install("ada"))),
            ...["bob", "cleo", "dora"].map((one) => atAnyMoment(install(one)))
          ],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(Either.match(afterwards, { onLeft: tagOf, onRight: () => "" }), "TemplateDeprecated")
        const installed = installs.filter(Either.isRight).length
        for (const one of installs) assert.isTrue(Either.isRight(one) || one.left._tag === "TemplateDeprecated")
        assert.deepStrictEqual(yield* state, {
          withdrawn: false,
          agents: installed,
          seen: installed,
          kept: installed,
          installs: Number(before.installs) + installed
        })
      }
    })
  )

  it.scoped("leaves no half state, whichever comes first", () =>
    Effect.gen(function* () {
      for (let round = 0; round < rounds; round++) {
        const { install, learn, state, withdraw } = yield* prepared(modeOf(round))
        if (round % 4 > 1) yield* learn
        const before = yield* state
        const [withdrawn, ...installs] = yield* Effect.all(
          [atAnyMoment(withdraw), ...people.map((one) => atAnyMoment(install(one)))],
          { concurrency: "unbounded" }
        )
        const installed = installs.filter(Either.isRight).length
        const refused = [...new Set(installs.flatMap((one) => (Either.isLeft(one) ? [one.left._tag] : [])))]
        const after = yield* state
        if (Either.isRight(withdrawn)) {
          assert.deepStrictEqual([installed, refused], [0, ["TemplateNotPublic"]])
          assert.deepStrictEqual(after, { ...before, withdrawn: true })
        } else {
          assert.strictEqual(withdrawn.left._tag, "TemplateInUse")
          assert.deepStrictEqual([installed, refused], [people.length, []])
          assert.deepStrictEqual(after, {
            withdrawn: false,
            agents: people.length,
            seen: people.length,
            kept: people.length,
            installs: Number(before.installs) + people.length
          })
        }
      }
    })
  )

  it.scoped("and a publication each take their turn with a withdrawal", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const published = (organizationId: string) => sql`
        SELECT slug FROM entity_types WHERE organization_id = ${organizationId} AND slug = 'bill' AND deleted_at IS NULL`
      for (const first of ["withdrawal", "publication"]) {
        const { publish, publisher, state, withdraw } = yield* prepared("copy")
        const letGo = yield* held<unknown, unknown>(first === "withdrawal" ? withdraw : publish("Second"))
        const second = yield* Effect.fork(
          Effect.either<unknown, { readonly _tag: string }, never>(
            first === "withdrawal" ? publish("Second") : withdraw
          )
        )
        yield* waits(1)
        yield* letGo
        const done = yield* Fiber.join(second)
        assert.strictEqual(
          Either.match(done, { onLeft: tagOf, onRight: () => "done" }),
          first === "withdrawal" ? "PublishRefused" : "done"
        )
        assert.deepInclude(yield* state, { withdrawn: true })
        assert.deepStrictEqual(yield* published(publisher), [])
      }
    })
  )
})
