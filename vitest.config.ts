import { defineConfig } from "vitest/config"

/** Tests that start programs, or send them signals. */
const processes = [
  "test/e2e/**/*.test.ts",
  "test/layers/runtime/EmbeddedPostgres.test.ts",
  "test/layers/postgres/DatabaseAddress.test.ts"
]

/** Tests that need a browser, and have a command of their own (`npm run test:browser`). */
const browser = ["test/browser/**"]

const patience = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // One Postgres for both projects.
    globalSetup: ["test/setup.ts"],
    poolOptions: { forks: { maxForks: 2 } },
    projects: [
      { test: { name: "quick", include: ["test/**/*.test.ts"], exclude: [...processes, ...browser], ...patience } },
      { test: { name: "processes", include: processes, ...patience } }
    ]
  }
})
