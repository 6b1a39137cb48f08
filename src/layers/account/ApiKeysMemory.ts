import { Clock, DateTime, Effect, Either, Layer, Random, Redacted } from "effect"
import { keyPrefix, mostKeys } from "../../domain/account/ApiKey.ts"
import { KeyNotFound, LimitReached, Unauthenticated } from "../../domain/Errors.ts"
import { ApiKeys } from "../../services/account/ApiKeys.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

const shown = keyPrefix.length + 4

const randomKey = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 26), 64), (letters) =>
  keyPrefix.concat(...letters.map((letter) => String.fromCharCode(97 + letter)))
)

/** Keys in memory, stored as they are. */
export const ApiKeysMemory = Layer.effect(
  ApiKeys,
  Effect.map(MemoryStore, ({ change, read }) =>
    ApiKeys.of({
      verify: (given) =>
        Effect.gen(function* () {
          const now = yield* DateTime.now
          return yield* change((state) => {
            const key = state.keys.find(({ text }) => text === Redacted.value(given))
            if (key === undefined) return Either.left(new Unauthenticated())
            const { id, organizationId, scopes } = key
            const keys = state.keys.map((one) => (one === key ? { ...one, lastUsedAt: now } : one))
            return Either.right([
              { id, organizationId, scopes },
              { ...state, keys }
            ])
          })
        }),
      create: (organizationId, { name, scopes }) =>
        Effect.gen(function* () {
          const text = yield* randomKey
          const createdAt = DateTime.unsafeMake(yield* Clock.currentTimeMillis)
          return yield* change((state) => {
            if (state.keys.filter((key) => key.organizationId === organizationId).length >= mostKeys) {
              return Either.left(new LimitReached({ what: "keys", limit: mostKeys }))
            }
            const id = `key_${state.nextId}`
            const key = { id, organizationId, name, scopes, text, createdAt, lastUsedAt: null }
            return Either.right([
              { id, key: Redacted.make(text) },
              { ...state, nextId: state.nextId + 1, keys: [key, ...state.keys] }
            ])
          })
        }),
      list: (organizationId) =>
        read(({ keys }) =>
          keys
            .filter((key) => key.organizationId === organizationId)
            .map(({ createdAt, id, lastUsedAt, name, scopes, text }) => ({
              id,
              name,
              start: text.slice(0, shown),
              scopes,
              createdAt,
              lastUsedAt
            }))
        ),
      delete: (organizationId, id) =>
        change((state) => {
          const others = state.keys.filter((key) => key.id !== id || key.organizationId !== organizationId)
          return others.length === state.keys.length
            ? Either.left(new KeyNotFound())
            : Either.right([undefined, { ...state, keys: others }])
        })
    })
  )
)
