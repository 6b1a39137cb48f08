/**
 * The function, which is called once for each object as long as that is used anywhere: for objects that are kept and never
 * change.
 */
export const oncePer = <A extends object, B extends object | string>(make: (value: A) => B): ((value: A) => B) => {
  const made = new WeakMap<A, B>()
  return (value) => {
    const before = made.get(value)
    if (before !== undefined) return before
    const now = make(value)
    made.set(value, now)
    return now
  }
}
