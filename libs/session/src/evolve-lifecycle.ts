// session.*, timer.*, cancel.requested.
import type { EventOf } from '@reins/contracts'
import type { Said } from './evolve.ts'
import type { Cancel, Session } from './session.ts'

type Event = EventOf<
  | 'session.started'
  | 'session.renamed'
  | 'session.paused'
  | 'session.resumed'
  | 'session.quarantined'
  | 'session.released'
  | 'session.nudged'
  | 'session.settled'
  | 'session.ended'
  | 'cancel.requested'
  | 'timer.armed'
  | 'timer.fired'
>

export function evolveLifecycle(session: Session, event: Event, said: Said): Session {
  switch (event.type) {
    case 'session.started': {
      if (session.born) return session
      const { agent, digest, model, pools, limits, tools, agents, parent, instance, title } = event.data
      return {
        ...session,
        title: title ?? null,
        born: {
          agent,
          digest,
          model,
          pools,
          limits,
          tools,
          agents: agents ?? {},
          parent: parent ?? null,
          instance: instance?.instance ?? null,
          at: said.at,
        },
      }
    }
    case 'session.renamed':
      return { ...session, title: event.data.title }
    case 'session.paused':
      return session.mode.kind === 'open' ? { ...session, mode: { kind: 'paused' } } : session
    case 'session.resumed':
      return session.mode.kind === 'paused' ? { ...session, mode: { kind: 'open' } } : session
    case 'session.quarantined':
      return { ...session, mode: { kind: 'quarantined', reason: event.data.reason, frame: event.data.frame } }
    case 'session.released':
      return session.mode.kind === 'quarantined' ? released(session) : session
    case 'session.nudged':
    case 'session.settled':
      return session
    case 'session.ended':
      return {
        ...session,
        mode: { kind: 'ended', reason: event.data.reason },
        cancel: null,
        inbox: [],
        turn: null,
        timers: [],
      }
    case 'cancel.requested':
      return cancelRequested(session, event.data.end === true, said.n)
    case 'timer.armed': {
      const { timer, at } = event.data
      return { ...session, timers: [...session.timers.filter((one) => one.timer !== timer), { timer, at }] }
    }
    case 'timer.fired':
      return timerFired(session, event.data.timer)
    default:
      return event satisfies never
  }
}

/** A person says to go on: what has been lost so often counts from zero again. */
function released(session: Session): Session {
  const model = session.turn?.model
  const turn = session.turn && model ? { ...session.turn, model: { ...model, lost: 0 } } : session.turn
  return { ...session, mode: { kind: 'open' }, turn }
}

function cancelRequested(session: Session, end: boolean, n: number): Session {
  // The first frame of a child that was cancelled before it was created: whoever creates it later finds it ended.
  if (!session.born) return { ...session, mode: { kind: 'ended', reason: 'cancelled before it started' } }
  const covered = session.inbox.map(({ message }) => message)
  if (end) return { ...session, cancel: { kind: 'end', n, covered } }
  if (session.cancel?.kind === 'end') return session
  return stillNeeded(session, { kind: 'cancel', n, covered })
    ? { ...session, cancel: { kind: 'cancel', n, covered } }
    : session
}

/** Whether there is anything (left) that the cancel asks for. With nothing to cancel it changes nothing. */
function stillNeeded(session: Session, cancel: Cancel): boolean {
  if (cancel.kind === 'end') return true
  if (session.turn && session.turn.n <= cancel.n) return true
  return cancel.kind === 'cancel' && session.inbox.some(({ message }) => cancel.covered.includes(message))
}

/** Called after whatever closes a turn or drops a message. */
export function withAnsweredCancel(session: Session): Session {
  return session.cancel && !stillNeeded(session, session.cancel) ? { ...session, cancel: null } : session
}

function timerFired(session: Session, timer: string): Session {
  if (!session.timers.some((open) => open.timer === timer)) return session
  const timers = session.timers.filter((open) => open.timer !== timer)
  const model = session.turn?.model
  if (!session.turn || model?.kind !== 'throttled' || model.timer !== timer) return { ...session, timers }
  const { call, attempt, lost, throttles, final } = model
  return {
    ...session,
    timers,
    turn: { ...session.turn, model: { kind: 'retry', call, attempt, lost, throttles, final } },
  }
}
