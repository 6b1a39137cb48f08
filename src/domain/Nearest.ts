/** A word as it is compared: who confuses words by case, or by how their parts are joined, means the same word. */
const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_\s]/g, "")

const longest = 100

/** How many letters of a word may be wrong for it to be taken for another: one in three, three at most. */
const wrongAtMost = (length: number): number => Math.min(3, Math.floor(length / 3))

/**
 * How many letters have to be put in, left out, replaced or swapped with the next to make one word of the other (optimal string
 * alignment); more than `most` is returned as `most + 1`.
 */
const distance = (one: string, other: string, most: number): number => {
  if (Math.abs(one.length - other.length) > most) return most + 1
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      if (one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return Math.min(last[other.length] ?? 0, most + 1)
}

/**
 * The known word that was probably meant by one that is not known: the same but for case, `-` and `_`; else the one that the
 * fewest letters tell from it, where they are few; `undefined` where none is near. Of words equally near, the first.
 */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  if (word.length > longest) return undefined
  const given = plain(word)
  if (given === "") return undefined
  let best: { readonly word: string; readonly letters: number } | undefined
  for (const candidate of known) {
    const other = plain(candidate)
    const most = Math.min(wrongAtMost(Math.max(given.length, other.length)), (best?.letters ?? longest) - 1)
    const letters = distance(given, other, most)
    if (letters <= most) best = { word: candidate, letters }
  }
  return best?.word
}

/** `; did you mean "…"?`, or nothing where no known word is near. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const meant = nearest(word, known)
  return meant === undefined ? "" : `; did you mean "${meant}"?`
}
