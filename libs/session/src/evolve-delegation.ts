// delegation.*: a call whose work is done by a session below this one.
import type { EventOf } from '@reins/contracts'
import { withCall } from './evolve-tool-call.ts'
import type { Session } from './session.ts'

type Event = EventOf<'delegation.requested' | 'delegation.cancel-requested' | 'delegation.settled'>

export function evolveDelegation(session: Session, event: Event): Session {
  switch (event.type) {
    case 'delegation.requested': {
      const { call, child, pool } = event.data
      return withCall(session, call, (old) =>
        old.kind === 'due' ? { kind: 'delegated', child, pool, cancelSent: false } : old,
      )
    }
    case 'delegation.cancel-requested':
      return withCall(session, event.data.call, (old) =>
        old.kind === 'delegated' ? { ...old, cancelSent: true } : old,
      )
    case 'delegation.settled': {
      const { call, child, status, output } = event.data
      return withCall(session, call, (old) =>
        old.kind === 'delegated' && old.child === child
          ? {
              kind: 'done',
              error: status !== 'completed',
              output,
              how: status === 'cancelled' ? 'cancelled' : 'settled',
            }
          : old,
      )
    }
    default:
      return event satisfies never
  }
}
