// What a trigger asks of another session (PROTOCOL 8): pure. Each trigger type names the one session that its handler may append to.
import { type Address, type Frame, type Head, isChild, protocolVersion } from '@reins/contracts'
import type { Session } from '../session.ts'
import { delegationOf } from './delegation.ts'

export type Errand =
  /** Create the child: `session.started` and its first message at expected 0; anything there already: done. */
  | {
      readonly kind: 'create-child'
      readonly child: string
      readonly call: string
      readonly agent: string
      readonly digest: string
      readonly pool: string
      readonly instruction: string
    }
  /** Ask the child to cancel; for a child that does not exist yet this is its first frame. */
  | { readonly kind: 'cancel-child'; readonly child: string }
  /** The child's turn has ended: settle the parent's call. */
  | { readonly kind: 'settle-parent' }

/**
 * What a frame asks of other sessions, where it is delivered as a trigger. A frame that asks for something is a trigger for that alone
 * (I9): when it is done the trigger is acked, and nothing is decided on it for its own session. None where the frame needs a newer protocol:
 * what it means is not known here.
 */
export const errandsOfTrigger = (id: string, frame: Frame, to: Address, head: Head): readonly Errand[] =>
  to.kind === 'exec' && frame.role === 'e' && head.needs <= protocolVersion
    ? errandsOf(frame, to.pool).filter(({ kind }) => kind !== 'settle-parent' || isChild(id))
    : []

/** What a frame, delivered to `pool`, asks of a session other than its own. */
export function errandsOf(frame: Frame, pool: string): readonly Errand[] {
  let settles = false
  return frame.events.flatMap((event): Errand[] => {
    switch (event.type) {
      case 'delegation.requested':
        return event.data.pool === pool ? [{ kind: 'create-child', ...event.data }] : []
      case 'delegation.cancel-requested':
        return event.data.pool === pool ? [{ kind: 'cancel-child', child: event.data.child }] : []
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
      case 'session.ended':
      // A child whose only message is dropped before its first turn has closed without a turn.
      case 'message.dropped': {
        const first = !settles
        settles = true
        return first ? [{ kind: 'settle-parent' }] : []
      }
      default:
        return []
    }
  })
}

/**
 * What must hold whenever a session is at rest, whoever was to see to it (PROTOCOL 4): its open delegations have their children,
 * and once it is at its end its parent has its answer.
 */
export function standingErrands(session: Session): readonly Errand[] {
  const { born, turn } = session
  if (!born) return []
  const creations = (turn?.calls ?? []).flatMap((call): Errand[] => {
    const asked =
      call.state.kind === 'delegated' && !call.state.cancelSent ? delegationOf({ ...session, born }, call) : null
    return asked ? [{ kind: 'create-child', ...asked }] : []
  })
  return born.parent && isClosed(session) ? [...creations, { kind: 'settle-parent' }] : creations
}

/** A name for an errand that is done for good once it is done; null where it may have to be done again. */
export function finalErrand(session: Session, errand: Errand): string | null {
  switch (errand.kind) {
    case 'create-child':
      return `create ${errand.child}`
    case 'cancel-child':
      return null
    case 'settle-parent':
      return isClosed(session) ? `settle ${session.settled?.turn ?? 'nothing'}` : null
    default:
      return errand satisfies never
  }
}

const isClosed = ({ mode, turn, inbox }: Session): boolean => mode.kind === 'ended' || (!turn && inbox.length === 0)
