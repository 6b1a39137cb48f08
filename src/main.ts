#!/usr/bin/env node
import { existsSync } from "node:fs"
import module from "node:module"
import { overview, unknownCommand } from "./cli/Overview.ts"
import { version } from "./Package.ts"
import { ownPeerProblem } from "./Peers.ts"

// What was compiled once need not be compiled at each start; Node 20 can't keep it.
if ("enableCompileCache" in module && typeof module.enableCompileCache === "function") module.enableCompileCache()

const args = process.argv.slice(2)
const [only = "--help"] = args.length < 2 ? args : [""]
const unknown = unknownCommand(args)
if (only === "--version" || only === "version") process.stdout.write(`${version}\n`)
else if (only === "--help" || only === "-h" || only === "help") process.stdout.write(overview)
else if (unknown !== undefined) {
  process.stderr.write(`${unknown}\n`)
  process.exitCode = 2
} else {
  const problem = ownPeerProblem()
  // In a clone all that the program loads stands in few files besides, which takes a third of the time to load.
  const bundle = new URL("../program/Program.js", import.meta.url)
  if (problem === undefined) await (existsSync(bundle) ? import(bundle.href) : import("./cli/Program.ts"))
  else {
    process.stderr.write(`${problem}\n`)
    process.exitCode = 1
  }
}
