import { type ChildProcess, fork, spawn } from "node:child_process"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Redacted, Schedule } from "effect"
import { secret } from "./database.ts"
import { people, postsOf } from "./lookup.ts"
import { compare, isSelected } from "./report.ts"
import { fillPeople } from "./seed.ts"
import { gatewayToken, post } from "./server.ts"

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
      GATEWAY_TOKEN: gatewayToken
    }
    yield* child(() => {
      const started = spawn(process.execPath, [join(here, "..", "src", "main.js"), "serve"], {
        env,
        stdio: ["ignore", "pipe", "inherit"]
      })
      started.stdout.resume()
      return started
    })
    yield* Effect.retry(get(port, "/health/ready"), Schedule.spaced("200 millis").pipe(Schedule.upTo("1 minute")))
    return port
  })

interface Ports {
  readonly bare: number
  readonly nothing: number
}

const references = (url: Redacted.Redacted<string>, manifest: string) =>
  Effect.flatMap(
    child(() =>
      fork(join(here, "bare.js"), { env: { ...process.env, DATABASE_URL: Redacted.value(url), MANIFEST: manifest } })
    ),
    (started) =>
      Effect.async<Ports>((resume) => void started.once("message", (ports: Ports) => resume(Effect.succeed(ports))))
  )

const names = ["http/nothing/8", "lookup/bare/8", "lookup/bare/32", "manifest/bare/8", "manifest/same/8"] as const

/** The service as it is started against bare references, each in a process of its own: what HTTP costs beside the work. */
export const benchBare = (url: Redacted.Redacted<string>, slug: string) =>
  Effect.gen(function* () {
    if (!names.some(isSelected)) return
    yield* fillPeople(1, people)
    const ours = yield* service(url)
    const manifestPath = `/api/install/manifest/${slug}`
    const manifest = yield* get(ours, manifestPath)
    const { bare, nothing } = yield* references(url, manifest.text)
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
  }).pipe(Effect.scoped)
