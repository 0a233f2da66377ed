// Functions of tools that the code of a run gave, in a host: found by a replay of the run up to the operation that gave them.
//   GF1. That replay does nothing: what is recorded is given to the code, what was open stays open, and nothing new is asked of anybody.
//   GF2. What was found is kept for the calls that follow: of one operation, and for the values that the project had.
import type { LiveTools } from '@reins/agent'
import type { GivenPlace, RunEnd } from '../../messages.ts'

/** Operations whose functions are kept; for those that were asked for longest ago the run is replayed again. */
const mostKept = 64

export type Found = { readonly live: LiveTools | undefined; readonly end: RunEnd }

export class GivenFunctions {
  readonly #kept = new Map<string, { readonly env: string; readonly live: LiveTools }>()

  /** `replay`: runs the code, and gives what it gave at the position. Rejects with why there is nothing. */
  async at(
    { run, position, path = [] }: GivenPlace,
    /** undefined: whatever there is does. */
    env: string | undefined,
    replay: () => Promise<Found>,
  ): Promise<LiveTools | undefined> {
    const key = `${run}/${position}`
    const known = this.#kept.get(key)
    const does = env === undefined || known?.env === env
    let live: LiveTools | undefined = does ? known?.live : undefined
    const kept = does ? (known?.env ?? '') : (env ?? '')
    if (!live) {
      const found = await replay()
      if (!found.live) throw new Error(`the workflow did not come to where it gave the tool: ${endText(found.end)}`)
      live = found.live
    }
    this.#kept.delete(key)
    this.#kept.set(key, { env: env ?? kept, live })
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest)
    for (const profile of path) live = live?.subagents.get(profile)
    return live
  }
}

function endText(end: RunEnd): string {
  switch (end.kind) {
    case 'failed':
      return end.error.message
    case 'diverged':
      return `at operation ${end.position} it asked for ${end.found.operation} "${end.found.name}", and ${end.recorded.operation} "${end.recorded.name}" is recorded`
    case 'completed':
      return 'it ended before'
    case 'suspended':
      return 'it gave none there'
    default:
      return end satisfies never
  }
}
