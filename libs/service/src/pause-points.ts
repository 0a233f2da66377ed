// Named places where a test stops a process in order to kill it exactly there. None is set in production.
// `REINS_PAUSE_AT=executor.before-intent`: the first to get there writes `paused executor.before-intent` to stderr, and waits for ever.
// `executor.before-intent#2`: the second one; the first goes on. So a process that goes on with the work of a killed one dies in the next.
export type PausePoint = (name: string) => Promise<void> | undefined

export const noPausePoints: PausePoint = () => undefined

export function pausePoints(at: string | undefined, say: (line: string) => void): PausePoint {
  if (at === undefined) return noPausePoints
  const [point, which = '1'] = at.split('#')
  let still = Number(which)
  return (name) => {
    if (name !== point || --still !== 0) return undefined
    say(`paused ${name}`)
    return new Promise(() => undefined)
  }
}
