// In which order the calls of one answer run: as if they had run one by one, each after those before it. Pure.
//   O1. Calls that only read run side by side. A call that changes something is alone: it begins when all before it have ended, and
//       those behind it begin when it has ended. What a tool does is its risk, as it was pinned at the session's start.
//   O2. Within one frame the runner keeps the order, so that a batch costs one frame. Across frames the executors do: no call is asked
//       for while a call before it that matters for it is open somewhere else.
//       What waits for a person may wait for long: reads behind it go on.
//   O3. Calls of a session whose start did not pin its tools run side by side, as they did then. Delegations have no place in the order:
//       each is a session of its own.
import type { Born, Call, CallState } from '../session.ts'
import type { RunnerView } from './runner.ts'

/** O1. */
export const runsAlone = ({ toolset }: Born, name: string): boolean => {
  const tool = toolset?.find((one) => one.name === name)
  return tool !== undefined && tool.risk !== 'read'
}

/** O2: of the calls of a frame, those that wait for a call before them. */
export function heldBack(view: RunnerView): ReadonlySet<string> {
  const held = new Set<string>()
  let open = false
  let openAlone = false
  for (const { call, state, alone = false } of view) {
    if (state.kind === 'done') continue
    if (openAlone || (alone && open)) held.add(call)
    open = true
    openAlone ||= alone && state.kind !== 'needed'
  }
  return held
}

/** O2: of calls that could go into one frame now, in the order of the answer, those that have no open call before them elsewhere. */
export function inOrder(born: Born, all: readonly Call[], ready: readonly Call[]): readonly Call[] {
  const going = new Set<string>()
  let open = false
  let openAlone = false
  for (const one of all) {
    const alone = runsAlone(born, one.name)
    if (ready.includes(one) && !openAlone && !(alone && open)) going.add(one.call)
    else if (isInOrder(one.state)) {
      open = true
      openAlone ||= alone && one.state.kind !== 'waiting'
    }
  }
  return ready.filter(({ call }) => going.has(call))
}

/** O3. */
const isInOrder = ({ kind }: CallState): boolean => kind !== 'done' && kind !== 'delegated'
