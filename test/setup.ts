import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"
import { ConnectionLive, MigrationsLive } from "../src/layers/postgres/Database.ts"
import { open } from "../src/layers/runtime/EmbeddedPostgres.ts"
import { openPackaged } from "./packaged.ts"

declare module "vitest" {
  export interface ProvidedContext {
    /** The database with the migrations applied, from which each suite copies its own. */
    readonly templateDatabase: string
  }
}

/** One Postgres for the run, in a folder of its own, without the waits for the disk that a test has no use for. */
export default async (project: TestProject) => {
  const dataDir = await mkdtemp(join(tmpdir(), "agent-install-test-"))
  await chmod(dataDir, 0o755)
  const scope = Effect.runSync(Scope.make())
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" }
  // The laws hold on the server that is packaged, too.
  const server = process.env.TEST_POSTGRES === "packaged" ? openPackaged(settings) : open({ dataDir, settings })
  const { url } = await Effect.runPromise(Scope.extend(server, scope))
  const database = ConnectionLive({ url, maxConnections: 1 })
  await Effect.runPromise(Effect.scoped(Layer.build(MigrationsLive.pipe(Layer.provide(database)))))
  project.provide("templateDatabase", Redacted.value(url))
  return async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(dataDir, { recursive: true, force: true })
  }
}
