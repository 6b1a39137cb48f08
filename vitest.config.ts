import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** Tests that start programs or send them signals; those that drive a browser have a command of their own. */
const processes = [
  "test/e2e/**/*.test.ts",
  "test/layers/runtime/EmbeddedPostgres.test.ts",
  "test/layers/postgres/DatabaseAddress.test.ts"
]

// Enough for a machine that does other things besides: a test that waits for what never comes still ends.
const patience = { testTimeout: 120_000, hookTimeout: 120_000 }

/** What programs import of the package, as the sources have it. */
const alias = [
  { find: /^agent-install\/(.*)$/, replacement: fileURLToPath(new URL("src/exports/$1.ts", import.meta.url)) }
]

export default defineConfig({
  resolve: { alias },
  test: {
    // One Postgres for both projects.
    globalSetup: ["test/setup.ts"],
    poolOptions: { forks: { maxForks: 2, isolate: false } },
    projects: [
      {
        test: {
          name: "quick",
          include: ["test/**/*.test.ts"],
          exclude: [...processes, "test/browser/**"],
          isolate: false,
          ...patience
        }
      },
      { test: { name: "processes", include: processes, ...patience } }
    ]
  }
})
