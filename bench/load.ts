import { Agent, request } from "node:http"
import { parentPort, workerData } from "node:worker_threads"

/*
 * The load, in a thread of its own: posts an install for each of the sessions it is given, so many at once, and answers with
 * how many a second.
 */

interface Work {
  readonly port: number
  readonly body: string
  readonly concurrency: number
  readonly bearers: ReadonlyArray<string>
}

const install = (agent: Agent, { body, port }: Work, bearer: string) =>
  new Promise<void>((resolve, reject) => {
    const headers = { authorization: bearer, "content-type": "application/json" }
    const sent = request(
      { agent, port, host: "127.0.0.1", path: "/api/install", method: "POST", headers },
      (response) => {
        let text = ""
        response.on("data", (chunk) => {
          text += chunk
        })
        response.on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(text))))
      }
    )
    sent.on("error", reject)
    sent.end(body)
  })

const work: Work = workerData
const agent = new Agent({ keepAlive: true, maxSockets: work.concurrency })
const open = [...work.bearers]
const started = process.hrtime.bigint()

const takeTurns = async () => {
  for (let bearer = open.pop(); bearer !== undefined; bearer = open.pop()) await install(agent, work, bearer)
}

await Promise.all(Array.from({ length: work.concurrency }, takeTurns))
const seconds = Number(process.hrtime.bigint() - started) / 1e9
agent.destroy()
parentPort?.postMessage(work.bearers.length / seconds)
