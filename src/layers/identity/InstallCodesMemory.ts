import { Clock, Effect, Either, Layer, Random, Redacted } from "effect"
import { codeBytes, codeLifetimeSeconds, codeOf } from "../../domain/identity/InstallCode.ts"
import type { E164 } from "../../domain/identity/Phone.ts"
import { type ConsumedCode, InstallCodes, type RejectedCode } from "../../services/identity/InstallCodes.ts"
import { MemoryStore } from "../memory/MemoryStore.ts"

const randomCode = Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, 256), codeBytes), (bytes) =>
  codeOf(Uint8Array.from(bytes))
)

/** Codes in memory, as plain text, by the clock and the random numbers of the fiber. */
export const InstallCodesMemory = Layer.effect(
  InstallCodes,
  Effect.map(MemoryStore, ({ change }) =>
    InstallCodes.of({
      mint: ({ templateAgentId, userId }) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const code = yield* randomCode
          return yield* change((state) => {
            const record = {
              user: userId,
              templateAgentId,
              code,
              expiresAt: now + codeLifetimeSeconds * 1_000,
              used: false
            }
            const others = state.codes.filter((one) => one.user !== userId || one.templateAgentId !== templateAgentId)
            const botPhone = (state.agents.find(({ id }) => id === templateAgentId)?.botPhone ?? null) as E164 | null
            return Either.right([
              { code: Redacted.make(code), botPhone },
              { ...state, codes: [...others, record] }
            ])
          })
        }),
      consume: (code) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          change<ConsumedCode | RejectedCode, never>((state) => {
            const found = state.codes.find((one) => one.code === Redacted.value(code))
            if (found === undefined) return Either.right([{ status: "token_invalid" }, state])
            if (found.used) return Either.right([{ status: "token_used" }, state])
            if (found.expiresAt <= now) return Either.right([{ status: "token_expired" }, state])
            const installed = state.agents.some(
              (agent) =>
                agent.templateAgentId === found.templateAgentId &&
                state.organizations.some(
                  ({ id, personalFor, visibility }) =>
                    id === agent.organizationId && personalFor === found.user && visibility === "private"
                )
            )
            return Either.right([
              { status: "consumed", userId: found.user, templateAgentId: found.templateAgentId, installed },
              { ...state, codes: state.codes.map((one) => (one === found ? { ...one, used: true } : one)) }
            ])
          })
        )
    })
  )
)
