import { Clock, Effect } from "effect"

/**
 * Something that a service promises, as an effect that dies where it is not so. A law makes its own people and keys, so that all of a
 * suite can run against one service, one after the other. With `@effect/vitest`:
 *
 * ```ts
 * layer(MyRateLimiter)("RateLimiter", (it) => {
 *   for (const { holds, name } of rateLimiterLaws(hands)) it.effect(name, () => holds)
 * })
 * ```
 */
export interface Law<R> {
  readonly name: string
  readonly holds: Effect.Effect<void, unknown, R>
}

/** A law. */
export const law = <E, R>(name: string, holds: Effect.Effect<unknown, E, R>): Law<R> => ({
  name,
  holds: Effect.asVoid(holds)
})

/** A law by the real clock: of what waits a moment between tries, for which the clock of a test never lets time pass. */
export const lawInRealTime = <E, R>(name: string, holds: Effect.Effect<unknown, E, R>): Law<R> =>
  law(name, Effect.withClock(holds, Clock.make()))

/** What the effects among what a suite is handed need, whichever they are. */
export type NeedsOf<Hands> = {
  [Name in keyof Hands]: Hands[Name] extends Effect.Effect<unknown, unknown, infer R>
    ? R
    : Hands[Name] extends (...args: never) => Effect.Effect<unknown, unknown, infer R>
      ? R
      : never
}[keyof Hands]

let made = 0

/** A text that no other law of this process has: those that other processes make differ by their number. */
export const newName = (what: string): string => `${what}-${process.pid}-${++made}`
