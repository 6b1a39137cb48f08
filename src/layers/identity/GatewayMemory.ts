import { Effect, Layer, Redacted } from "effect"
import { NotGateway } from "../../domain/Errors.ts"
import { Gateway } from "../../services/identity/Gateway.ts"

/** Recognizes the chat gateway by its token; without a token there is no gateway. */
export const GatewayMemory = (token: string | undefined) =>
  Layer.succeed(
    Gateway,
    Gateway.of({
      identify: ({ authorization }) => {
        const [, shown] =
          /^bearer\s+(.*)$/i.exec(authorization === undefined ? "" : Redacted.value(authorization)) ?? []
        return token !== undefined && shown === token ? Effect.void : new NotGateway()
      }
    })
  )
