// What a cancel or a pause of a tree has come to, as the session says in which it was asked for: how many sessions have said so, which
// have not yet, and what had run.
import type { TreeStop } from '@reins/contracts'
import type { Session } from '../session.ts'
import { receiptOf } from './errand-frames.ts'
import { childOf } from './team.ts'
import { heldSessions, mayWork } from './tree-pause.ts'

/** null: nothing of it was cancelled, and it is not paused with everything below. */
export function stopOf(session: Session): TreeStop | null {
  const { mode, stopped, team, cancel } = session
  if (mode.kind === 'paused' && mode.tree !== undefined && !cancel) return pauseOf(session, mode.tree)
  if (cancel) return { what: 'cancel', complete: false, sessions: 0, ran: [], pending: openBelow(session) }
  if (!stopped) return null
  const settled =
    session.settled?.turn === stopped.turn
      ? session.settled
      : { turn: stopped.turn, status: 'cancelled' as const, output: '', ...(stopped.ran ? { ran: stopped.ran } : {}) }
  const whole = receiptOf({ ...session, settled })
  if (whole) return { what: 'cancel', complete: true, ...whole, pending: [] }
  const pending = stopped.below.flatMap((child) => {
    const known = childOf(team, child)
    return known && !known.stopped ? [{ session: child, agent: known.agent }] : []
  })
  const below = stopped.below.filter((child) => childOf(team, child)?.stopped)
  const part = receiptOf({ ...session, settled, stopped: { ...stopped, below } })
  return { what: 'cancel', complete: false, sessions: 1, ran: [], ...part, pending }
}

function pauseOf(session: Session, pause: number): TreeStop {
  const sessions = heldSessions(session)
  if (sessions !== undefined) return { what: 'pause', complete: true, sessions, ran: [], pending: [] }
  const children = Object.entries(session.team?.children ?? {})
  const held = children.reduce((sum, [, child]) => sum + (child.pause === pause ? (child.held ?? 0) : 0), 0)
  const pending = children.flatMap(([id, child]) =>
    mayWork(child) && (child.pause !== pause || child.held === undefined) ? [{ session: id, agent: child.agent }] : [],
  )
  return { what: 'pause', complete: false, sessions: held, ran: [], pending }
}

const openBelow = ({ team }: Session): TreeStop['pending'] =>
  Object.entries(team?.children ?? {}).flatMap(([session, { agent, status }]) =>
    status === 'open' ? [{ session, agent }] : [],
  )
