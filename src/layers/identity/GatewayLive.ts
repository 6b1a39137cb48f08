import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { NotGateway } from "../../domain/Errors.ts"
import { Gateway } from "../../services/identity/Gateway.ts"

const digest = (text: string) => createHash("sha256").update(text).digest()

/**
 * Recognizes the chat gateway by its token; without a token there is no gateway. Compares digests, so that the time
 * does not reveal a correct prefix.
 */
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
