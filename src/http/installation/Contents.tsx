import { DateTime, Option } from "effect"
import type { VNode } from "preact"
import type { OfferedRow } from "../../domain/catalog/Offer.ts"
import { nextDue } from "../../domain/catalog/Schedule.ts"
import { Time } from "../pages/Time.tsx"
import { kindsOf, kindWords, scheduleWords } from "./Words.ts"

const Runs = ({ now, schedule }: { schedule: string; now: DateTime.Utc }): VNode => {
  const first = Option.map(nextDue(schedule, DateTime.toDateUtc(now)), DateTime.unsafeFromDate)
  return (
    <span class="why">
      Runs {scheduleWords(schedule)}.{" "}
      {Option.isSome(first) && (
        <>
          Installed now, it would first run <Time at={first.value} />.
        </>
      )}{" "}
      You can pause it at any time.
    </span>
  )
}

/** Everything that an install brings, each kind folded. */
export const Contents = ({ now, rows }: { rows: ReadonlyArray<OfferedRow>; now: DateTime.Utc }): VNode => (
  <>
    {kindsOf(rows).map((kind) => {
      const { heading, what } = kindWords(kind)
      const own = rows.filter((row) => row.kind === kind)
      return (
        <details>
          <summary>
            {heading} ({own.length})
          </summary>
          <p class="why">{what}</p>
          <ul class="rows">
            {own.map(({ description, name, schedule }) => (
              <li>
                <strong dir="auto">{name}</strong>
                {description !== "" && <div dir="auto">{description}</div>}
                {schedule !== null && <Runs schedule={schedule} now={now} />}
              </li>
            ))}
          </ul>
        </details>
      )
    })}
  </>
)
