import { assert, describe, it } from "@effect/vitest"
import type { Law } from "agent-install/testing"
import { Effect, type Layer } from "effect"

/*
 * For each law a service that is right but for what that law forbids: the law has to catch it. A law for which there is none is no
 * law, so there must be one for each.
 */

/** Tests that each law of a service is broken by something, and catches it. */
export const caught = <R>(
  service: string,
  laws: ReadonlyArray<Law<R>>,
  breaches: Readonly<Record<string, Layer.Layer<R>>>
) =>
  describe(`the laws of ${service}`, () => {
    it("have each something that breaks it", () =>
      assert.sameMembers(
        Object.keys(breaches),
        laws.map(({ name }) => name)
      ))
    for (const { holds, name } of laws) {
      const breach = breaches[name]
      if (breach === undefined) continue
      it.effect(`${name}: what breaks it is caught`, () =>
        Effect.map(Effect.exit(Effect.provide(holds, breach)), (exit) => assert.strictEqual(exit._tag, "Failure"))
      )
    }
  })
