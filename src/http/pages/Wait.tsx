import type { VNode } from "preact"

/** A waiting time, in a unit that a person would use. */
export const Wait = ({ seconds }: { seconds: number }): VNode => {
  const [count, unit] = seconds < 60 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"]
  return (
    <strong>
      {count} {unit}
      {count === 1 ? "" : "s"}
    </strong>
  )
}
