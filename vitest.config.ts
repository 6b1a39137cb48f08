import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They need a browser, and have a command of their own.
    exclude: ["test/browser/**"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    poolOptions: { forks: { maxForks: 2 } }
  }
})
