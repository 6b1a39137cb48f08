/** A map with a limit: at `capacity` entries, a new one takes the place of the one that was set the longest ago. */
export const boundedMap = <K extends string, V>(capacity: number) => {
  const entries = new Map<K, V>()
  return {
    get: (key: K): V | undefined => entries.get(key),
    set: (key: K, value: V): void => {
      entries.delete(key)
      const [oldest] = entries.keys()
      if (entries.size >= capacity && oldest !== undefined) entries.delete(oldest)
      entries.set(key, value)
    }
  }
}
