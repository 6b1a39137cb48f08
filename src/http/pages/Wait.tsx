import type { VNode } from "preact"

/** A time to wait, in the unit a person would name. */
export const Wait = ({ seconds }: { seconds: number }): VNode => {
  const [count, unit] = seconds < 60 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"]
  return (
    <strong>
      {count} {unit}
      {count === 1 ? "" : "s"}
    </strong>
  )
}
