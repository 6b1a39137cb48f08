/*
 * What no test would miss: each change of the code that is made by chance (a mutant) is held against the tests of the domain and the
 * laws in memory, without a database. `npm run test:mutation` does so for the domain and the services;
 * `npm run test:mutation -- --mutate 'src/domain/catalog/*.ts'` for a shelf of it.
 */
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: "vitest",
  vitest: { configFile: "vitest.mutation.config.ts", related: false },
  // The texts of errors are held by what is in test/http/Api.test.ts.
  mutate: ["src/{domain,services}/**/*.ts", "!src/domain/Errors.ts", "!src/domain/ErrorGuide.ts"],
  coverageAnalysis: "perTest",
  // What runs once, when a file is loaded, can't be changed afterwards.
  ignoreStatic: true,
  // TypeScript 7 has no API by which Stryker would rewrite a configuration, which needs no rewriting.
  tsconfigFile: "none",
  reporters: ["clear-text", "progress-append-only"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  ignorePatterns: ["dist", "bench", "docs"]
}
