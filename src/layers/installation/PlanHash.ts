import { createHash } from "node:crypto"
import { type Decision, planText } from "../../domain/installation/Decide.ts"

/** The hash of a plan. */
export const planHashOf = (decision: Decision): string => createHash("sha256").update(planText(decision)).digest("hex")

/** Whether a decision is the one that the caller expects, if they expect one. */
export const isAsPlanned = (decision: Decision, expectedPlan: string | undefined): boolean =>
  expectedPlan === undefined || expectedPlan === planHashOf(decision)
