import { DateTime } from "effect"
import type { VNode } from "preact"

const format = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC"
})

/** A point in time. */
export const Time = ({ at }: { at: DateTime.Utc }): VNode => (
  <time dateTime={DateTime.formatIso(at)}>{format.format(DateTime.toDateUtc(at))} UTC</time>
)
