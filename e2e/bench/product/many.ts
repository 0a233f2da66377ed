// The same work many times, so much of it at once.

/** Results in the order of the numbers. The first failure is its own. */
export async function many<T>(count: number, atOnce: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let at = next++; at < count; at = next++) results[at] = await work(at)
    }),
  )
  return results
}
