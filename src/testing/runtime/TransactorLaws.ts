import assert from "node:assert/strict"
import { Effect } from "effect"
import { Transactor } from "../../services/runtime/Transactor.ts"
import { type Law, law, type NeedsOf, newName } from "../Law.ts"

/** Two things that a program writes, through different services where it can, and how many of them stand. */
export interface TransactorHands<R> {
  readonly write: (name: string) => Effect.Effect<unknown, unknown, R>
  readonly writeElsewhere: (name: string) => Effect.Effect<unknown, unknown, R>
  /** How many things of that name stand of each: `[1, 1]` once both are written. */
  readonly written: (name: string) => Effect.Effect<readonly [number, number], unknown, R>
}

const lawsWith = <R>({ write, writeElsewhere, written }: TransactorHands<R>): ReadonlyArray<Law<Transactor | R>> => {
  const step = <A, E, R2>(name: string, then: Effect.Effect<A, E, R2>) =>
    Effect.flatMap(Transactor, ({ atomically }) =>
      atomically(Effect.zipRight(Effect.orDie(Effect.zipRight(write(name), writeElsewhere(name))), then))
    )
  return [
    law(
      "keeps all that was written where the effect succeeds",
      Effect.gen(function* () {
        const name = newName("kept")
        assert.equal(yield* step(name, Effect.succeed("done")), "done")
        assert.deepEqual(yield* written(name), [1, 1])
      })
    ),
    law(
      "keeps nothing where it fails, and passes the failure on",
      Effect.gen(function* () {
        const name = newName("failed")
        assert.equal(yield* Effect.flip(step(name, Effect.fail("no" as const))), "no")
        assert.deepEqual(yield* written(name), [0, 0])
      })
    ),
    law(
      "keeps nothing where it dies or is interrupted",
      Effect.gen(function* () {
        for (const end of [Effect.die("broken"), Effect.interrupt]) {
          const name = newName("cut")
          const exit = yield* Effect.exit(step(name, end))
          assert.equal(exit._tag, "Failure")
          assert.deepEqual(yield* written(name), [0, 0])
        }
      })
    ),
    law(
      "takes back the inner step alone where only that fails",
      Effect.gen(function* () {
        const { atomically } = yield* Transactor
        const [outer, inner] = [newName("outer"), newName("inner")]
        yield* atomically(
          Effect.zipRight(write(outer), Effect.either(atomically(Effect.zipRight(write(inner), Effect.fail("no")))))
        )
        const [[kept], [taken]] = [yield* written(outer), yield* written(inner)]
        assert.deepEqual([kept, taken], [1, 0])
      })
    )
  ]
}

/** What every `Transactor` promises. */
export const transactorLaws = <Hands extends TransactorHands<unknown>>(hands: Hands) =>
  lawsWith(hands as TransactorHands<unknown> as TransactorHands<NeedsOf<Hands>>)
