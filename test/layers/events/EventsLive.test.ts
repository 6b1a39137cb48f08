import { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Layer, Stream } from "effect"
import { eventChannel } from "../../../src/domain/events/Event.ts"
import { EventNumbersLive, EventsLive } from "../../../src/layers/events/EventsLive.ts"
import { sweep } from "../../../src/layers/runtime/SweepLive.ts"
import { Events } from "../../../src/services/events/Events.ts"
import { PgTest } from "../../pg.ts"
import { inRealTime } from "../../worlds.ts"

const Test = EventsLive.pipe(Layer.provideMerge(PgTest))

const organization = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.as(
    sql`INSERT INTO organization (id, name, slug, visibility) VALUES ('org_events', 'E', 'e', 'private') ON CONFLICT DO NOTHING`,
    "org_events"
  )
)

const write = (linkId: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const id = yield* organization
    yield* sql`
      INSERT INTO events (organization_id, type, data)
      VALUES (${id}, 'identity.verified', jsonb_build_object('linkId', ${linkId}::text, 'platform', 'whatsapp'))
    `
  })

const linksOf = (page: Effect.Effect.Success<ReturnType<Events["Type"]["read"]>>) =>
  page.events.map(({ data }) => ("linkId" in data ? data.linkId : null))

it.layer(Test, { timeout: "60 seconds" })("events in Postgres", (it) => {
  inRealTime(it)("misses none that landed after a later one was read", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const events = yield* Events
      yield* organization
      const [written, read] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const slow = yield* Effect.fork(
        sql.withTransaction(
          write("slow").pipe(
            Effect.zipRight(Deferred.succeed(written, undefined)),
            Effect.zipRight(Deferred.await(read))
          )
        )
      )
      yield* Deferred.await(written)
      yield* write("quick")
      const first = yield* events.read({ limit: 10 })
      assert.deepStrictEqual(linksOf(first), ["quick"])
      yield* Deferred.succeed(read, undefined)
      yield* Fiber.join(slow)
      assert.deepStrictEqual(linksOf(yield* events.read({ after: first.last, limit: 10 })), ["slow"])
    })
  )

  inRealTime(it)("gives each number once, however many read and write at once", () =>
    Effect.gen(function* () {
      const events = yield* Events
      const start = (yield* events.read({ limit: 1_000 })).last
      const follow = Effect.gen(function* () {
        const seen: Array<string | null> = []
        let after = start
        while (seen.length < 200) {
          const page = yield* events.read({ after, limit: 7 })
          seen.push(...linksOf(page))
          after = page.last
        }
        return seen
      })
      const names = Array.from({ length: 200 }, (_, at) => `at once ${at}`)
      const [one, two] = yield* Effect.all(
        [follow, follow, Effect.forEach(names, write, { concurrency: 10, discard: true })],
        { concurrency: "unbounded" }
      )
      assert.sameMembers(one, names)
      assert.deepStrictEqual(two, one)
    })
  )

  inRealTime(it)("notifies those who listen, and says where events are gone", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const listener = yield* PgClient.PgClient
      const events = yield* Events
      const heard = yield* listener.listen(eventChannel).pipe(Stream.take(1), Stream.runHead, Effect.fork)
      // Until it listens, nobody is told.
      const number = yield* Effect.flatMap(Effect.sleep("50 millis"), () => write("heard")).pipe(
        Effect.repeat({ until: () => Effect.map(Fiber.poll(heard), (exit) => exit._tag === "Some") }),
        Effect.zipRight(Fiber.join(heard)),
        Effect.provide(EventNumbersLive)
      )
      const { last } = yield* events.read({ limit: 1_000 })
      assert(number._tag === "Some" && Number(number.value) > 0 && Number(number.value) <= last)

      yield* sql`UPDATE events SET created_at = now() - interval '31 days' WHERE number < ${last}`
      const kept = { history: Duration.days(365), closedLinks: Duration.days(90), events: Duration.days(30) }
      assert.strictEqual((yield* sweep(kept)).events, last - 1)
      const gone = yield* Effect.flip(events.read({ after: last - 2, limit: 10 }))
      assert.deepStrictEqual([gone._tag, gone.first, gone.last], ["EventsGone", last, last] as never)
      assert.deepStrictEqual(linksOf(yield* events.read({ after: last - 1, limit: 10 })), ["heard"])
      assert.strictEqual((yield* events.read({ limit: 10 })).events.length, 1)
    }).pipe(Effect.scoped, Effect.withClock(Clock.make()))
  )
})
