import { FetchHttpClient } from "@effect/platform"
import { makeClient } from "agent-install/client"
import { Effect } from "effect"

/* Installing over HTTP with a typed client: in Node and in browsers. What is refused comes back as the error it was. */

/** Installs a template, adopting rows of the person's own that are in its way and may be adopted. */
export const installAdopting = (baseUrl: string, token: string, slug: string) =>
  Effect.gen(function* () {
    const client = yield* makeClient({ baseUrl, token })
    return yield* client.install.install({ payload: { slug } }).pipe(
      Effect.catchTag("SchemaCollision", (refusal) => {
        const adopt = refusal.collisions.filter(({ adoptable }) => adoptable)
        return adopt.length < refusal.collisions.length
          ? Effect.fail(refusal)
          : client.install.install({ payload: { slug, adopt: adopt.map(({ kind, slug }) => ({ kind, slug })) } })
      }),
      Effect.catchTag("RateLimitExceeded", (refusal) =>
        Effect.zipRight(Effect.logWarning(`Try again in ${refusal.retryAfterSeconds} seconds`), Effect.fail(refusal))
      )
    )
  }).pipe(Effect.provide(FetchHttpClient.layer))
