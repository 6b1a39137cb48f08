/*
 * Runs the generators and the linters over docs/openapi.json, then checks the types of what was generated. Quiet where all is well;
 * a tool that fails or says anything of the document is shown with what it says.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const document = "../../docs/openapi.json"

const run = (name, ...args) => {
  const { status, stderr, stdout } = spawnSync(join(here, "node_modules", ".bin", name), args, {
    cwd: here,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" }
  })
  const said = `${stdout ?? ""}${stderr ?? ""}`
  const warns = said.split("\n").filter((line) => /\bwarn(ing)?\b/i.test(line) && !/deprecation/i.test(line))
  if (status === 0 && warns.length === 0) return
  process.stderr.write(`${name} ${args.join(" ")} ended with ${status}:\n${said}\n`)
  process.exitCode = 1
}

rmSync(join(here, "generated"), { recursive: true, force: true })
mkdirSync(join(here, "generated"))

run("redocly", "lint", document, "--config", "redocly.yaml", "--format", "stylish")
run("spectral", "lint", document, "--ruleset", ".spectral.yaml", "--fail-severity", "hint", "--quiet")
run("openapi-typescript", document, "--output", "generated/openapi-typescript.ts")
run(
  "openapi-ts",
  ...["--input", document, "--output", "generated/hey-api"],
  ...["--plugins", "@hey-api/typescript", "@hey-api/sdk", "@hey-api/client-fetch", "--no-log-file"]
)
run("orval", "--input", document, "--output", "generated/orval.ts", "--client", "fetch")
for (const name of ["openapi-typescript.ts", "hey-api", "orval.ts"]) {
  if (readdirSync(join(here, "generated")).includes(name)) continue
  process.stderr.write(`${name} was not generated\n`)
  process.exitCode = 1
}
run("tsc", "--project", ".")
