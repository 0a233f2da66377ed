// The pause of a tree (PROTOCOL 8): a session that is paused with everything below asks each of its children to pause, and each says
// when nothing works any more in it and below it.
//   TP1. A pause has a number in the session that says it, its frame. A child knows which pause has paused it, and which one was over
//        last: so one that comes after its own end changes nothing, however late its errand was done.
//   TP2. A child that is not made yet is made first: its creation was asked for before the pause, and finds what is there already.
//   TP3. What people have paused by themselves stays paused when the tree goes on.
//   TP4. A receipt is given once nothing is in flight in the session and each of its children that was asked has given its own.
//   TP5. A session that has ended, or is in quarantine, has nothing to pause: it gives its receipt at once.
import { type EventData, type Parent, type SessionEvent, toExec } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'
import type { Fold } from '../folding/fold.ts'
import { flightOf } from '../model-call/flight.ts'
import type { Mode, Session } from '../session.ts'
import type { DueRule, Meanings } from '../slice.ts'
import { type Child, childOf, withChild } from './team.ts'

export const treePauseEvents: Meanings<
  'delegation.pause-requested' | 'delegation.unpause-requested' | 'delegation.held'
> = {
  'delegation.pause-requested': {
    effective: true,
    evolve: (session, { data: { child, pause } }) =>
      withChild(session, child, (old) => {
        if (!old || old.pause === pause) return old
        const { held: _, ...rest } = old
        return { ...rest, pause }
      }),
  },
  'delegation.unpause-requested': {
    effective: true,
    evolve: (session, { data: { child, pause } }) =>
      withChild(session, child, (old) => {
        if (old?.pause !== pause) return old
        const { pause: _, held: __, ...rest } = old
        return rest
      }),
  },
  'delegation.held': {
    effective: true,
    evolve: (session, { data: { child, pause, sessions } }) =>
      withChild(session, child, (old) =>
        old && old.pause === pause && old.held === undefined ? { ...old, held: sessions } : old,
      ),
  },
}

const treeOf = (mode: Mode): number | undefined => (mode.kind === 'paused' ? mode.tree : undefined)

/**
 * Of a child that has ended another may go on that it had paused itself: it has used sessions of the tree. One that was cancelled works on
 * until it has said that it stopped.
 */
export const mayWork = ({ status, taken, stopped }: Pick<Child, 'status' | 'taken' | 'stopped'>): boolean =>
  status === 'open' || status === 'paused' || taken > 1 || (status === 'cancelled' && !stopped)

/** Asked before the rule by which a paused session rests. */
export const treePauseDue: DueRule = ({ mode, team, cancel }) => {
  if (cancel || mode.kind === 'ended' || mode.kind === 'quarantined') return null
  const pause = treeOf(mode)
  for (const [child, one] of Object.entries(team?.children ?? {})) {
    const { call, pool } = one
    if (pause !== undefined && mayWork(one) && one.pause !== pause)
      return { events: [{ type: 'delegation.pause-requested', data: { call, child, pool, pause } }], to: toExec(pool) }
    if (pause === undefined && one.pause !== undefined) {
      const data = { call, child, pool, pause: one.pause }
      return { events: [{ type: 'delegation.unpause-requested', data }], to: toExec(pool) }
    }
  }
  return null
}

export type Pausing = { readonly kind: 'pause-child' } & Readonly<EventData<'delegation.pause-requested'>>
export type Unpausing = { readonly kind: 'unpause-child' } & Readonly<EventData<'delegation.unpause-requested'>>

/** null: it ended before it was made, it is paused so already, or this pause is over there (TP1). */
export function pauseChild({ session, head }: Fold, { pause }: Pick<Pausing, 'pause'>): Decision | null {
  const { mode, unpaused = -1 } = session
  if (head.seq === 0 || !session.born || pause <= unpaused) return null
  if (mode.kind === 'ended' || mode.kind === 'quarantined') {
    if (session.stillFor === pause) return null
    const events = [{ type: 'session.paused' as const, data: { tree: true as const, pause } }]
    return { events, to: toExec(head.pool), status: head.status }
  }
  if (mode.kind === 'paused' && (mode.above ?? -1) >= pause) return null
  return {
    events: [{ type: 'session.paused', data: { tree: true, pause } }],
    to: toExec(head.pool),
    status: 'paused',
  }
}

/** null: it has heard so already. */
export function unpauseChild({ session, head }: Fold, { pause }: Pick<Unpausing, 'pause'>): Decision | null {
  const { mode, unpaused = -1 } = session
  if (head.seq === 0 || mode.kind === 'ended' || pause <= unpaused) return null
  const goesOn = mode.kind === 'paused' && mode.own === undefined && mode.above !== undefined && mode.above <= pause
  return {
    events: [{ type: 'session.resumed', data: { pause } }],
    to: toExec(head.pool),
    status: goesOn ? 'idle' : head.status,
  }
}

/** As it is going to be when the session above goes on. */
export const withoutTreePause = (session: Session): Session =>
  session.mode.kind === 'paused' && session.mode.above !== undefined
    ? { ...session, mode: session.mode.own ? { kind: 'paused' } : { kind: 'open' } }
    : session

/** TP4. undefined: something works, or this session is not paused with everything below. Otherwise how many sessions that are. */
export function heldSessions(session: Session): number | undefined {
  const pause = treeOf(session.mode)
  if (pause === undefined || flightOf(session) !== null) return undefined
  if (session.turn?.calls.some(({ state }) => state.kind === 'requested' || state.kind === 'claimed')) return undefined
  // Of a turn that was cancelled meanwhile some may not have stopped yet.
  const { stopped, settled, turn, team } = session
  const ending = !turn && stopped?.turn === settled?.turn ? (stopped?.below ?? []) : []
  if (ending.some((child) => !childOf(team, child)?.stopped)) return undefined
  let sessions = 1
  for (const child of Object.values(session.team?.children ?? {})) {
    if (!mayWork(child)) continue
    if (child.pause !== pause || child.held === undefined) return undefined
    sessions += child.held
  }
  return sessions
}

/** The receipt that a child owes the session above; null: none. */
export function heldFor(session: Session): { readonly pause: number; readonly sessions: number } | null {
  // TP5
  if (session.stillFor !== undefined && (session.mode.kind === 'ended' || session.mode.kind === 'quarantined'))
    return { pause: session.stillFor, sessions: 1 }
  const sessions = heldSessions(session)
  const above = session.mode.kind === 'paused' ? session.mode.above : undefined
  return sessions === undefined || above === undefined ? null : { pause: above, sessions }
}

/** `there`: the fold of the session above. */
export function tellHeld({ session, head }: Fold, parent: Parent, child: Session): Decision | null {
  const held = heldFor(child)
  const known = childOf(session.team, child.id)
  if (!held || !known || known.pause !== held.pause || known.held !== undefined || session.mode.kind === 'ended')
    return null
  const event: SessionEvent = { type: 'delegation.held', data: { call: known.call, child: child.id, ...held } }
  return { events: [event], to: toExec(parent.pool), status: head.status, trace: session.turn?.trace }
}
