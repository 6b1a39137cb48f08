import { spawn } from "node:child_process"
import { mkdtemp, rm, symlink } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import pg from "pg"
import { type Block, blocksOf, documents, isNotRun, jsonValues, masked, placeOf, root } from "../blocks.ts"
import { ownDatabase } from "../pg.ts"
import { bundled, run, secret, serve } from "./processes.ts"

/* What the documents show is run, all of it on one service, and what comes out is compared. */

const gatewayToken = "the-token-of-the-gateway-of-the-documents"

class Shown extends Context.Tag("test/Shown")<Shown, { readonly origin: string; readonly database: string }>() {}

const ShownLive = Layer.scoped(
  Shown,
  Effect.gen(function* () {
    const database = Redacted.value(yield* ownDatabase())
    const { ask, origin, ready } = yield* serve({
      DATABASE_URL: database,
      AUTH_SECRET: secret,
      GATEWAY_TOKEN: gatewayToken,
      PUBLISH: bundled
    })
    yield* ready
    // Somebody who has signed up, where a document speaks of that.
    yield* ask("/api/auth/sign-up/email", {
      body: { name: "Katherine Johnson", email: "katherine@example.org", password: "a long password" }
    })
    return { origin, database }
  })
)

const isShell = ({ language }: Block) => language === "sh"

/** What one block printed is between two of these. */
const mark = "\u001e"

/** Each shell block that is run, with the block after it where that shows what comes out. */
const sessionOf = (document: string) => {
  const blocks = blocksOf(document)
  return blocks.flatMap((block, at) => {
    if (!isShell(block) || isNotRun(block)) return []
    const next = blocks[at + 1]
    const shows = next !== undefined && ["json", "text"].includes(next.language) && !next.tags.includes("apart")
    return [{ block, output: shows ? next : undefined }]
  })
}

/**
 * Runs commands of the program for a shell, in this process: loading it for each takes longer than all else. Answers with what went to
 * the standard output, to the standard error, and the exit code.
 */
const serveCommands = (database: string) =>
  Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk) => chunks.push(chunk))
        request.on("end", () => {
          const [folder = "", key = "", token = "", ...words] = Buffer.concat(chunks).toString().split(between)
          const given = {
            DATABASE_URL: database,
            AUTH_SECRET: secret,
            AGENT_INSTALL_KEY: key,
            AGENT_INSTALL_TOKEN: token
          }
          const before = process.cwd()
          process.chdir(folder)
          Effect.runPromise(run(words.slice(0, -1), given)).then(({ code, err, out }) => {
            process.chdir(before)
            response.end([out, err, code].join(between))
          })
        })
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
  ).pipe(Effect.map((server) => (server.address() as AddressInfo).port))

/** Stands between the words of a command, and the parts of its answer. */
const between = "\u001f"

const prelude = `
curl() { command curl --max-time 60 "$@"; }
npx() {
  [ "$1" = agent-install ] || { echo "npx $1 is not run here" >&2; return 1; }
  shift
  local answer=$(printf '%s${between}' "$PWD" "$AGENT_INSTALL_KEY" "$AGENT_INSTALL_TOKEN" "$@" |
    command curl -s --data-binary @- "http://127.0.0.1:$COMMANDS")
  local code=\${answer##*${between}} rest=\${answer%${between}*}
  printf '%s' "\${rest%%${between}*}"
  printf '%s' "\${rest#*${between}}" >&2
  return "$code"
}
`

/** Runs the shell blocks of a document one after another in one shell, and answers with what each printed. */
const runSession = (document: string, { database, origin }: Context.Tag.Service<typeof Shown>) =>
  Effect.gen(function* () {
    const commands = yield* serveCommands(database)
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "agent-install-documents-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true }))
    )
    for (const name of ["templates", "examples"]) {
      yield* Effect.promise(() => symlink(join(root, name), join(folder, name)))
    }
    const session = sessionOf(document)
    const script = session
      .map(({ block }) => {
        const text = block.text.replaceAll("http://localhost:3000", origin)
        const end = block.tags.includes("fails") ? '[ $? = 0 ] && echo "did not fail"' : '|| echo "failed with $?"'
        return block.tags.includes("fails") ? `${text}${end}\nprintf '${mark}'` : `{\n${text}} ${end}\nprintf '${mark}'`
      })
      .join("\n")
    const printed = yield* Effect.async<string>((resume) => {
      const shell = spawn("bash", ["-c", `exec 2>&1\n${prelude}\n${script}`], {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          COMMANDS: String(commands),
          GATEWAY_TOKEN: gatewayToken
        }
      })
      let out = ""
      shell.stdout.on("data", (chunk) => {
        out += chunk
      })
      shell.on("close", () => resume(Effect.succeed(out)))
    })
    const parts = printed.split(mark)
    return session.map(({ block, output }, at) => ({
      block,
      output,
      printed: (parts[at] ?? "").replaceAll(origin, "http://localhost:3000")
    }))
  })

layer(ShownLive, { timeout: "120 seconds", excludeTestServices: true })("the documents", (it) => {
  for (const document of documents.filter((name) => sessionOf(name).length > 0)) {
    it.scoped(`show what comes of the commands in ${document}`, () =>
      Effect.gen(function* () {
        for (const { block, output, printed } of yield* runSession(document, yield* Shown)) {
          assert.notMatch(printed, /failed with \d+|did not fail/, placeOf(block))
          if (output === undefined) continue
          if (output.language === "json") {
            assert.deepStrictEqual(jsonValues(masked(printed)), jsonValues(masked(output.text)), placeOf(output))
          } else {
            assert.strictEqual(masked(printed), masked(output.text), placeOf(output))
          }
        }
      })
    )
  }

  it.scoped("show SQL that the database can do", () =>
    Effect.gen(function* () {
      const { database } = yield* Shown
      const statements = documents
        .flatMap(blocksOf)
        .filter(({ language }) => language === "sql")
        .flatMap((block) => block.text.split(/;\s*$/m).map((text) => [placeOf(block), text.trim()] as const))
        .filter(([, text]) => text !== "")
      assert.isAtLeast(statements.length, 4)
      yield* Effect.promise(async () => {
        const client = new pg.Client({ connectionString: database })
        await client.connect()
        try {
          for (const [at, [place, text]] of statements.entries()) {
            await client.query(`PREPARE shown_${at} AS ${text}`).catch((error) => {
              throw new Error(`${place}: ${error.message}`)
            })
          }
        } finally {
          await client.end()
        }
      })
    })
  )
})
