import { Effect, Layer } from "effect"
import { Transactor } from "../../services/runtime/Transactor.ts"
import { World } from "./World.ts"

/** A step of the world: a snapshot, restored where the effect fails. */
export const TransactorMemory = Layer.effect(
  Transactor,
  Effect.map(World, ({ step }) => Transactor.of({ atomically: step }))
)
