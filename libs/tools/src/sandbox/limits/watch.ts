// A limit on what a command and all that it starts hold, kept by looking: limits of the system count one process at a time, and what a
// process reserves rather than what it holds, so that they would end builds and runtimes that are well within theirs; and for root the limit
// on processes does not count. A group of the kernel (groups.ts) holds where there is one, and this names what passed.
//   MW1. Between two looks a command can take more than its limit, for as long as a look is apart.
//   MW2. Looking costs the more the more processes there are, so it is done less often then.
import { maxProcesses } from '../inside.ts'
import type { SandboxProcess } from '../sandbox.ts'

const lookEveryMs = 100

export type Passed = 'memory' | 'processes'

/** Calls `over` once, when a limit is passed. The caller ends it with the command. `everyMs`: what lives long is looked at less often. */
export function watchLimits(
  process: Pick<SandboxProcess, 'memory'>,
  limit: number | undefined,
  over: (what: Passed) => void,
  everyMs = lookEveryMs,
): { end(): void } {
  const mostBytes = limit ?? Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    const { bytes, processes } = await process.memory(mostBytes)
    if (ended) return
    if (bytes > mostBytes) over('memory')
    else if (processes > maxProcesses) over('processes')
    else timer = setTimeout(look, everyMs + processes) // MW2
  }
  timer = setTimeout(look, everyMs)
  return {
    end: () => {
      ended = true
      clearTimeout(timer)
    },
  }
}
