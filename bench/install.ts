import { Duration, Effect, Layer, Redacted } from "effect"
import { byKind } from "../src/domain/catalog/Kind.ts"
import type { Mode } from "../src/domain/catalog/Mode.ts"
import { AgentId, Slug, UserId } from "../src/domain/Ids.ts"
import { PgPool } from "../src/layers/postgres/Database.ts"
import { Auth } from "../src/services/account/Auth.ts"
import { OrgResolver } from "../src/services/account/OrgResolver.ts"
import { RateLimiter } from "../src/services/admission/RateLimiter.ts"
import { install } from "../src/services/installation/Install.ts"
import { TemplateMirror } from "../src/services/installation/TemplateMirror.ts"
import { type BenchPerson, newPeople } from "./database.ts"
import { copyByReference } from "./reference.ts"
import { compare, isSelected, rate } from "./report.ts"
import { generous, portOf, post, Services } from "./server.ts"

/** The user is given: the credential is their id. */
const GivenUser = Layer.succeed(
  Auth,
  Auth.of({
    sessionCookie: "none",
    identify: ({ authorization = Redacted.make("") }) =>
      Effect.succeed({ userId: UserId.make(Redacted.value(authorization)), sessionId: "none" })
  })
)

/** Lets everybody pass: what is measured here begins after the limiter. */
const NoLimiter = Layer.succeed(
  RateLimiter,
  RateLimiter.of({
    take: (policy) => Effect.succeed({ ...generous, policy, remaining: 1, resetAfter: Duration.zero }),
    giveBack: () => Effect.void
  })
)

/** The services with a user who is given and nobody who counts. */
export const InProcess = Layer.mergeAll(GivenUser, NoLimiter).pipe(Layer.provideMerge(Services))

const body = (slug: string, mode: Mode) => Effect.succeed({ slug, mode })

const installs = (people: ReadonlyArray<BenchPerson>, slug: string, concurrency: number, mode: Mode = "copy") =>
  rate(people.length, concurrency, (at) =>
    install({ credential: { authorization: Redacted.make(people[at]?.userId ?? "") }, body: body(slug, mode) })
  )

const handCopies = (people: ReadonlyArray<BenchPerson>, slug: string, concurrency: number) =>
  Effect.flatMap(PgPool, (pool) => {
    const copy = copyByReference(pool, slug)
    return rate(people.length, concurrency, (at) =>
      Effect.promise(async () => {
        const person = people[at]
        if (person !== undefined) await copy(person)
      })
    )
  })

/** How many fresh installs a second, so many at once: people are made beforehand. */
export const freshInstalls = (slug: string, count: number, concurrency: number, mode: Mode = "copy") =>
  Effect.flatMap(newPeople(count), (people) => installs(people, slug, concurrency, mode))

export const freshCopies = (slug: string, count: number, concurrency: number) =>
  Effect.flatMap(newPeople(count), (people) => handCopies(people, slug, concurrency))

/** The workflow in the process against the statement by hand, and installs that change nothing against fresh ones. */
export const benchInProcess = (slug: string) =>
  Effect.gen(function* () {
    for (const concurrency of [8, 32]) {
      yield* compare(
        { name: `install/fresh/${concurrency}`, unit: "installs/s", turns: 7, target: 0.7 },
        freshInstalls(slug, 240, concurrency),
        freshCopies(slug, 240, concurrency)
      )
    }
    const settled = yield* newPeople(240)
    if (isSelected("install/again")) yield* installs(settled, slug, 8)
    yield* compare(
      { name: "install/again", unit: "installs/s", turns: 7, target: 2 },
      installs(settled, slug, 8),
      freshInstalls(slug, 240, 8)
    )
  }).pipe(Effect.provide(InProcess))

/** The three services after the limiter, as one statement by hand: the organization is known, and nobody here has a phone to link. */
const HandMadeServices = (slug: string, people: Map<string, BenchPerson>) =>
  Layer.mergeAll(
    Layer.succeed(
      OrgResolver,
      OrgResolver.of({
        personalOrg: () => Effect.dieMessage("The benchmark names its template by slug"),
        resolve: ({ userId }) => {
          const person = people.get(userId)
          return person === undefined
            ? Effect.dieMessage("Nobody of the benchmark")
            : Effect.succeed({
                organization: { id: person.organizationId, slug: Slug.make(person.slug) },
                templateAgentId: AgentId.make("template")
              })
        }
      })
    ),
    Layer.effect(
      TemplateMirror,
      Effect.map(PgPool, (pool) => {
        const copy = copyByReference(pool, slug)
        const unasked = () => Effect.dieMessage("The benchmark asks for installs only")
        return TemplateMirror.of({
          apply: (request) =>
            Effect.map(
              Effect.promise(() => copy(request)),
              ({ rows: [agent] }) => ({
                agentId: AgentId.make(agent?.id ?? ""),
                created: true,
                revision: 1,
                pinned: false,
                mirrored: byKind(() => 1),
                verdicts: []
              })
            ),
          resync: unasked,
          plan: unasked,
          planResync: unasked,
          uninstall: unasked,
          changeMode: unasked,
          planUninstall: unasked,
          impact: unasked,
          rollOut: unasked
        })
      })
    )
  )

/** The service over HTTP, with sessions and limiter, against the same with the statement by hand in place of the services. */
export const benchHttp = (slug: string) =>
  Effect.gen(function* () {
    const known = new Map<string, BenchPerson>()
    const ours = yield* portOf(Services, Layer.empty)
    const reference = yield* portOf(HandMadeServices(slug, known).pipe(Layer.provideMerge(Services)), Layer.empty)
    const asked = (port: number, count: number, concurrency: number) =>
      Effect.gen(function* () {
        const people = yield* newPeople(count)
        for (const person of people) known.set(person.userId, person)
        const posts = people.map(({ bearer }) => ({ authorization: bearer, body: JSON.stringify({ slug }) }))
        return yield* post({ port, path: "/api/install", concurrency, posts })
      })
    for (const concurrency of [1, 8, 32]) {
      // One at a time waits for the disk more than for anything else, which needs more turns to even out.
      const [count, turns] = concurrency === 1 ? [120, 21] : [240, 7]
      const name = `install/http/${concurrency}`
      yield* compare(
        { name, unit: "installs/s", turns, target: 0.8 },
        asked(ours, count, concurrency),
        asked(reference, count, concurrency)
      )
      yield* compare(
        { name: `${name}/driver`, unit: "installs/s", turns: 5 },
        asked(ours, count, concurrency),
        freshCopies(slug, count, concurrency)
      )
    }
  })
