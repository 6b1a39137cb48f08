import { Effect, Layer } from "effect"
import { Transactor } from "../../services/runtime/Transactor.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** A step of the world: a snapshot, restored where the effect fails. */
export const TransactorMemory = Layer.effect(
  Transactor,
  Effect.map(MemoryStore, ({ step }) => Transactor.of({ atomically: step }))
)
