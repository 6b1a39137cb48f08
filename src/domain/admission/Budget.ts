import type { UserId } from "../Ids.ts"

/** What a try makes of a budget: whether it passes, the tries in the window afterwards, and when the oldest that counts leaves it. */
export interface SpendResult {
  readonly allowed: boolean
  readonly hits: ReadonlyArray<number>
  /** In milliseconds from now. */
  readonly resetAfter: number
}

/**
 * A try at a budget of `limit` tries in any window, as a sliding log: `hits` are the times of those that passed, the oldest first, all
 * in milliseconds. A try that is refused spends nothing.
 */
export const spend = (hits: ReadonlyArray<number>, now: number, limit: number, window: number): SpendResult => {
  const recent = hits.filter((hit) => hit > now - window)
  const allowed = recent.length < limit
  const after = allowed ? [...recent, now] : recent
  return { allowed, hits: after, resetAfter: (after[Math.max(0, after.length - limit)] ?? now) + window - now }
}

/** The key of the budget of whoever is signed in and gives the password once more. */
export const ownPasswordKey = (userId: UserId): string => `user ${userId}`
