import { Effect } from "effect"
import { AuthRoutes } from "../src/services/account/AuthRoutes.ts"

/** Posts to a route of better-auth, without HTTP and the limits before it. */
export const askAuth = (path: string, body: object) =>
  Effect.flatMap(AuthRoutes, (routes) =>
    routes.handle(
      new Request(`http://127.0.0.1:3000/api/auth/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body)
      }),
      "127.0.0.1"
    )
  )
