// A deadline for what comes over a socket. A process that was stopped, or that was busy, finds its timers due before it has read what
// had arrived in time: so what has arrived is read first, and whoever is answered by it clears the deadline.
const readFirstMs = 500

export interface Patience {
  clear(): void
  /** From now on. */
  refresh(): void
}

export function patience(ms: number, over: () => void): Patience {
  let last: NodeJS.Timeout | undefined
  const first = setTimeout(() => {
    last = setTimeout(over, readFirstMs)
  }, ms)
  const clear = (): void => {
    clearTimeout(first)
    clearTimeout(last)
  }
  return {
    clear,
    refresh() {
      clearTimeout(last)
      first.refresh()
    },
  }
}
