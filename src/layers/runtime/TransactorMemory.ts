import { Effect, Layer } from "effect"
import { Transactor } from "../../services/runtime/Transactor.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

/** A transaction in memory: a snapshot of the store, which is restored if the effect fails. */
export const TransactorMemory = Layer.effect(
  Transactor,
  Effect.map(MemoryStore, ({ step }) => Transactor.of({ atomically: step }))
)
