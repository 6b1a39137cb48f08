import { SqlClient } from "@effect/sql"
import { assert, layer } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Layer } from "effect"
import { type AgentId, type OrganizationId, Slug } from "../../../src/domain/Ids.ts"
import { ServicesLive } from "../../../src/layers/AppLive.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { TemplateMirror } from "../../../src/services/installation/TemplateMirror.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { ownerNamed } from "../../people.ts"
import { connection, PgTest } from "../../pg.ts"
import { appOptions } from "../../worlds.ts"

const Live = ServicesLive(appOptions).pipe(Layer.provideMerge(PgTest), Layer.orDie)

const definitions = [
  definition("entity_types", "invoice"),
  definition("watchers", "inbox", { content: { schedule: "0 7 * * 1" } }),
  definition("watchers", "outbox"),
  definition("event_classifiers", "topic", { references: { watcher_id: Slug.make("inbox") } })
]

let made = 0

/** A template that is only referred to, of which the process has learnt what the short cut needs, and people. */
const prepared = Effect.gen(function* () {
  const catalog = yield* TemplateCatalog
  const mirror = yield* TemplateMirror
  const sql = yield* SqlClient.SqlClient
  const at = ++made
  const name = `together-${at}`
  const publish = (given = definitions) => catalog.publish(template(name, given, { modes: ["reference"] }))
  const { templateAgentId } = yield* publish()
  const newPerson = (who: string) =>
    Effect.map(ownerNamed(`${who}-${at}`), (person) => ({ ...person, templateAgentId }))
  const newPeople = (count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, at) => `p${at}`),
      newPerson
    )
  const first = yield* newPerson("first")
  yield* mirror.apply(first)
  const lone = yield* newPerson("lone")
  /** Somebody whose statement is under way when the others come, so that the next one is for all of these. */
  const together = <A, E, R>(others: Effect.Effect<A, E, R>) =>
    Effect.zipRight(Effect.fork(mirror.apply(lone)), Effect.zipRight(Effect.yieldNow(), others))
  /** What is written of an organization besides ids and times, and whether all refer to the same agent, in its block of ids. */
  const written = (organizationId: OrganizationId, agentId: AgentId) =>
    sql`
      SELECT 'agent' AS what, a.name, a.revision::text AS says, a.mode AS more,
        a.owner_user_id = m.user_id AND a.id = ${agentId} AS fits
      FROM agents a JOIN member m USING (organization_id) WHERE a.organization_id = ${organizationId}
      UNION ALL SELECT 'history', h.action, h.revision::text, h.rows::text || h.besides::text,
        h.agent_id = ${agentId} AND h.user_id = m.user_id
      FROM mirror_history h JOIN member m USING (organization_id) WHERE h.organization_id = ${organizationId}
      UNION ALL SELECT 'event', type, (data ->> 'revision') || (data ->> 'by'), NULL,
        data ->> 'agentId' = ${agentId} AND data ->> 'templateAgentId' = ${templateAgentId}
      FROM events WHERE organization_id = ${organizationId}
      UNION ALL SELECT 'anchor', w.slug, w.name, (w.next_run_at > now())::text,
        w.agent_id = ${agentId} AND w.created_by = a.owner_user_id
        AND w.inherits = p.source_id AND w.id = a.first_id + p.ordinal
      FROM watchers w JOIN agents a USING (organization_id)
      JOIN published_watchers p ON p.template_agent_id = a.template_agent_id AND p.revision = a.revision AND p.slug = w.slug
      WHERE w.organization_id = ${organizationId}
      UNION ALL SELECT 'seen', slug, origin, NULL, NULL FROM vocabulary.entity_types WHERE organization_id = ${organizationId}
      ORDER BY 1, 2, 3, 4
    `
  /** In how many transactions the first installs of these organizations were made. */
  const transactions = (people: ReadonlyArray<{ readonly organizationId: OrganizationId }>) =>
    Effect.map(
      sql`
        SELECT DISTINCT xmin::text FROM mirror_history
        WHERE organization_id = ANY (${people.map(({ organizationId }) => organizationId)}::text[])
      `,
      (rows) => rows.length
    )
  return { first, lone, mirror, newPeople, newPerson, publish, sql, templateAgentId, together, transactions, written }
})

/** Runs statements on another connection, in a transaction that is rolled back in the end unless it was committed. */
const elsewhere = Effect.map(
  connection,
  (client) =>
    (text: string, values: Array<unknown> = []) =>
      Effect.promise(() => client.query(text, values))
)

layer(Live, { timeout: "60 seconds", excludeTestServices: true })("installs by reference that come together", (it) => {
  it.effect("are made in one transaction, each as if it were alone", () =>
    Effect.gen(function* () {
      const { first, mirror, newPeople, sql, together, transactions, written } = yield* prepared
      const people = yield* newPeople(20)
      const applied = yield* together(Effect.forEach(people, mirror.apply, { concurrency: "unbounded" }))
      assert.strictEqual(yield* transactions(people), 1)
      const again = yield* mirror.apply(first)
      const expected = yield* written(first.organizationId, again.agentId)
      assert.isTrue(expected.length === 6 && expected.every(({ fits }) => fits !== false), JSON.stringify(expected))
      for (const [at, { organizationId }] of people.entries()) {
        const { agentId, ...rest } = applied[at] ?? assert.fail()
        const verdicts = again.verdicts.map((one) => ({ ...one, verdict: "create" as const }))
        assert.deepStrictEqual({ ...rest, agentId }, { ...again, agentId, created: true, verdicts })
        assert.deepStrictEqual(yield* written(organizationId, agentId), expected)
      }
      const blocks = yield* sql`SELECT DISTINCT first_id FROM agents WHERE mode = 'reference'`
      assert.lengthOf(blocks, 22)
    })
  )

  it.effect("are confirmed, made, changed or refused, each for itself", () =>
    Effect.gen(function* () {
      const { first, mirror, newPeople, newPerson, sql, together, transactions } = yield* prepared
      const [ada, grace] = [yield* newPerson("ada"), yield* newPerson("grace")]
      const [member, clashing, changed, deprived] = yield* newPeople(4)
      if (!member || !clashing || !changed || !deprived) return assert.fail()
      yield* sql`UPDATE member SET role = 'member' WHERE user_id = ${member.userId}`
      yield* sql`INSERT INTO entity_types (organization_id, slug, name) VALUES (${clashing.organizationId}, 'invoice', 'Mine')`
      yield* mirror.apply(changed)
      yield* sql`UPDATE vocabulary.entity_types SET name = 'Mine' WHERE organization_id = ${changed.organizationId}`
      yield* mirror.apply(deprived)
      yield* sql`DELETE FROM watchers WHERE organization_id = ${deprived.organizationId}`
      const asked = [ada, member, first, clashing, changed, deprived, grace]
      const answers = yield* together(
        Effect.forEach(asked, (person) => Effect.either(mirror.apply(person)), { concurrency: "unbounded" })
      )
      const said = answers.map(
        Either.match({
          onLeft: ({ _tag }): string => _tag,
          onRight: ({ created, mirrored, verdicts }) =>
            `${created} ${mirrored.entity_types} ${[...new Set(verdicts.map(({ verdict }) => verdict))].sort()}`
        })
      )
      assert.deepStrictEqual(said, [
        "true 1 create",
        "NotOrgAdmin",
        "false 1 unchanged",
        "SchemaCollision",
        "false 1 customized,unchanged",
        "false 1 deleted_by_owner,unchanged",
        "true 1 create"
      ])
      assert.strictEqual(yield* transactions([ada, grace]), 1)
      const agents = answers.map(Either.match({ onLeft: () => null, onRight: ({ agentId }) => agentId }))
      for (const [at, { organizationId }] of asked.entries()) {
        const found = yield* sql<{
          readonly id: string
        }>`SELECT id FROM agents WHERE organization_id = ${organizationId}`
        assert.deepStrictEqual(found, agents[at] === null ? [] : [{ id: String(agents[at]) }])
      }
    })
  )

  it.effect("are one agent where two are of one organization", () =>
    Effect.gen(function* () {
      const { mirror, newPeople, newPerson, sql, templateAgentId, together, transactions, written } = yield* prepared
      const others = yield* newPeople(3)
      const ada = yield* newPerson("ada")
      const bob = yield* newPerson("bob")
      yield* sql`INSERT INTO member (organization_id, user_id, role) VALUES (${ada.organizationId}, ${bob.userId}, 'admin')`
      const colleague = { organizationId: ada.organizationId, userId: bob.userId, templateAgentId }
      const [one, other] = yield* together(
        Effect.forEach([ada, colleague, ...others, ada], mirror.apply, { concurrency: "unbounded" })
      )
      if (!one || !other) return assert.fail()
      assert.deepStrictEqual([one.created, other.created, one.agentId === other.agentId], [true, false, true])
      assert.strictEqual(yield* transactions([ada, ...others]), 1)
      yield* sql`DELETE FROM member WHERE user_id = ${bob.userId} AND organization_id = ${ada.organizationId}`
      assert.isTrue((yield* written(ada.organizationId, one.agentId)).every(({ fits }) => fits !== false))
      const counts = yield* sql`
        SELECT (SELECT count(*)::integer FROM mirror_history WHERE organization_id = ${ada.organizationId}) AS entries,
          (SELECT count(*)::integer FROM events WHERE organization_id = ${ada.organizationId}) AS events
      `
      assert.deepStrictEqual(counts, [{ entries: 1, events: 1 }])
    })
  )

  for (const [what, lock] of [
    [
      "organization",
      "SELECT FROM organization WHERE id = $1::text AND $2::text <> '' AND $3::text <> '' FOR NO KEY UPDATE"
    ],
    ["user", `SELECT FROM "user" WHERE id = $2::text AND $1::text <> '' AND $3::text <> '' FOR UPDATE`],
    [
      "agent",
      `INSERT INTO agents (organization_id, template_agent_id, name, owner_user_id, revision)
      VALUES ($1::text, $3::text, 'A', $2::text, 1)`
    ]
  ] as const) {
    it.scoped(`hold nobody up, and are made later, where somebody else has the ${what}`, () =>
      Effect.gen(function* () {
        const { mirror, newPeople, newPerson, sql, together, transactions } = yield* prepared
        const people = yield* newPeople(6)
        const eve = yield* newPerson("eve")
        const other = yield* elsewhere
        yield* other("BEGIN")
        yield* other(lock, [eve.organizationId, eve.userId, eve.templateAgentId])
        const [late, applied] = yield* together(
          Effect.gen(function* () {
            const others = people.map((person) => Effect.fork(mirror.apply(person)))
            const [before, after] = [others.slice(0, 3), others.slice(3)]
            const fibers = yield* Effect.all(before)
            const late = yield* Effect.fork(mirror.apply(eve))
            return [late, yield* Fiber.join(Fiber.all([...fibers, ...(yield* Effect.all(after))]))] as const
          })
        )
        assert.isTrue(applied.every(({ created }) => created))
        if (what !== "agent") assert.strictEqual(yield* transactions(people), 1)
        yield* Effect.sleep("50 millis")
        assert.isTrue((yield* Fiber.status(late))._tag !== "Done")
        assert.lengthOf(yield* sql`SELECT FROM agents WHERE organization_id = ${eve.organizationId}`, 0)
        yield* other("ROLLBACK")
        const { agentId, created } = yield* Fiber.join(late)
        assert.isTrue(created)
        assert.deepStrictEqual(yield* sql`SELECT id FROM agents WHERE organization_id = ${eve.organizationId}`, [
          { id: agentId }
        ])
      })
    )
  }

  it.effect("get a turn only where the statement sees all that was done", () =>
    Effect.gen(function* () {
      const { first, lone, sql } = yield* prepared
      const [entry] =
        yield* sql`SELECT max(id) AS last FROM mirror_history WHERE organization_id = ${first.organizationId}`
      const taken = (lasts: ReadonlyArray<unknown>) => sql`
        SELECT take_turns_now(
          ${[first.organizationId, lone.organizationId]}, ${[first.userId, lone.userId]}, ${lasts}::bigint[]
        ) AS id
      `
      assert.deepStrictEqual(yield* taken([entry?.last, null]), [
        { id: first.organizationId },
        { id: lone.organizationId }
      ])
      assert.deepStrictEqual(yield* taken([null, null]), [{ id: lone.organizationId }])
      assert.deepStrictEqual(yield* taken([entry?.last, entry?.last]), [{ id: first.organizationId }])
    })
  )

  it.effect("fail alone where one can't be made", () =>
    Effect.gen(function* () {
      const { mirror, newPeople, sql, together, transactions } = yield* prepared
      const people = yield* newPeople(8)
      const refused = people[3] ?? assert.fail()
      yield* sql.unsafe(`CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.organization_id = '${refused.organizationId}' THEN RAISE 'not this one'; END IF;
          RETURN NEW;
        END $$`)
      yield* sql.unsafe("CREATE TRIGGER refuse_one BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse_one()")
      const exits = yield* together(
        Effect.forEach(people, (person) => Effect.exit(mirror.apply(person)), { concurrency: "unbounded" })
      )
      yield* sql.unsafe("DROP FUNCTION refuse_one CASCADE")
      assert.deepStrictEqual(
        exits.map(Exit.isSuccess),
        people.map((person) => person !== refused)
      )
      assert.lengthOf(yield* sql`SELECT FROM agents WHERE organization_id = ${refused.organizationId}`, 0)
      assert.strictEqual(yield* transactions(people), 7)
      assert.isTrue((yield* mirror.apply(refused)).created)
    })
  )

  it.effect("go on for the others where a caller is gone", () =>
    Effect.gen(function* () {
      const { mirror, newPeople, together, transactions } = yield* prepared
      const people = yield* newPeople(4)
      const [gone, ...callers] = yield* together(Effect.forEach(people, (person) => Effect.fork(mirror.apply(person))))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(gone ?? assert.fail())
      const applied = yield* Fiber.join(Fiber.all(callers))
      assert.isTrue(applied.every(({ created }) => created))
      assert.strictEqual(yield* transactions(people.slice(1)), 1)
    })
  )
})
