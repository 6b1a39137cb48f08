import type { VNode } from "preact"

interface BarsProps {
  /** What the picture shows, for those who do not see it: a table beside it says the same. */
  readonly label: string
  readonly bars: ReadonlyArray<{ readonly name: string; readonly value: number }>
}

const [width, names, row] = [320, 72, 28]

/** Numbers as a picture. */
export const Bars = ({ bars, label }: BarsProps): VNode => {
  const most = Math.max(1, ...bars.map(({ value }) => value))
  return (
    <svg class="bars" role="img" aria-label={label} viewBox={`0 0 ${width} ${Math.max(1, bars.length) * row}`}>
      {bars.map(({ name, value }, at) => {
        const long = Math.max(value === 0 ? 0 : 2, Math.round((value / most) * (width - names - 60)))
        return (
          <>
            <text x={names - 8} y={at * row + 19} text-anchor="end">
              {name}
            </text>
            <rect x={names} y={at * row + 5} width={long} height={row - 10} />
            <text x={names + long + 6} y={at * row + 19}>
              {value}
            </text>
          </>
        )
      })}
    </svg>
  )
}
