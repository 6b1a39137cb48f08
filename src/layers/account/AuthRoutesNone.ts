import { Effect, Layer } from "effect"
import { AuthRoutes } from "../../services/account/AuthRoutes.ts"

/** For programs with an `Auth` of their own: there is no sign-up or sign-in, and nothing under `/api/auth`. */
export const AuthRoutesNone = Layer.succeed(
  AuthRoutes,
  AuthRoutes.of({
    isOffered: false,
    sendsMail: false,
    handle: () => Effect.succeed(new Response(null, { status: 404 })),
    session: () => Effect.succeedNone,
    addressesOf: () => Effect.succeed([])
  })
)
