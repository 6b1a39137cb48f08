import { createServer, type IncomingMessage } from "node:http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Schema } from "effect"
import Pg from "pg"
import { lookupStatement } from "../src/layers/identity/LookupStatement.ts"

/*
 * The references, in a process of their own: node:http and pg with nothing between, which answer what the service answers, byte
 * for byte, after the same statements; and an HttpApi endpoint with nothing around it. Tells its parent both ports.
 */

const textOf = async (request: IncomingMessage) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const pool = new Pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 16,
  options: "-c jit=off -c plan_cache_mode=force_generic_plan"
})

interface Asked {
  readonly identities: ReadonlyArray<{ readonly namespace: string; readonly identifier: string }>
  readonly template?: string
}

const lookUp = async (request: IncomingMessage) => {
  const { identities, template }: Asked = JSON.parse(await textOf(request))
  const namespaces = identities.map(({ namespace }) => namespace)
  const identifiers = identities.map(({ identifier }) => identifier)
  const values = [namespaces, identifiers, template ?? null, false]
  const { rows } = await pool.query({ name: "lookup", text: lookupStatement, values })
  const found = identities.map((_, at) => rows.find((row) => row.at === at + 1))
  return JSON.stringify({
    identities: found.map((row) => ({
      verified: true,
      person: { userId: row.user_id, name: row.name },
      organization: { id: row.organization_id, slug: row.organization_slug },
      memberEntityId: row.entity_id,
      agents: row.agents,
      answerTo: row.address
    }))
  })
}

const manifest = process.env.MANIFEST ?? ""

const bare = createServer(async (request, response) => {
  const text = request.method === "POST" ? await lookUp(request) : manifest
  const headers = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }
  response.writeHead(200, headers).end(text)
})

const live = HttpApiEndpoint.get("live", "/health/live").addSuccess(Schema.Struct({ status: Schema.Literal("ok") }))

class NothingApi extends HttpApi.make("nothing").add(HttpApiGroup.make("health").add(live)) {}

const NothingHttp = HttpApiBuilder.group(NothingApi, "health", (handlers) =>
  handlers.handle("live", () => Effect.succeed({ status: "ok" as const }))
)

const nothing = createServer()
const Nothing = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(NothingApi)),
  Layer.provide(NothingHttp),
  Layer.provide(NodeHttpServer.layer(() => nothing, { port: 0, host: "127.0.0.1" }))
)

const portOf = (server: typeof bare) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

bare.listen(0, "127.0.0.1", () => process.send?.({ bare: portOf(bare), nothing: portOf(nothing) }))
process.on("disconnect", () => process.exit())
Effect.runFork(Layer.launch(Nothing))
