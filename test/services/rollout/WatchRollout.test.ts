import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Ref, Stream, TestClock } from "effect"
import { Slug } from "../../../src/domain/Ids.ts"
import { Auth } from "../../../src/services/account/Auth.ts"
import { TemplateCatalog } from "../../../src/services/catalog/TemplateCatalog.ts"
import { createKey, deleteKey } from "../../../src/services/publishing/ManagePublisher.ts"
import { Publishers } from "../../../src/services/publishing/Publishers.ts"
import { watchRollout } from "../../../src/services/rollout/ManageRollouts.ts"
import { Rollouts } from "../../../src/services/rollout/Rollouts.ts"
import { definition, template } from "../../fixtures/templates.ts"
import { credential, Hands, worlds } from "../../worlds.ts"

let made = 0

/** Lets time pass until it is so. */
const passUntil = (isSo: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.flatMap(Effect.zipRight(TestClock.adjust("1 second"), isSo), (so) => (so ? Effect.void : passUntil(isSo)))

for (const [label, world] of worlds) {
  it.layer(world, { timeout: "60 seconds" })(`watching a roll-out (${label})`, (it) => {
    it.effect("ends for a key that is deleted, and for a member who has left, and goes on for others", () =>
      Effect.gen(function* () {
        const hands = yield* Hands
        const auth = yield* Auth
        const publishers = yield* Publishers
        const rollouts = yield* Rollouts
        const catalog = yield* TemplateCatalog
        const signedIn = Effect.gen(function* () {
          const name = `watcher-${++made}`
          const session = credential({ bearer: (yield* hands.signUp(name)).bearer })
          const { userId } = yield* Effect.orDie(auth.identify(session))
          return { session, userId, email: `${name}@example.org` }
        })
        const [owner, member] = [yield* signedIn, yield* signedIn]
        const name = `watched-${++made}`
        const slug = Slug.make(`${name}-publisher`)
        const { publisher } = yield* Effect.orDie(publishers.create(slug, owner.email))
        yield* hands.setRole(publisher.id, member.userId, "member")
        const { templateAgentId } = yield* Effect.orDie(
          catalog.publish(template(name, [definition("entity_types", "bill")]))
        )
        const course = { revision: 1, waves: [100], advance: "manual" as const, stopAbove: 1 }
        const rolloutId = yield* Effect.orDie(rollouts.start(templateAgentId, course))
        const ofPublisher = { slug, credential: owner.session }
        const { id, key } = yield* Effect.orDie(
          createKey({ ...ofPublisher, body: Effect.succeed({ name: "CI", scopes: ["read"] }) })
        )
        const byKey = credential({ bearer: `Bearer ${Redacted.value(key)}` })

        const seen = yield* Ref.make(0)
        const watch = (by: typeof byKey) =>
          Effect.fork(
            Effect.flatMap(watchRollout({ slug, template: name, rolloutId, credential: by }), (statuses) =>
              Stream.runForEach(statuses, () => Ref.update(seen, (count) => count + 1))
            )
          )
        const watching = {
          key: yield* watch(byKey),
          member: yield* watch(member.session),
          owner: yield* watch(owner.session)
        }
        const untilSeen = (count: number) => passUntil(Effect.map(Ref.get(seen), (found) => found === count))
        const isOver = ({ status }: Fiber.RuntimeFiber<unknown, unknown>) =>
          Effect.map(status, ({ _tag }) => _tag === "Done")
        yield* untilSeen(3)

        yield* Effect.orDie(deleteKey(ofPublisher, id))
        yield* passUntil(isOver(watching.key))
        yield* Fiber.join(watching.key)
        assert.isFalse(yield* isOver(watching.member))

        yield* Effect.orDie(publishers.change(publisher.id, member.userId, null))
        yield* passUntil(isOver(watching.member))

        yield* Effect.orDie(rollouts.stop("cancel", templateAgentId, rolloutId))
        yield* passUntil(isOver(watching.owner))
        assert.strictEqual(yield* Ref.get(seen), 4)
      })
    )
  })
}
