// A limit on the memory of a command and of all that it starts, kept by looking: a limit of the system counts one process at a time, and
// what a process reserves rather than what it holds, so that it would end builds and runtimes that are well within theirs.
//   MW1. Between two looks a command can take more than its limit, for as long as a look is apart.
//   MW2. Looking costs the more the more processes there are, so it is done less often then.
import type { SandboxProcess } from './sandbox.ts'

const lookEveryMs = 100

/** Calls `over` once, when the limit is passed. The caller ends it with the command. `everyMs`: what lives long is looked at less often. */
export function watchMemory(
  process: Pick<SandboxProcess, 'memory'>,
  limit: number | undefined,
  over: () => void,
  everyMs = lookEveryMs,
): { end(): void } {
  if (limit === undefined) return { end: () => {} }
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    const { bytes, processes } = await process.memory(limit)
    if (ended) return
    if (bytes > limit) over()
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
