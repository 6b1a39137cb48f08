import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A browser and a server each.
    poolOptions: { forks: { maxForks: 1 } }
  }
})
