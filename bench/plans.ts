import { FetchHttpClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { Console, Data, Duration, Effect, identity, Layer } from "effect"
import { PgPool } from "../src/layers/postgres/Database.ts"
import { asJson, numberOf } from "./report.ts"
import { fillDailyLife, fillInstalls, fillPeople, fillReferences, jidOfPerson, query } from "./seed.ts"
import { gateway, portOf, Services } from "./server.ts"
import { publish, templateOf } from "./templates.ts"

/*
 * What the database does for each request, read from the plans that ran: with few people in it and with many. Whatever is
 * read by key costs the same in both.
 */

/** Makes Postgres send the plan of every statement that runs, those inside functions and triggers too, as a notice. */
export const explaining = {
  session_preload_libraries: "auto_explain",
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_timing": "off",
  "auto_explain.log_nested_statements": "on",
  "auto_explain.log_format": "json",
  "auto_explain.log_level": "notice"
}

interface Node {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly "Index Name"?: string
  readonly "Subplan Name"?: string
  readonly "Plan Rows": number
  readonly "Actual Rows": number
  readonly "Actual Loops": number
  readonly "Rows Removed by Filter"?: number
  readonly "Rows Removed by Join Filter"?: number
  readonly "Shared Hit Blocks"?: number
  readonly "Shared Read Blocks"?: number
  readonly Plans?: ReadonlyArray<Node>
}

interface Ran {
  readonly during: string
  readonly plan: Node
}

const blocksOf = (node: Node) => (node["Shared Hit Blocks"] ?? 0) + (node["Shared Read Blocks"] ?? 0)

const removedBy = (node: Node) =>
  ((node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Join Filter"] ?? 0)) * node["Actual Loops"]

const isMisjudged = (node: Node) =>
  node["Actual Rows"] > 100 * node["Plan Rows"] && node["Actual Rows"] * node["Actual Loops"] >= 1_000

const nodesOf = (node: Node): ReadonlyArray<Node> => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

const titleOf = (node: Node) =>
  [node["Subplan Name"], node["Node Type"], node["Relation Name"], node["Index Name"]]
    .filter((part) => part !== undefined)
    .join(" ")

const draw = (node: Node, depth = 0): string =>
  [
    `${"  ".repeat(depth)}${titleOf(node)}: ${node["Plan Rows"]} expected, ${node["Actual Rows"]} x ${node["Actual Loops"]}, ${removedBy(node)} removed, ${blocksOf(node)} blocks`,
    ...(node.Plans ?? []).map((child) => draw(child, depth + 1))
  ].join("\n")

/** Gathers the plan of each statement, the dearest where it ran more than once. */
const gathering = Effect.map(PgPool, (pool) => {
  const ran = new Map<string, Ran>()
  const now = { during: "" }
  pool.on("acquire", (client) => {
    if (client.listenerCount("notice") > 0) return
    client.on("notice", ({ message = "" }) => {
      const at = message.indexOf("{")
      if (now.during === "" || !message.startsWith("duration:") || at < 0) return
      const { "Query Text": text, Plan: plan }: { readonly "Query Text": string; readonly Plan: Node } = JSON.parse(
        message.slice(at)
      )
      const known = ran.get(text)
      if (known === undefined || blocksOf(known.plan) < blocksOf(plan)) ran.set(text, { during: now.during, plan })
    })
  })
  return { ran, now }
})

interface Asked {
  readonly method?: "GET" | "POST" | "DELETE"
  readonly authorization?: string
  readonly body?: unknown
}

const slug = "ten-types"
const referred = "ten-referred"

let runs = 0

/** One person's whole life with the service, each route at least once. Answers with how long each took, in milliseconds. */
const drive = (port: number, now: { during: string }) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const run = ++runs
    const took = new Map<string, number>()
    const ask = (path: string, { authorization, body, method = body === undefined ? "GET" : "POST" }: Asked = {}) =>
      Effect.gen(function* () {
        now.during = `${method} ${path.replace(/(?<=\/)(agent_|link_)?[0-9a-f]{3,}(?=\/|$)/g, ":id")}`
        const [time, answer] = yield* HttpClientRequest.make(method)(`http://127.0.0.1:${port}${path}`).pipe(
          authorization === undefined ? identity : HttpClientRequest.setHeader("authorization", authorization),
          body === undefined ? identity : HttpClientRequest.bodyUnsafeJson(body),
          client.execute,
          Effect.timed
        )
        took.set(now.during, Math.max(took.get(now.during) ?? 0, Duration.toMillis(time)))
        const text = yield* answer.text
        if (answer.status >= 400) throw new Error(`${now.during}: ${answer.status} ${text}`)
        return { headers: answer.headers, body: text.startsWith("{") ? JSON.parse(text) : {} }
      }).pipe(Effect.orDie)
    const email = `driven-${run}@example.org`
    const account = { name: "Driven", email, password: "a long enough password" }
    yield* ask("/api/auth/sign-up/email", { body: account })
    const { headers } = yield* ask("/api/auth/sign-in/email", { body: account })
    const authorization = `Bearer ${headers["set-auth-token"]}`
    const mine = (path: string, asked: Asked = {}) => ask(path, { authorization, ...asked })
    const theirs = (path: string, body: unknown) => ask(path, { authorization: gateway, body })
    const sender = (digits: string) => ({ platform: "whatsapp", platformUserId: `${digits}@s.whatsapp.net` })

    yield* mine("/api/auth/get-session")
    yield* ask(`/api/install/manifest/${slug}`)
    yield* mine("/api/install/plan", { body: { slug } })
    yield* mine("/api/install", { body: { slug, whatsapp_phone: `+4479111${20_000 + run}` } })
    const { body: agent } = yield* mine("/api/install", { body: { slug } })
    yield* mine("/api/agents")
    yield* mine(`/api/agents/${agent.agentId}`)
    yield* mine(`/api/agents/${agent.agentId}/history`)

    now.during = "publish"
    yield* publish(templateOf(slug, 10, `Revision after ${run}`))
    yield* mine(`/api/agents/${agent.agentId}/plan`)
    yield* mine(`/api/agents/${agent.agentId}/resync`, { body: {} })
    yield* query("UPDATE entity_types SET name = 'Mine' WHERE organization_id = $1 AND slug = 'type-1'", [
      agent.organizationId
    ])
    yield* mine(`/api/agents/${agent.agentId}/resync`, { body: { revert: [{ kind: "entity_types", slug: "type-1" }] } })

    yield* mine("/api/identities/phone", { body: { phone: `+4479112${20_000 + run}` } })
    yield* mine("/api/identities")
    const digits = `4479112${20_000 + run}`
    const lookUp = { identities: [{ namespace: "wa_jid", identifier: `${digits}@s.whatsapp.net` }], template: slug }
    const { body: asked } = yield* theirs("/api/identities/lookup", lookUp)
    yield* theirs(`/api/identities/pending/${asked.identities[0].prompt.pendingId}/answer`, {
      ...sender(digits),
      yes: true
    })
    yield* theirs("/api/identities/lookup", lookUp)
    yield* theirs("/api/identities/lookup", {
      identities: Array.from({ length: 500 }, (_, at) => ({
        namespace: "wa_jid",
        identifier: jidOfPerson((at % 10) + 1)
      }))
    })
    const { body: code } = yield* mine("/api/install/token", { body: { slug } })
    const other = `4479113${20_000 + run}`
    const { body: claimed } = yield* theirs("/api/install/claim", {
      ...sender(other),
      message: `Link this chat: ${code.token}`
    })
    yield* theirs(`/api/identities/pending/${claimed.pendingId}/answer`, { ...sender(other), yes: true })
    const { body: own } = yield* mine("/api/identities")
    const waiting = own.identities.find(({ state }: { readonly state: string }) => state === "confirm_session")
    yield* mine(`/api/identities/${waiting.id}/confirm`, { method: "POST" })
    const { body: left } = yield* mine("/api/identities")
    yield* mine(`/api/identities/${left.identities[0].id}`, { method: "DELETE" })

    yield* mine(`/api/agents/${agent.agentId}/uninstall-plan`)
    yield* mine(`/api/agents/${agent.agentId}`, { method: "DELETE" })
    yield* mine("/api/install", { body: { slug: referred } })
    yield* mine("/api/install", { body: { slug: referred } })
    yield* ask("/health/ready")
    yield* mine("/api/auth/sign-out", { body: {} })
    now.during = ""
    return took
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** More rows thrown away than a plan by key has cause to. */
const manyRows = 1_000
/** More blocks a row of the answer than a plan by key has cause to touch. */
const manyBlocks = 1_000
/** With few people a table is a page that is read once; with many, each of some dozens of rows is found by an index of a few levels. */
const pagesOfFew = 250
/** Longer, in milliseconds, than anything that a person asks for has cause to take, also on a busy machine. */
const longMillis = 1_500

const few = 10
/** How many people there are to be. */
export const many = numberOf("people", 100_000)

/** Something is wrong with a plan, or takes long, and has been reported. */
export class PlanProblems extends Data.TaggedError("PlanProblems")<{ readonly count: number }> {}

/** Reads every plan with ten people and with a hundred thousand (`--people=…`), and fails where anything is wrong with them. */
export const plans = Effect.gen(function* () {
  const { now, ran } = yield* gathering
  const port = yield* portOf(Services, Layer.empty)
  yield* publish(templateOf(slug, 10))
  yield* publish({ ...templateOf(referred, 10), modes: ["reference"] })
  const driveWith = (from: number, to: number) =>
    Effect.gen(function* () {
      yield* fillPeople(from, to)
      // Every second one by reference.
      const half = Math.floor((from + to) / 2)
      yield* fillInstalls(slug, from, half)
      yield* fillReferences(referred, half + 1, to)
      yield* fillDailyLife(slug, from, to)
      // Twice: the first one plans, and reads the catalog for it.
      yield* drive(port, now)
      ran.clear()
      const took = yield* drive(port, now)
      return { statements: new Map(ran), took }
    })
  const before = yield* driveWith(1, few)
  const after = yield* driveWith(few + 1, many)
  const grown = yield* query("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= $1", [many / 2])
  const growing = new Set(grown.rows.map(({ relname }) => relname))
  let count = 0

  for (const [route, milliseconds] of [...after.took].toSorted(([, a], [, b]) => b - a)) {
    const millis = { few: Math.round(before.took.get(route) ?? 0), many: Math.round(milliseconds) }
    const wrong = milliseconds > longMillis ? ["long"] : []
    count += wrong.length
    yield* Console.log(
      asJson
        ? JSON.stringify({ name: "route", route, millis, wrong })
        : `${String(millis.few).padStart(6)} ${String(millis.many).padStart(6)} ms  ${route}${wrong.map((one) => `\n    WRONG: ${one}`).join("")}`
    )
  }

  const rows = [...after.statements].toSorted(([, a], [, b]) => blocksOf(b.plan) - blocksOf(a.plan))
  for (const [text, { during, plan }] of rows) {
    const [was, is] = [before.statements.get(text), blocksOf(plan)]
    const nodes = nodesOf(plan)
    const wrong = [
      ...nodes
        .filter((node) => node["Node Type"] === "Seq Scan" && growing.has(node["Relation Name"]))
        .map((node) => `sequential scan of ${node["Relation Name"]}`),
      ...nodes
        .filter((node) => removedBy(node) >= manyRows)
        .map((node) => `${removedBy(node)} rows read for nothing by ${titleOf(node)}`),
      ...nodes.filter(isMisjudged).map((node) => `${node["Plan Rows"]} rows expected of ${titleOf(node)}`),
      ...(was !== undefined && is > 4 * blocksOf(was.plan) + pagesOfFew ? ["dearer than with few people"] : []),
      ...(is >= manyBlocks * Math.max(1, plan["Actual Rows"]) ? ["many blocks"] : [])
    ]
    count += wrong.length
    const statement = text.replace(/\s+/g, " ").trim().slice(0, 100)
    const blocks = { few: was === undefined ? null : blocksOf(was.plan), many: is }
    yield* Console.log(
      asJson
        ? JSON.stringify({ name: "plan", statement, during, blocks, wrong })
        : `${String(blocks.few ?? "-").padStart(6)} ${String(is).padStart(6)} blocks  ${during}\n    ${statement}${wrong.map((one) => `\n    WRONG: ${one}`).join("")}`
    )
    if (process.argv.includes("--drawn")) yield* Console.log(`${text}\n${draw(plan, 2)}`)
  }
  if (count > 0) return yield* new PlanProblems({ count })
})
