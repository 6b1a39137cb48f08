import { defineConfig } from "vitest/config"
import { alias } from "./vitest.alias.ts"

export default defineConfig({
  resolve: { alias },
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A browser and a server each.
    poolOptions: { forks: { maxForks: 2 } }
  }
})
