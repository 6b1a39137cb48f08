import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { ApiApp, ApiAppLive } from "agent-install/http"
import { Effect, Layer } from "effect"

/* The API under a prefix, in a server that has routes of its own. */

/** Answers at `/` by itself, and under `/agents` as the service does: `POST /agents/api/install`. */
export const LargerServerLive = Layer.unwrapEffect(
  Effect.map(ApiApp, (api) =>
    HttpRouter.empty.pipe(
      HttpRouter.get("/", HttpServerResponse.text("The larger server")),
      HttpRouter.mountApp("/agents", api),
      HttpServer.serve()
    )
  )
).pipe(Layer.provide(ApiAppLive))
