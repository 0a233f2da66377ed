// Named places where a test stops a process in order to kill it exactly there. None is set in production.
// `REINS_PAUSE_AT=executor.before-intent`: the first to get there writes `paused executor.before-intent` to stderr, and waits for ever.
export type PausePoint = (name: string) => Promise<void> | undefined

export const noPausePoints: PausePoint = () => undefined

export function pausePoints(at: string | undefined, say: (line: string) => void): PausePoint {
  if (at === undefined) return noPausePoints
  let reached = false
  return (name) => {
    if (name !== at || reached) return undefined
    reached = true
    say(`paused ${name}`)
    return new Promise(() => undefined)
  }
}
