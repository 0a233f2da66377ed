// What a trigger asks of another session (PROTOCOL 8): pure. Each trigger type names the one session that its handler may append to.
import { type Address, type EventData, type Frame, type Head, isChild, protocolVersion } from '@reins/contracts'
import { openOf, type Prompt, runBusy } from '../run/run-state.ts'
import type { Session } from '../session.ts'
import { heldFor, type Pausing, type Unpausing } from './tree-pause.ts'
import { askedDelegation } from './delegation.ts'
import { waitsForPeople } from './waiting-for-people.ts'

export type Errand =
  /** Create the child: `session.started` and its first message at expected 0; anything there already: done. */
  | ({ readonly kind: 'create-child' } & Readonly<EventData<'delegation.requested'>>)
  /** Say the prompt of a run to its session below, which is made where it is not there. */
  | { readonly kind: 'prompt-child'; readonly child: string; readonly position: number; readonly prompt: Prompt }
  /** Let a child go on that was paused, for a further call; a child that is at its end, or still waits, says so to that call. */
  | ({ readonly kind: 'resume-child' } & Readonly<EventData<'delegation.resumed'>>)
  /** Ask the child to cancel; for a child that does not exist yet this is its first frame. */
  | { readonly kind: 'cancel-child'; readonly child: string; readonly call: string }
  /** What comes next is about a child whose creation was asked for: it is made first, where that is not done. */
  | { readonly kind: 'ensure-child'; readonly child: string; readonly call: string }
  /** Pause the child with everything below it, or let it go on. */
  | Pausing
  | Unpausing
  /** The child is paused with everything below it: its receipt. */
  | { readonly kind: 'tell-held' }
  /** The child's turn has ended, or it waits for people and its parent does not wait with it: settle the parent's call. */
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
      case 'delegation.resumed':
        return event.data.pool === pool ? [{ kind: 'resume-child', ...event.data }] : []
      case 'delegation.cancel-requested':
        return event.data.pool === pool
          ? [{ kind: 'cancel-child', child: event.data.child, call: event.data.call }]
          : []
      case 'delegation.pause-requested':
        return event.data.pool === pool ? [ensured(event.data), { kind: 'pause-child', ...event.data }] : []
      case 'delegation.unpause-requested':
        return event.data.pool === pool ? [ensured(event.data), { kind: 'unpause-child', ...event.data }] : []
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

const ensured = ({ child, call }: { readonly child: string; readonly call: string }): Errand => ({
  kind: 'ensure-child',
  child,
  call,
})

/**
 * What must hold whenever a session is at rest, whoever was to see to it (PROTOCOL 4): its open delegations have their children,
 * and once it is at its end, or waits for people where its parent does not wait with it, its parent knows.
 */
export function standingErrands(session: Session): readonly Errand[] {
  const { born, turn, unborn } = session
  if (!born) return unborn ? [{ kind: 'settle-parent' }] : []
  const asked = (turn?.calls ?? []).flatMap((call): Errand[] => {
    const event =
      call.state.kind === 'delegated' && !call.state.cancelSent && askedDelegation({ ...session, born }, call)
    if (!event) return []
    return event.type === 'delegation.requested'
      ? [{ kind: 'create-child', ...event.data }]
      : [{ kind: 'resume-child', ...event.data }]
  })
  const prompts = openPrompts(session).map(
    ({ position, waits }): Errand => ({ kind: 'prompt-child', child: waits.child, position, prompt: waits }),
  )
  const settles: readonly Errand[] =
    born.parent && (isClosed(session) || pausedOn(session)) ? [{ kind: 'settle-parent' }] : []
  const held: readonly Errand[] = born.parent && heldFor(session) ? [{ kind: 'tell-held' }] : []
  return [...asked, ...prompts, ...settles, ...held]
}

const openPrompts = ({ run, mode }: Session) =>
  run && !run.ended && mode.kind !== 'ended' ? openOf(run, 'prompt').filter(({ waits }) => !waits.cancelSent) : []

/** What makes a child that a session waits for; undefined: it waits for it no more. */
export const creationOf = (session: Session, child: string) =>
  standingErrands(session).find(
    (errand): errand is Extract<Errand, { kind: 'create-child' }> =>
      errand.kind === 'create-child' && errand.child === child,
  )

/** What a child has to tell its parent that it waits for; null: nothing, or its parent waits with it. */
export const pausedOn = (session: Session) => (session.onPause === 'return' ? waitsForPeople(session) : null)

/** A name for an errand that is done for good once it is done; null where it may have to be done again. */
export function finalErrand(session: Session, errand: Errand): string | null {
  switch (errand.kind) {
    case 'create-child':
      return `create ${errand.child}`
    case 'prompt-child':
      return `prompt ${errand.position}`
    case 'resume-child':
      return `resume ${errand.call}`
    case 'cancel-child':
    case 'ensure-child':
    case 'pause-child':
    case 'unpause-child':
    case 'tell-held':
      return null
    case 'settle-parent':
      // What is asked of a session that has ended changes nothing in it: each time it says so again.
      if (session.mode.kind === 'ended') return null
      // For each call that it answers: what nobody waited for before may be waited for now.
      return isClosed(session)
        ? `settle ${session.settled?.turn ?? 'nothing'}${session.continued === undefined ? '' : ` for ${session.continued}`} after ${receipts(session)}`
        : null
    default:
      return errand satisfies never
  }
}

/** Of sessions below that were cancelled: with each a little more is to be told. */
const receipts = ({ stopped, team }: Session): number =>
  stopped?.below.filter((child) => team?.children[child]?.stopped).length ?? 0

export const isClosed = (session: Session): boolean =>
  session.mode.kind === 'ended' || (!session.turn && session.inbox.length === 0 && !runBusy(session))
