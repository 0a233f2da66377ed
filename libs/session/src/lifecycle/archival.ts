// Whether a session may be archived, and the frame that says so (PROTOCOL 11a). Nothing of what stands in the log changes by it.
//   AR1. Only a session at rest: nothing is due, nothing is open, and the head says so. So a trigger that leaves the stream with its
//        frame had nothing to wake.
//   AR2. What only a newer process understands, and what is broken, stays where it is.
//   AR3. So does what is left of a session that was erased: two frames that say so, and no key of its own.
import { type EventData, type Frame, type Head, toLog } from '@reins/contracts'
import type { Decision } from '../deciding/decision.ts'
import { cover, statusOf } from '../deciding/status.ts'
import type { Fold } from '../folding/fold.ts'

/** Where the frames before it lie; undefined: it does not say that. */
export const archivedIn = ({
  role,
  events,
}: Pick<Frame, 'role' | 'events'>): EventData<'session.archived'> | undefined => {
  const [event] = events
  return role === 'm' && event?.type === 'session.archived' ? event.data : undefined
}

/** `last`: the frame at the head of the fold. `restedMs`: how long ago it was appended. */
export function mayArchive(
  { session, head }: Fold,
  last: Pick<Frame, 'seq' | 'role' | 'events'>,
  rested: { readonly ms: number; readonly afterMs: number },
): boolean {
  if (session.beyond || head.seq !== last.seq || archivedIn(last)) return false // AR2
  if (session.erased) return false // AR3
  if (session.mode.kind !== 'open' && session.mode.kind !== 'ended') return false
  if (head.status !== statusOf(session) || (head.status !== 'idle' && head.status !== 'ended')) return false
  return cover(session).every(({ kind }) => kind === 'rest') && rested.ms >= rested.afterMs // AR1
}

export const archivedAs = (head: Head, data: EventData<'session.archived'>): Decision => ({
  events: [{ type: 'session.archived', data }],
  to: toLog,
  status: head.status,
  pool: head.pool,
})
