import { defineConfig } from "vitest/config"
import { alias } from "./vitest.alias.ts"

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    setupFiles: ["test/reset.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A browser and a server for each file; loading the application takes seconds, so the files of a process share it.
    poolOptions: { forks: { maxForks: 2, isolate: false } }
  }
})
