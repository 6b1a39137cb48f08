import { Agent, request } from "node:http"
import { parentPort, workerData } from "node:worker_threads"

/*
 * The load, in a thread of its own: sends each of the requests it is given, so many at once, and answers with how many
 * a second, and how long one of them took.
 */

/** One request: whose it is, and what it says; one that says nothing is a GET. */
export interface LoadRequest {
  readonly authorization: string
  readonly body?: string
  /** The tag of what the client has already, which is answered 304. */
  readonly etag?: string
}

/** What the thread is to do. */
export interface LoadJob {
  readonly port: number
  readonly path: string
  readonly concurrency: number
  readonly posts: ReadonlyArray<LoadRequest>
  /** Header fields of every request besides. */
  readonly fields?: Readonly<Record<string, string>>
}

/** How many a second were answered, and how long one took, in milliseconds. */
export interface LoadResult {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const send = (agent: Agent, { fields, path, port }: LoadJob, { authorization, body, etag }: LoadRequest) =>
  new Promise<void>((resolve, reject) => {
    const headers = {
      authorization,
      ...fields,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
      ...(etag === undefined ? {} : { "if-none-match": etag })
    }
    const method = body === undefined ? "GET" : "POST"
    const expected = etag === undefined ? 200 : 304
    const sent = request({ agent, port, host: "127.0.0.1", path, method, headers }, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => (response.statusCode === expected ? resolve() : reject(new Error(text))))
    })
    sent.on("error", reject)
    sent.end(body)
  })

const work: LoadJob = workerData
const agent = new Agent({ keepAlive: true, maxSockets: work.concurrency })
const open = [...work.posts]
const started = process.hrtime.bigint()

const took: Array<number> = []

const takeTurns = async () => {
  for (let post = open.pop(); post !== undefined; post = open.pop()) {
    const sent = performance.now()
    await send(agent, work, post)
    took.push(performance.now() - sent)
  }
}

await Promise.all(Array.from({ length: work.concurrency }, takeTurns))
const seconds = Number(process.hrtime.bigint() - started) / 1e9
agent.destroy()
const sorted = took.toSorted((a, b) => a - b)
const quantile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
const result: LoadResult = { perSecond: work.posts.length / seconds, p50: quantile(0.5), p99: quantile(0.99) }
parentPort?.postMessage(result)
