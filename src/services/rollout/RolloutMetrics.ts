import { Metric } from "effect"

/** Organizations that roll-outs came to, by `outcome`. */
export const organizationsRolledOut = Metric.counter("agent_install.rollouts.organizations", {
  description: "Organizations that roll-outs came to, by outcome",
  incremental: true
})
