import { execFileSync } from "node:child_process"

/**
 * Whether a test has to do without a program of Debian's: on its own machine everybody may leave such a test out, where all is
 * checked (`REQUIRE_PROGRAMS`) nobody may.
 */
export const lacks = (program: string, sayVersion = "--version"): boolean => {
  if (process.env.REQUIRE_PROGRAMS === "true") return false
  try {
    execFileSync(program, [sayVersion], { stdio: "ignore" })
    return false
  } catch {
    return true
  }
}
