import { type ChildProcess, fork, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Redacted, Schedule } from "effect"
import { type BenchPerson, newPeople, secret } from "./database.ts"
import { people, postsOf } from "./lookup.ts"
import { compare, isSelected, median, report } from "./report.ts"
import { fillPeople } from "./seed.ts"
import { gatewayToken, load, post } from "./server.ts"

const here = fileURLToPath(new URL(".", import.meta.url))

const child = (start: () => ChildProcess) =>
  Effect.acquireRelease(Effect.sync(start), (process) =>
    Effect.async<void>((resume) => {
      if (process.exitCode !== null) return resume(Effect.void)
      process.once("exit", () => resume(Effect.void))
      process.kill()
    })
  )

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const ask = async (url: string) => {
  const answer = await fetch(url)
  if (answer.status !== 200) throw new Error(await answer.text())
  return { text: await answer.text(), etag: answer.headers.get("etag") ?? "" }
}

const lookedUp = async (port: number, { authorization, body }: ReturnType<typeof postsOf>[number]) => {
  const headers = { authorization, "content-type": "application/json" }
  const answer = await fetch(`http://127.0.0.1:${port}/api/identities/lookup`, { method: "POST", headers, body })
  return answer.text()
}

/** Both sides answer the same, byte for byte, or nothing is compared. */
const sameAnswers = (ours: number, bare: number) =>
  Effect.promise(async () => {
    for (const post of postsOf(3, 2)) {
      const [answered, expected] = [await lookedUp(ours, post), await lookedUp(bare, post)]
      if (answered !== expected) throw new Error(`The service answers ${answered}, the reference ${expected}`)
    }
  })

const get = (port: number, path: string) => Effect.tryPromise(() => ask(`http://127.0.0.1:${port}${path}`))

/** The service in a process of its own as `serve` starts it, with its log going to a pipe. */
const service = (url: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const port = yield* freePort
    const env = {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: Redacted.value(url),
      AUTH_SECRET: secret,
      GATEWAY_TOKEN: gatewayToken,
      READS_PER_MINUTE: "100000"
    }
    const { pid = 0 } = yield* child(() => {
      const started = spawn(process.execPath, [join(here, "..", "src", "main.js"), "serve"], {
        env,
        stdio: ["ignore", "pipe", "inherit"]
      })
      started.stdout.resume()
      return started
    })
    yield* Effect.retry(get(port, "/health/ready"), Schedule.spaced("200 millis").pipe(Schedule.upTo("1 minute")))
    return { port, pid }
  })

interface Ports {
  readonly bare: number
  readonly nothing: number
}

/** The processor time a process has used, in milliseconds, from /proc: fields 14 and 15 of proc(5), in hundredths of a second. */
const processorTime = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const references = (url: Redacted.Redacted<string>, manifest: string) =>
  Effect.gen(function* () {
    const started = yield* child(() =>
      fork(join(here, "bare.js"), { env: { ...process.env, DATABASE_URL: Redacted.value(url), MANIFEST: manifest } })
    )
    const ports = yield* Effect.async<Ports>(
      (resume) => void started.once("message", (ports: Ports) => resume(Effect.succeed(ports)))
    )
    return { ...ports, pid: started.pid ?? 0 }
  })

interface Side {
  readonly port: number
  readonly pid: number
  readonly authorizationOf: (person: BenchPerson) => string
}

/** Fresh installs over HTTP: rate, latencies, and the processor time of the server for one. */
const installs = ({ authorizationOf, pid, port }: Side, slug: string, count: number, concurrency: number) =>
  Effect.gen(function* () {
    const people = yield* newPeople(count)
    const posts = people.map((person) => ({ authorization: authorizationOf(person), body: JSON.stringify({ slug }) }))
    const before = processorTime(pid)
    const result = yield* load({ port, path: "/api/install", concurrency, posts })
    return { ...result, processor: (processorTime(pid) - before) / count }
  })

/** The service, with session and limiter, against a server that installs the same rows one by one without either. */
const benchRowByRow = (ours: Side, bare: Side, slug: string) =>
  Effect.gen(function* () {
    type Measured = Effect.Effect.Success<ReturnType<typeof installs>>
    const measured = new Map<Side, Array<Measured>>([
      [ours, []],
      [bare, []]
    ])
    for (const [concurrency, target] of [
      [1, 2],
      [8, 2.5],
      [32, 2.5]
    ] as const) {
      const rateOf = (side: Side) =>
        Effect.map(installs(side, slug, concurrency === 1 ? 60 : 320, concurrency), (result) => {
          if (concurrency === 32) measured.get(side)?.push(result)
          return result.perSecond
        })
      const name = `install/rowbyrow/${concurrency}`
      yield* compare({ name, unit: "installs/s", turns: 5, target }, rateOf(ours), rateOf(bare))
    }
    if (measured.get(ours)?.length === 0) return
    const of = (side: Side, read: (one: Measured) => number) => median((measured.get(side) ?? []).map(read))
    const [p50, p99, theirs] = [of(ours, (one) => one.p50), of(ours, (one) => one.p99), of(bare, (one) => one.p99)]
    const unit = "ms"
    yield* report({ name: "install/p99/32/p50", ours: p99, reference: p50, unit, ratio: p50 / p99, target: 0.4 })
    yield* report({
      name: "install/p99/32/rowbyrow",
      ours: p99,
      reference: theirs,
      unit,
      ratio: theirs / p99,
      target: 3
    })
    const [spent, spentThere] = [of(ours, (one) => one.processor), of(bare, (one) => one.processor)]
    yield* report({
      name: "install/processor/32",
      ours: spent * 1_000,
      reference: spentThere * 1_000,
      unit: "µs",
      ratio: spentThere / spent
    })
  })

const names = [
  ...["http/nothing/8", "lookup/bare/8", "lookup/bare/32", "manifest/bare/8", "manifest/same/8", "agents/bare/8"],
  ...["install/rowbyrow/1", "install/rowbyrow/8", "install/rowbyrow/32"]
]

/** The service as it is started against bare references, each in a process of its own: what HTTP costs beside the work. */
export const benchBare = (url: Redacted.Redacted<string>, slug: string) =>
  Effect.gen(function* () {
    if (!names.some(isSelected)) return
    yield* fillPeople(1, people)
    const served = yield* service(url)
    const ours = served.port
    const manifestPath = `/api/install/manifest/${slug}`
    const manifest = yield* get(ours, manifestPath)
    const { bare, nothing, pid } = yield* references(url, manifest.text)
    const gets = (count: number, etag?: string) =>
      Array.from({ length: count }, () => ({ authorization: "none", ...(etag === undefined ? {} : { etag }) }))
    const live = (port: number) => post({ port, path: "/health/live", concurrency: 8, posts: gets(1_500) })
    yield* compare({ name: "http/nothing/8", unit: "requests/s", turns: 7, target: 0.8 }, live(ours), live(nothing))
    yield* sameAnswers(ours, bare)
    for (const concurrency of [8, 32]) {
      const asked = (port: number) =>
        post({ port, path: "/api/identities/lookup", concurrency, posts: postsOf(600, 1) })
      yield* compare(
        { name: `lookup/bare/${concurrency}`, unit: "look-ups/s", turns: 7, target: 0.5 },
        asked(ours),
        asked(bare)
      )
    }
    const shown = (port: number, etag?: string) =>
      post({ port, path: manifestPath, concurrency: 8, posts: gets(600, etag) })
    yield* compare({ name: "manifest/bare/8", unit: "manifests/s", turns: 7, target: 0.15 }, shown(ours), shown(bare))
    yield* compare({ name: "manifest/same/8", unit: "manifests/s", turns: 7 }, shown(ours, manifest.etag), shown(bare))

    const mine = { ...served, authorizationOf: ({ bearer }: BenchPerson) => bearer }
    const theirs = {
      ...{ port: bare, pid },
      authorizationOf: ({ organizationId, userId }: BenchPerson) => `${userId} ${organizationId}`
    }
    const owners = yield* newPeople(100)
    if (isSelected("agents/bare/8")) {
      const posts = owners.map(({ bearer }) => ({ authorization: bearer, body: JSON.stringify({ slug }) }))
      yield* post({ port: ours, path: "/api/install", concurrency: 8, posts })
    }
    const listed = (port: number, authorizationOf: (person: BenchPerson) => string) => {
      const posts = Array.from({ length: 1_500 }, (_, at) => owners[at % owners.length])
      return post({
        port,
        path: "/api/agents",
        concurrency: 8,
        posts: posts.flatMap((person) => (person === undefined ? [] : [{ authorization: authorizationOf(person) }]))
      })
    }
    yield* compare(
      { name: "agents/bare/8", unit: "lists/s", turns: 7, target: 0.4 },
      listed(ours, mine.authorizationOf),
      listed(bare, ({ userId }) => userId)
    )
    yield* benchRowByRow(mine, theirs, slug)
  }).pipe(Effect.scoped)
