import { defineConfig } from "vitest/config"
import { alias } from "./vitest.alias.ts"

/** Tests that start programs or send them signals (`npm run test:processes`); those that drive a browser are in another file. */
const processes = [
  "examples/redis-rate-limiter.test.ts",
  "test/e2e/**/*.test.ts",
  "test/layers/runtime/EmbeddedPostgres.test.ts",
  "test/layers/postgres/DatabaseAddress.test.ts"
]

// Enough for a machine that does other things besides: a test that waits for what never comes still ends.
const patience = { testTimeout: 120_000, hookTimeout: 120_000 }

export default defineConfig({
  test: {
    // One Postgres for both projects.
    globalSetup: ["test/setup.ts"],
    // Loading the application takes seconds, so the files of a process share it.
    poolOptions: { forks: { maxForks: 2, isolate: false } },
    projects: [
      {
        resolve: { alias },
        test: {
          name: "quick",
          include: ["test/**/*.test.ts", "examples/*.test.ts"],
          exclude: [...processes, "test/browser/**"],
          setupFiles: ["test/reset.ts"],
          ...patience
        }
      },
      {
        resolve: { alias },
        test: { name: "processes", include: processes, setupFiles: ["test/reset.ts"], ...patience }
      }
    ]
  }
})
