import { defineConfig } from "vitest/config"
import { alias } from "./vitest.alias.ts"

/** Whether the tests over HTTP count too, which hold the use cases and need a database. */
const overHttp = process.env.OVER_HTTP === "true"

/** What a mutant is run against: the tests of the domain and the laws in memory, which need no database. */
export default defineConfig({
  resolve: { alias },
  test: {
    include: [
      "test/domain/**/*.test.ts",
      "test/services/**/*.test.ts",
      ...(overHttp ? ["test/http/**/*.test.ts"] : [])
    ],
    env: { MUTATING: "true" },
    ...(overHttp ? { globalSetup: ["test/setup.ts"] } : { provide: { templateDatabase: "postgres:///none" } }),
    setupFiles: ["test/reset.ts"],
    testTimeout: 60_000,
    // A mutant is switched on in modules that are loaded already, so that a run of it takes half as long.
    poolOptions: { threads: { isolate: false } }
  }
})
