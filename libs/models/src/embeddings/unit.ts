/** The same direction with the length 1; undefined where there is none. */
export function unit(values: ArrayLike<number>): Float32Array | undefined {
  let squares = 0
  for (let at = 0; at < values.length; at += 1) squares += (values[at] ?? 0) ** 2
  const length = Math.sqrt(squares)
  if (!Number.isFinite(length) || length === 0) return undefined
  return Float32Array.from(values, (value) => value / length)
}
