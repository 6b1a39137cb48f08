import { Console, Duration, Effect } from "effect"

/** One comparison: both sides in the same unit, more being better, and how they relate. */
export interface Comparison {
  readonly name: string
  readonly ours: number
  readonly reference: number
  readonly unit: string
  readonly ratio: number
  /** The least acceptable ratio; absent if it is only reported. */
  readonly target?: number | undefined
}

/** Whether a flag stands on the command line. */
export const hasFlag = (flag: string): boolean => process.argv.includes(flag)

/** The number that is given as `--name=…`, or else `otherwise`. */
export const numberOf = (name: string, otherwise: number): number => {
  const begin = `--${name}=`
  return Number(process.argv.find((argument) => argument.startsWith(begin))?.slice(begin.length) ?? otherwise)
}

/** Whether one object a line is wanted. */
export const asJson = hasFlag("--json")

/** What the program is to measure: the names given on the command line are prefixes; none means everything. */
export const isSelected = (name: string): boolean => {
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
  return names.length === 0 || names.some((prefix) => name.startsWith(prefix))
}

/** Prints a comparison: a line for people, or with `--json` one object. */
export const report = (comparison: Comparison) => {
  const { name, ours, ratio, reference, target, unit } = comparison
  const missed = target !== undefined && ratio < target ? "  BELOW TARGET" : ""
  return Console.log(
    asJson
      ? JSON.stringify(comparison)
      : `${name.padEnd(24)} ${ours.toFixed(0).padStart(8)} : ${reference.toFixed(0).padStart(8)} ${unit.padEnd(14)} ratio ${ratio.toFixed(2)}${target === undefined ? "" : ` (at least ${Number(target.toFixed(2))})`}${missed}`
  )
}

/** How many a second, doing it so many times, some of them at once. */
export const rate = <E, R>(
  count: number,
  concurrency: number,
  one: (at: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<number, E, R> =>
  Effect.forEach(
    Array.from({ length: count }, (_, at) => at),
    one,
    { concurrency, discard: true }
  ).pipe(
    Effect.timed,
    Effect.map(([took]) => count / Duration.toSeconds(took))
  )

/** The middle one; 0 of none. */
export const median = (values: ReadonlyArray<number>) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/**
 * Measures two things against each other in turns, so that whatever else the machine does meets both, and reports the
 * medians. The ratio is the median of the turns' ratios. The first turn warms up and does not count.
 */
export const compare = <E, R>(
  {
    name,
    target,
    turns,
    unit
  }: { readonly name: string; readonly unit: string; readonly turns: number; readonly target?: number },
  ours: Effect.Effect<number, E, R>,
  reference: Effect.Effect<number, E, R>
) =>
  isSelected(name)
    ? Effect.gen(function* () {
        const measured: Array<readonly [number, number]> = []
        for (let turn = 0; turn <= turns; turn++) {
          const first = turn % 2 === 0
          const a = first ? yield* ours : 0
          const b = yield* reference
          const pair = [first ? a : yield* ours, b] as const
          if (turn > 0) measured.push(pair)
        }
        const ratio = median(measured.map(([a, b]) => a / b))
        yield* report({
          name,
          ours: median(measured.map(([a]) => a)),
          reference: median(measured.map(([, b]) => b)),
          unit,
          ratio,
          target
        })
      })
    : Effect.void
