import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { NotGateway } from "../../domain/Errors.ts"
import { Gateway } from "../../services/identity/Gateway.ts"

const digest = (text: string) => createHash("sha256").update(text).digest()

/** Knows the chat gateway by its token; without one nobody is it. Compares digests, so that no prefix takes longer. */
export const GatewayLive = (token: Option.Option<Redacted.Redacted<string>>) =>
  Layer.sync(Gateway, () => {
    const expected = Option.match(token, {
      onNone: () => randomBytes(32),
      onSome: (given) => digest(Redacted.value(given))
    })
    return Gateway.of({
      identify: ({ authorization }) =>
        Effect.suspend(() => {
          const shown = authorization === undefined ? "" : Redacted.value(authorization)
          const same = timingSafeEqual(digest(shown.replace(/^bearer\s+/i, "")), expected)
          return same && /^bearer\s/i.test(shown) ? Effect.void : new NotGateway()
        })
    })
  })
