import { Option } from "effect"
import { nextDue } from "../../domain/catalog/Schedule.ts"

/**
 * The next due times of schedules. Each stays the same until it is reached, so it is computed once for all who ask
 * until then.
 */
export const makeDueTimes = () => {
  const upcoming = new Map<string, { readonly since: Date; readonly due: Option.Option<Date> }>()
  return (schedule: string, now: Date): Option.Option<Date> => {
    const found = upcoming.get(schedule)
    if (found !== undefined && found.since <= now && Option.exists(found.due, (due) => now < due)) return found.due
    const due = nextDue(schedule, now)
    upcoming.set(schedule, { since: now, due })
    return due
  }
}
