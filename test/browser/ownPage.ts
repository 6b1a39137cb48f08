import { FetchHttpClient } from "@effect/platform"
import { makeClient, refusals } from "agent-install/client"
import { Effect } from "effect"

/* What a page of somebody's own does with the typed client. A browser loads this, bundled. */

/** Installs a template in the name of whoever is signed in, and says what came of it. */
export const install = (slug: string) =>
  Effect.flatMap(makeClient(), (client) => client.install.install({ payload: { slug } })).pipe(
    Effect.map(({ created, mirrored }) => ({ created, rows: mirrored.entity_types })),
    Effect.catchTag("UnknownTemplateSlug", (refusal) =>
      Effect.succeed({
        unknown: refusal.slug,
        message: refusal.message,
        isRefusal: refusals.some((one) => refusal instanceof one)
      })
    ),
    Effect.catchAll(({ _tag }) => Effect.succeed({ refused: _tag })),
    Effect.provide(FetchHttpClient.layer),
    Effect.runPromise
  )
