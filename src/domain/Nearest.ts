/** How far apart two words may be for one to be taken for the other with a slip of the hand. */
const reach = (word: string) => (word.length < 4 ? 1 : word.length < 8 ? 2 : 3)

const folded = (word: string) => word.toLowerCase().replaceAll("_", "-")

/**
 * How many letters were left out, put in, changed or swapped with their neighbour between two words (the optimal string
 * alignment distance); `limit + 1` where it is more than `limit`.
 */
const distance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: ReadonlyArray<number> = []
  let row: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      )
    }
    if (Math.min(...next) > limit) return limit + 1
    before = row
    row = next
  }
  return Math.min(row[b.length] ?? 0, limit + 1)
}

/** The known word that was probably meant by another; undefined where none is close. Case, and `-` or `_`, count for nothing. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const wanted = folded(word)
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const one of known) {
    const found = distance(wanted, folded(one), (best?.distance ?? reach(word) + 1) - 1)
    if (found < (best?.distance ?? reach(word) + 1)) best = { word: one, distance: found }
    if (found === 0) break
  }
  return best?.word
}

/** `; did you mean "…"?`, or nothing where no known word is close. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const meant = nearest(word, known)
  return meant === undefined ? "" : `; did you mean "${meant}"?`
}
