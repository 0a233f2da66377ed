// Erasing a session: the frame that orders it, and what the session is from then on (PROTOCOL 11b).
//   ER1. That frame is the order. Who may append it is decided here, on the head; what follows from it (taking out everything that stands
//        before it) is done by whoever comes to it, as often as it takes, and asks nobody.
//   ER2. A log may begin with that frame, whatever its number. Its event has the hash of the frame before, so the chain is checked from there.
//   ER3. From that frame on nothing is due, nothing is open, and nothing is left of what was said: an executor that still had the session
//        in memory forgets it by folding on. So the frame means the same on any state.
//   ER4. A tree is erased from its root, and only where it has ended. What is below the root follows from the root's frame.
//   ER6. A session that cannot be read is erased without having ended, once it is at rest: nobody can decide on it any more.
//   ER5. A session that others were forked from stays: they read its frames.
import { type EventData, type Frame, type Head, isChild, knownEvents, rootOf, toLog } from '@reins/contracts'
import { append, type Decision, type RequestOutcome, refused, unchanged } from '../deciding/decision.ts'
import { statusOf } from '../deciding/status.ts'
import type { Fold } from '../folding/fold.ts'
import { emptySession, type Session } from '../session.ts'
import type { Meanings, Origin } from '../slice.ts'

/** The order that a frame is; undefined: it is none. */
export function erasedIn(
  frame: Pick<Frame, 'role' | 'events' | 'written' | 'fault'>,
): EventData<'session.erased'> | undefined {
  const [event] = frame.events
  if (event?.type !== 'session.erased' || frame.fault !== undefined) return undefined
  // What memory says follows from the root's frame, which it names.
  return frame.role === 'g' || (frame.role === 'm' && event.data.root) ? event.data : undefined
}

/** Who ordered it, and when: a person, also where it was said again later. */
export const erasedBy = (
  { root, again }: EventData<'session.erased'>,
  { by, at }: Pick<Frame, 'by' | 'at'>,
): { readonly by: string; readonly at: number } => again ?? root ?? { by, at }

export const erasureEvents: Meanings<'session.erased' | 'session.erasure-completed'> = {
  'session.erased': { evolve: erased },
  'session.erasure-completed': {
    evolve: (session) => (session.erased ? { ...session, erased: { ...session.erased, completed: true } } : session),
  },
}

/** ER3. */
function erased(session: Session, { data }: { readonly data: EventData<'session.erased'> }, origin: Origin): Session {
  if (origin.role === 'm' && !data.root) return session
  return { ...emptySession(session.id), mode: { kind: 'ended', reason: 'erased' }, erased: erasedBy(data, origin) }
}

/** What is known of other sessions when one is to be erased. */
export interface ErasureAbout {
  /** ER5. */
  readonly forks: readonly string[]
  /** ER4: of the sessions below, those that have something to do, or wait. */
  readonly busy: readonly string[]
}

/** Unchanged: it is erased. */
export function eraseSession({ session, head }: Fold, { forks, busy }: ErasureAbout): RequestOutcome {
  const conflict = (why: string): RequestOutcome => refused('session_conflict', head, why)
  if (session.erased) return unchanged
  if (isChild(session.id))
    return conflict(`A session below another is erased with the root of its tree, which is ${rootOf(session.id)}.`)
  if (head.status !== 'ended' || statusOf(session) !== 'ended')
    return conflict(
      `The session is ${head.status}, and only a session that has ended is erased. End it: reins session end ${session.id}`,
    )
  const others = heldBack({ forks, busy })
  if (others !== undefined) return conflict(others)
  const { born } = session
  return append({
    events: [
      {
        type: 'session.erased',
        data: {
          hash: head.hash,
          ...(born ? { agent: born.agent, began: born.at } : {}),
          ...(born?.principal === undefined ? {} : { principal: born.principal }),
        },
      },
    ],
    to: toLog,
    status: 'ended',
  })
}

/**
 * The same of a session whose log cannot be read: nobody can end it any more, and what is left of it has to go all the same. So its head
 * decides. `first`: what its log begins with, where that is left.
 */
export function eraseUnreadable(
  { id, head, first }: { readonly id: string; readonly head: Head; readonly first: Frame | undefined },
  about: ErasureAbout,
): RequestOutcome {
  const conflict = (why: string): RequestOutcome => refused('session_conflict', head, why)
  if (isChild(id))
    return conflict(`A session below another is erased with the root of its tree, which is ${rootOf(id)}.`)
  if (head.status === 'running' || head.status === 'waiting')
    return conflict(`The session is ${head.status}, and cannot be read. Wait until it is put in quarantine.`)
  const others = heldBack(about)
  if (others !== undefined) return conflict(others)
  return append({
    events: [{ type: 'session.erased', data: { hash: head.hash, ...aboutIn(first) } }],
    ...{ to: toLog, status: 'ended' },
  })
}

/** What other sessions have against it; undefined: nothing. */
function heldBack({ forks, busy }: ErasureAbout): string | undefined {
  if (busy.length > 0) return `Sessions below it are not at rest: ${listed(busy)}. Wait for them, or end them first.`
  if (forks.length > 0)
    return `Sessions were forked from it, and read what was said in it: ${listed(forks)}. Erase them first.`
  return undefined
}

/** ER4: a session below, whatever its state. `first`: what its log begins with. */
export function erasedBelow(
  head: Head,
  first: Frame | undefined,
  root: NonNullable<EventData<'session.erased'>['root']>,
): Decision {
  return {
    events: [{ type: 'session.erased', data: { hash: head.hash, ...aboutIn(first), root } }],
    to: toLog,
    status: 'ended',
  }
}

/** The same once more, of a session that an older backup has brought back. */
export function erasedAgain(
  head: Head,
  first: Frame | undefined,
  again: NonNullable<EventData<'session.erased'>['again']>,
): Decision {
  return {
    events: [{ type: 'session.erased', data: { hash: head.hash, ...aboutIn(first), again } }],
    to: toLog,
    status: 'ended',
  }
}

export const erasureCompleted = (data: EventData<'session.erasure-completed'>): Decision => ({
  events: [{ type: 'session.erasure-completed', data }],
  to: toLog,
  status: 'ended',
})

/** What a session is, from its first own frame. */
function aboutIn(first: Frame | undefined): Partial<EventData<'session.erased'>> {
  if (!first) return {}
  for (const event of knownEvents(first)) {
    if (event.type === 'session.started') {
      const { agent, principal, parent } = event.data
      return {
        ...{ agent, began: first.at },
        ...(principal === undefined ? {} : { principal }),
        ...(parent ? { parent: parent.session } : {}),
      }
    }
    if (event.type === 'session.forked')
      return { agent: event.data.agent, principal: event.data.principal, began: first.at }
  }
  return {}
}

/** ER2: the part of a log that is left. */
export function fromErasure<F extends Frame>(frames: readonly F[]): readonly F[] {
  const at = frames.findLastIndex((frame) => erasedIn(frame) !== undefined)
  return at > 0 ? frames.slice(at) : frames
}

const mostListed = 10
const listed = (ids: readonly string[]): string =>
  ids.length > mostListed
    ? `${ids.slice(0, mostListed).join(', ')} and ${ids.length - mostListed} more`
    : ids.join(', ')
