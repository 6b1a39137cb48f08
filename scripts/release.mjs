/*
 * Publishes the package as package.json has it, with a statement of where it was built (npm's provenance), or says what is in the
 * way. It is to run in a workflow that npm knows; --dry-run, anywhere, packs and sends nothing.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"

process.chdir(join(import.meta.dirname, ".."))
const isRehearsal = process.argv.includes("--dry-run")
const { repository, version } = JSON.parse(readFileSync("package.json", "utf8"))
const heading = new RegExp(`^## ${version.replaceAll(".", "\\.")}(.*)$`, "m").exec(readFileSync("CHANGELOG.md", "utf8"))
const git = (...args) => execFileSync("git", args, { encoding: "utf8" }).trim()

const problems = [
  [heading === null, `CHANGELOG.md has no section "## ${version}": say there what has changed`],
  [
    /unreleased/.test(heading?.[1] ?? ""),
    `CHANGELOG.md calls ${version} unreleased: put the date of the release there`
  ],
  [
    repository?.url === undefined,
    "package.json names no repository, which provenance is compared with: npm pkg set repository.type=git repository.url=git+https://…"
  ],
  [
    git("status", "--porcelain") !== "",
    "something is not committed: what is published has to be what the repository says"
  ],
  [
    git("tag", "--list", `v${version}`) !== "" && !git("tag", "--points-at", "HEAD").includes(`v${version}`),
    `v${version} is tagged elsewhere: take the next version`
  ]
].flatMap(([isWrong, problem]) => (isWrong ? [problem] : []))

for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
else {
  const how = isRehearsal ? ["--dry-run"] : ["--provenance"]
  execFileSync("npm", ["publish", "--access", "public", ...how], { stdio: "inherit" })
}
