// When a delivery that failed is tried again: soon at first, then ever later, for about two days.
const seconds = [1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 72_000]
const maxAskedMs = 24 * 3_600_000

/** ms until the next attempt; undefined: there is none. `askedMs`: what the receiver asked for (Retry-After). `random`: [0, 1). */
export function retryInMs(attempt: number, random: number, askedMs = 0): number | undefined {
  const delay = seconds[attempt - 1]
  // Up to a quarter more: deliveries that failed together come back one by one.
  return delay === undefined ? undefined : Math.max(delay * 1000 * (1 + random / 4), Math.min(askedMs, maxAskedMs))
}
