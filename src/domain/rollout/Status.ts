import type { Collision } from "../Errors.ts"
import { noOutcomes, type Outcome, type RolloutStatus } from "./Rollout.ts"

/** Organizations of one wave by what became of them; null where nothing has yet. */
export interface CountedTargets {
  readonly wave: number
  readonly outcome: Outcome | null
  readonly organizations: number
}

const countsOf = (counted: ReadonlyArray<CountedTargets>) => {
  const outcomes = { ...noOutcomes }
  let open = 0
  let organizations = 0
  for (const one of counted) {
    organizations += one.organizations
    if (one.outcome === null) open += one.organizations
    else outcomes[one.outcome] += one.organizations
  }
  return { organizations, open, outcomes }
}

/** How a roll-out stands, from its counted organizations. */
export const statusOf = (
  {
    waves,
    ...rollout
  }: Omit<RolloutStatus, "waves" | "organizations" | "open" | "outcomes"> & {
    readonly waves: ReadonlyArray<number>
  },
  counted: ReadonlyArray<CountedTargets>
): RolloutStatus => ({
  ...rollout,
  ...countsOf(counted),
  waves: waves.map((upTo, at) => ({ upTo, ...countsOf(counted.filter(({ wave }) => wave === at)) }))
})

const mostNamed = 5

/** What the publisher sees of collisions: their own rows that were in the way, and nothing of the organization's. */
export const collisionReason = (collisions: ReadonlyArray<Pick<Collision, "kind" | "slug">>): string | null => {
  if (collisions.length === 0) return null
  const named = collisions.slice(0, mostNamed).map(({ kind, slug }) => `${kind} ${slug}`)
  return [...named, ...(collisions.length > mostNamed ? [`and ${collisions.length - mostNamed} more`] : [])].join(", ")
}
