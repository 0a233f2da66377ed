// Calls that had run, or may have, when a turn is stopped. What they did is not undone: it is listed, in the order in which they ended.
import type { RanCall } from '@reins/contracts'
import type { Call, CallState, Ran, Session, Turn } from '../session.ts'

/** In one turn; of a tree, the most that one receipt lists. */
const mostOfTurn = 50
export const mostOfTree = 200

/** A call that only looks leaves nothing behind; what nobody knows may. */
export const mayChange = ({ born }: Session, name: string): boolean =>
  born?.toolset?.find((tool) => tool.name === name)?.risk !== 'read'

/** A tool-runner was asked for it. */
export const mayHaveRun = (state: CallState): boolean =>
  state.kind === 'requested' || state.kind === 'claimed' || (state.kind === 'eliciting' && !state.nothingRan)

/** After an outcome of a call that a tool-runner was asked for. */
export function withRan(session: Session, { call, name }: Pick<Call, 'call' | 'name'>, how: RanCall['how']): Session {
  const { turn } = session
  if (!turn || !mayChange(session, name)) return session
  return { ...session, turn: { ...turn, ran: added(turn.ran, [{ call, name, how }]) } }
}

function added(ran: Ran = { calls: [], omitted: 0 }, more: readonly RanCall[]): Ran {
  const room = Math.max(0, mostOfTurn - ran.calls.length)
  return { calls: [...ran.calls, ...more.slice(0, room)], omitted: ran.omitted + Math.max(0, more.length - room) }
}

/** With those that a tool-runner has now: it stops them, and nobody knows how far they came. */
export function ranUntilNow(session: Session, turn: Turn): Ran | undefined {
  const running = turn.calls.flatMap(({ call, name, state }): RanCall[] =>
    mayHaveRun(state) && mayChange(session, name) ? [{ call, name, how: 'interrupted' }] : [],
  )
  return running.length === 0 ? turn.ran : added(turn.ran, running)
}

/** As an event has it: of a turn in which nothing ran there is nothing to say. */
export const listed = (ran: Ran | undefined): { readonly ran?: RanCall[] } =>
  ran === undefined || ran.calls.length === 0 ? {} : { ran: [...ran.calls] }
