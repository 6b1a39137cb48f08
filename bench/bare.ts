import { createServer, type IncomingMessage } from "node:http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Schema } from "effect"
import Pg from "pg"
import { lookupStatement } from "../src/layers/identity/LookupStatement.ts"
import { copyRowByRow } from "./rowbyrow.ts"

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
  const values = [namespaces, identifiers, identities.map(() => template ?? null)]
  const { rows } = await pool.query({ name: "lookup", text: lookupStatement, values })
  const found = identities.map((_, at) => rows.find((row) => row.at === at + 1))
  return JSON.stringify({
    identities: found.map((row) => ({
      verified: true,
      person: { userId: row.user_id, name: row.name },
      organization: { id: row.organization_id, slug: row.organization_slug },
      memberEntityId: row.member_entity_id,
      agents: row.agents,
      answerTo: row.address
    }))
  })
}

const manifest = process.env.MANIFEST ?? ""

/** The installed agents of a user, as one statement lists them; the user is given. */
const listAgents = async (request: IncomingMessage) => {
  const text = `SELECT a.id, a.name, a.revision, a.pinned, o.id AS organization_id, o.slug, t.name AS template, p.slug AS publisher
    FROM member m JOIN organization o ON o.id = m.organization_id
    JOIN agents a ON a.organization_id = o.id AND a.template_agent_id IS NOT NULL
    JOIN agents t ON t.id = a.template_agent_id JOIN organization p ON p.id = t.organization_id
    WHERE m.user_id = $1 ORDER BY a.created_at DESC`
  const { rows } = await pool.query({ name: "agents", text, values: [request.headers.authorization] })
  return JSON.stringify({ agents: rows })
}

const installRowByRow = async (request: IncomingMessage) => {
  const { slug }: { readonly slug: string } = JSON.parse(await textOf(request))
  const [userId = "", organizationId = ""] = (request.headers.authorization ?? "").split(" ")
  return JSON.stringify(await copyRowByRow(pool, { userId, organizationId, slug }))
}

const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<string>>> = {
  "/api/identities/lookup": lookUp,
  "/api/agents": listAgents,
  "/api/install": installRowByRow
}

const bare = createServer(async (request, response) => {
  const text = (await answers[request.url ?? ""]?.(request)) ?? manifest
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
