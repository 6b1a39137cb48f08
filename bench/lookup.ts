import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import { SqlClient } from "@effect/sql"
import { Effect, Schema } from "effect"
import { LookupRequest } from "../src/domain/identity/Identity.ts"
import { lookupStatement } from "../src/layers/identity/LookupStatement.ts"
import { compare, isSelected } from "./report.ts"
import { fillPeople, jidOfPerson } from "./seed.ts"
import { gateway, portOf, post, Services } from "./server.ts"

const path = "/bench/lookup"

class BareApi extends HttpApi.make("bench").add(
  HttpApiGroup.make("bare").add(
    HttpApiEndpoint.post("lookup", path).setPayload(LookupRequest).addSuccess(Schema.Unknown)
  )
) {}

/** The reference: a route that decodes the same body, runs the same prepared statement and answers with its rows as they are. */
const BareHttp = HttpApiBuilder.group(BareApi, "bare", (handlers) =>
  Effect.map(SqlClient.SqlClient, (sql) =>
    handlers.handle("lookup", ({ payload: { identities, template = null } }) => {
      const namespaces = identities.map(({ namespace }) => namespace)
      const identifiers = identities.map(({ identifier }) => identifier)
      return Effect.orDie(sql.unsafe(lookupStatement, [namespaces, identifiers, identities.map(() => template)]))
    })
  )
)

export const people = 10_000

/** Requests that ask for so many verified identities each, none of them twice in a row. */
export const postsOf = (count: number, size: number) =>
  Array.from({ length: count }, (_, at) => ({
    authorization: gateway,
    body: JSON.stringify({
      identities: Array.from({ length: size }, (_, within) => ({
        namespace: "wa_jid",
        identifier: jidOfPerson((((at * size + within) * 7_919) % people) + 1)
      }))
    })
  }))

/** Look-ups over HTTP against the bare route of the same server, and batches against single ones. */
export const benchLookup = Effect.gen(function* () {
  const overHttp = [1, 8, 32].map((concurrency) => ({ name: `lookup/http/${concurrency}`, concurrency }))
  const batch = "lookup/batch"
  if (![batch, ...overHttp.map(({ name }) => name)].some(isSelected)) return
  yield* fillPeople(1, people)
  const port = yield* portOf(Services, BareHttp)
  const asked = (to: string, count: number, concurrency: number, size = 1) =>
    Effect.map(post({ port, path: to, concurrency, posts: postsOf(count, size) }), (requests) => requests * size)
  const ours = "/api/identities/lookup"
  for (const { concurrency, name } of overHttp) {
    const count = concurrency === 1 ? 400 : 1_000
    yield* compare(
      { name, unit: "look-ups/s", turns: 9, target: 0.8 },
      asked(ours, count, concurrency),
      asked(path, count, concurrency)
    )
  }
  yield* compare(
    { name: batch, unit: "identities/s", turns: 9, target: 10 },
    asked(ours, 24, 8, 500),
    asked(ours, 1_000, 8)
  )
})
