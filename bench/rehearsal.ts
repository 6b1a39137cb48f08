import { spawn } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Console, Duration, Effect, Fiber, Layer, Random, Redacted, Schedule, Schema } from "effect"
import { freePort } from "../test/machine.ts"
import { databaseOn, openPostgres, secret } from "./database.ts"
import { asJson, numberOf } from "./report.ts"
import { fillInstalls, fillPeople, query } from "./seed.ts"

/*
 * A publisher's whole way, as a rehearsal: from a folder with a key and an address alone a template is published, rolled out wave by
 * wave while the processes that do it are killed, paused by a wave that fails, mended, resumed, and taken back. What is there in the
 * end is counted in the database. Fails where anything is not as it has to be.
 */

/** The built program, as it is installed. */
const main = fileURLToPath(new URL("../src/main.js", import.meta.url))

const organizations = numberOf("organizations", 10_000)
const servers = 3
const slug = "rehearsed"
const publisher = "rehearsing"
const types = 12
const owner = { name: "Katherine", email: "katherine@example.org", password: "a long enough password" }

const say = (name: string, figures: Readonly<Record<string, unknown>>) =>
  Console.log(
    asJson
      ? JSON.stringify({ name, ...figures })
      : `${name.padEnd(24)} ${Object.entries(figures)
          .map(([what, value]) => `${what} ${value}`)
          .join(", ")}`
  )

const expect = (is: boolean, what: string, found: unknown) =>
  is ? Effect.void : Effect.dieMessage(`${what}: ${JSON.stringify(found)}`)

const ended = (child: ReturnType<typeof spawn>) =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
  })

const environmentOf = (given: Readonly<Record<string, string>>) => ({ PATH: process.env.PATH, ...given })

const post = (address: string, body: unknown, headers: Readonly<Record<string, string>>) =>
  fetch(address, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

const isReady = async (port: number) =>
  (await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(5_000) })).ok

/** Runs a command to its end. `told` gets each line as it comes. */
const command = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>,
  cwd: string,
  told: (line: string) => void = () => undefined
) =>
  Effect.gen(function* () {
    const child = spawn(process.execPath, [main, ...args], { cwd, env: environmentOf(environment) })
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk) => {
      out += chunk
      for (const line of String(chunk).split("\n").filter(Boolean)) told(line)
    })
    child.stderr.on("data", (chunk) => {
      err += chunk
    })
    yield* Effect.onInterrupt(ended(child), () => Effect.sync(() => child.kill("SIGKILL")))
    yield* expect(child.exitCode === 0, `agent-install ${args.join(" ")}`, `${out}${err}`)
    return out
  })

/** A `serve` process that is killed, and begun again at the same port, as often as one wants. */
const serving = (port: number, environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const begin = () =>
      spawn(process.execPath, [main, "serve"], {
        env: environmentOf({ PORT: String(port), ...environment }),
        stdio: "ignore"
      })
    const now = { child: begin() }
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        now.child.kill("SIGKILL")
        return ended(now.child)
      })
    )
    const ready = Effect.tryPromise(() => isReady(port)).pipe(
      Effect.filterOrFail((ok) => ok),
      Effect.retry(Schedule.spaced("100 millis")),
      Effect.timeout("90 seconds"),
      Effect.orDie
    )
    const replace = Effect.gen(function* () {
      now.child.kill("SIGKILL")
      yield* ended(now.child)
      now.child = begin()
    }).pipe(Effect.uninterruptible)
    return { ready, replace }
  })

/** What stands in front of the processes: the first that is there answers, and while none is, who asks waits. */
const balancer = (ports: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const port = yield* freePort
    const server = createServer((near) => {
      near.on("error", () => near.destroy())
      const reach = ([first, ...rest]: ReadonlyArray<number>): void => {
        if (near.destroyed) return
        if (first === undefined) return void setTimeout(() => reach(ports), 100)
        const far = connect(first, "127.0.0.1")
        far.once("connect", () => {
          far.on("close", () => near.destroy())
          near.on("close", () => far.destroy())
          near.pipe(far).pipe(near)
        })
        far.on("error", () => (far.bytesWritten === 0 ? reach(rest) : near.destroy()))
      }
      reach(ports)
    })
    const open = Effect.async<void>((resume) => {
      server.listen(port, "127.0.0.1", () => resume(Effect.void))
    })
    yield* Effect.acquireRelease(open, () => Effect.sync(() => server.close()))
    return `http://127.0.0.1:${port}`
  })

const entity = (name: string, description: string, more = "") =>
  `version: 1\ntype: entity\nslug: ${name}\nname: ${name}\ndescription: ${description}\nmetadata_schema:\n  type: object\n${more}`

/** What a template says at each of its revisions; the second brings a row that is in the way of some, the third renames it. */
const write = (folder: string, revision: 1 | 2 | 3) =>
  Effect.promise(async () => {
    const models = join(folder, "models")
    await rm(models, { recursive: true, force: true })
    await mkdir(models)
    await writeFile(
      join(folder, "template.yaml"),
      `version: 1\nslug: ${slug}\nname: Rehearsed\ndescription: A rehearsal.\npublisher: ${publisher}\nnotes: Revision ${revision}\n`
    )
    for (let at = 0; at < types; at++) {
      const description = at === 0 ? `Said by revision ${revision}` : "One of many"
      await writeFile(join(models, `type-${at}.yaml`), entity(`type-${at}`, description))
    }
    if (revision === 2) await writeFile(join(models, "extra.yaml"), entity("extra", "Another"))
    if (revision === 3)
      await writeFile(join(models, "extra.yaml"), entity("extra-of-ours", "Another", "was:\n  - extra\n"))
  })

const Status = Schema.parseJson(
  Schema.Struct({
    rolloutId: Schema.String,
    state: Schema.String,
    because: Schema.NullOr(Schema.String),
    wave: Schema.Int,
    open: Schema.Int,
    outcomes: Schema.Record({ key: Schema.String, value: Schema.Int })
  })
)

/** Counts whose installation is not as a roll-out to that revision left it: none is. */
const wrongAfter = (rolloutId: string, revision: number) =>
  query(
    `SELECT count(*)::int AS wrong, count(*) FILTER (WHERE t.outcome IS NULL)::int AS open
     FROM rollout_targets t
     JOIN rollouts r ON r.id = t.rollout_id
     JOIN agents a ON a.organization_id = t.organization_id AND a.template_agent_id = r.template_agent_id
     CROSS JOIN LATERAL (
       SELECT count(*) AS entries FROM mirror_history h
       WHERE h.organization_id = t.organization_id AND h.template_agent_id = r.template_agent_id
         AND h.action = 'rollout' AND h.revision = $2 AND h.created_at >= r.created_at
     ) told
     JOIN entity_types e ON e.organization_id = t.organization_id AND e.slug = 'type-0' AND e.deleted_at IS NULL
     WHERE t.rollout_id = $1 AND NOT (
       t.outcome = 'updated' AND told.entries = 1 AND a.revision = $2 AND e.description = 'Said by revision ' || $2::int
       OR t.outcome IN ('pinned', 'manual') AND told.entries = 0 AND a.revision = 1
     )`,
    [rolloutId, revision]
  ).pipe(Effect.map(({ rows }) => rows[0]))

/** The whole way. */
export const rehearsal = Effect.gen(function* () {
  const url = yield* openPostgres()
  const database = yield* Layer.build(databaseOn(url))
  const sql = (text: string, values: ReadonlyArray<unknown> = []) => Effect.provide(query(text, values), database)
  const inDatabase = { DATABASE_URL: Redacted.value(url), AUTH_SECRET: secret }
  const ports = yield* Effect.replicateEffect(freePort, servers)
  const service = yield* balancer(ports)
  const processes = yield* Effect.forEach(ports, (port) => serving(port, { ...inDatabase, BASE_URL: service }))
  yield* Effect.forEach(processes, ({ ready }) => ready, { concurrency: "unbounded", discard: true })

  // Who runs the service makes a publisher; its owner makes a key.
  const ask = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    Effect.promise(() => post(`${service}${path}`, body, headers))
  yield* ask("/api/auth/sign-up/email", owner)
  const token = (yield* ask("/api/auth/sign-in/email", owner)).headers.get("set-auth-token")
  const elsewhere = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "agent-install-publisher-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  yield* command(["publisher", "create", publisher, "--owner", owner.email], inDatabase, elsewhere)
  const made = yield* ask(
    `/api/publishers/${publisher}/keys`,
    { name: "Rehearsal", scopes: ["publish"] },
    { authorization: `Bearer ${token}` }
  )
  const { key } = yield* Effect.promise(() => made.json())
  yield* say("watch", {
    at: `${service}/publish/${publisher}/templates/${slug}`,
    as: owner.email,
    password: owner.password
  })

  // From here on the publisher has a folder, the key and the address alone.
  const run = (args: ReadonlyArray<string>, told?: (line: string) => void) =>
    command(args, { AGENT_INSTALL_KEY: String(key) }, elsewhere, told)
  const at = ["--url", service]
  const of = [slug, ...at, "--publisher", publisher]
  yield* run(["template", "init", slug, ...at])
  const folder = join(elsewhere, slug)
  const publish = (revision: 1 | 2 | 3) =>
    Effect.zipRight(write(folder, revision), run(["template", "publish", slug, ...at]))
  yield* publish(1)
  yield* Effect.provide(Effect.zipRight(fillPeople(1, organizations), fillInstalls(slug, 1, organizations)), database)
  const few = (rest: number) =>
    `organization_id IN (SELECT 'org_' || md5(at::text) FROM generate_series(1, ${organizations}) at WHERE at % 100 = ${rest})`
  yield* sql(`UPDATE agents SET pinned = true WHERE template_agent_id IS NOT NULL AND ${few(1)}`)
  yield* sql(`UPDATE agents SET updates = 'manual' WHERE template_agent_id IS NOT NULL AND ${few(2)}`)

  yield* write(folder, 2)
  const [took, impact] = yield* Effect.timed(run(["template", "diff", slug, ...at, "--json"]))
  const { affected, installations, total } = JSON.parse(impact).impact
  yield* say("impact", { seconds: seconds(took), installations, affected, ...total })
  yield* publish(2)

  let kills = 0
  const killing = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(`${yield* Random.nextIntBetween(3_000, 9_000)} millis`)
      const all = (yield* Random.nextIntBetween(0, 5)) === 0
      const some = all ? processes : [processes[yield* Random.nextIntBetween(0, servers)]]
      for (const one of some) if (one !== undefined) yield* one.replace
      kills += some.length
      yield* Effect.forEach(some, (one) => one?.ready ?? Effect.void, { concurrency: "unbounded", discard: true })
    }
  })
  /** Follows the roll-out on the command line while processes are killed, until it stands still. */
  const follow = (name: string) =>
    Effect.gen(function* () {
      const before = kills
      let lines = 0
      const killer = yield* Effect.fork(killing)
      const [took] = yield* Effect.timed(
        run(["rollout", "status", ...of, "--follow"], (line) => {
          lines++
          if (!asJson) process.stderr.write(`    ${line}\n`)
        })
      )
      yield* Fiber.interrupt(killer)
      yield* Effect.forEach(processes, ({ ready }) => ready, { discard: true })
      const status = yield* Schema.decode(Status)(yield* run(["rollout", "status", ...of, "--json"]))
      const updated = status.outcomes.updated ?? 0
      yield* say(name, {
        state: status.state,
        seconds: seconds(took),
        updated,
        "organizations/s": Math.round(updated / Duration.toSeconds(took)),
        "rows/s": Math.round((2 * updated) / Duration.toSeconds(took)),
        kills: kills - before,
        lines
      })
      return status
    })

  yield* run(["rollout", "start", ...of, "--revision", "2"])
  // Meanwhile some of the third wave make what the revision brings.
  yield* sql(
    `INSERT INTO entity_types (organization_id, slug, name)
     SELECT organization_id, 'extra', 'Mine' FROM rollout_targets WHERE wave = 2 AND place % 10 = 0`
  )
  const stopped = yield* follow("rollout to 2")
  yield* expect(stopped.because === "too_much_trouble" && stopped.wave === 2, "It pauses in its third wave", stopped)
  yield* run(["rollout", "results", ...of])
  const { rows } = yield* sql(
    `SELECT count(*)::int AS entries, count(DISTINCT organization_id)::int AS organizations
     FROM mirror_history WHERE action = 'rollout' AND revision = 2`
  )
  const updated = stopped.outcomes.updated
  yield* expect(rows[0]?.entries === updated && rows[0]?.organizations === updated, "Each has one entry", rows)

  const check = (revision: number, { outcomes, rolloutId, state }: typeof stopped) =>
    Effect.gen(function* () {
      yield* expect(state === "done", "It is done", state)
      const left = organizations / 50
      yield* expect(
        outcomes.updated === organizations - left || revision === 1,
        "All but those who are left out",
        outcomes
      )
      const wrong = yield* Effect.provide(wrongAfter(rolloutId, revision), database)
      yield* expect(wrong?.wrong === 0, "Everybody has one entry, and stands at the revision", wrong)
      yield* say(`checked ${revision}`, { wrong: wrong?.wrong, ...outcomes })
    })

  yield* publish(3)
  yield* run(["rollout", "resume", ...of, "--revision", "3"])
  yield* check(3, yield* follow("rollout to 3"))

  yield* run(["rollout", "start", ...of, "--revision", "1"])
  yield* check(1, yield* follow("rollout back to 1"))
}).pipe(Effect.scoped)

const seconds = (took: Duration.Duration) => Math.round(Duration.toSeconds(took) * 10) / 10
