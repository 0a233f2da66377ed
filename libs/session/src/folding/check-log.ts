// What must hold of a session's log, whatever died while it was written. Pure: frames in, what is wrong with them out.
//   K1. The chain: n without a gap, `prev` the frame before, each hash that of its content on top of the one before; what is needed
//       never falls. The first frame of a fork goes on behind a frame of another session. After a frame that is beyond this version only the chain is checked.
//   K2. Only a role that may say an event says it, and no frame is malformed.
//   K3. One outcome: each event that opens or closes something changes the folded state; a second or late outcome would not. What
//       comes late may only be told as `tool-call.late-result`, of a call that has its outcome, or that a later attempt or another process has.
//   K4. Each accepted message is taken in once and has one end: a turn, one that it joined, or a drop. Each turn has one end.
//   K5. At rest (asked for by `atRest`) nothing is due and nothing is open, and the head's status says so.
import {
  type EventType,
  eventCodec,
  eventTypes,
  type Frame,
  knownEvents,
  maySayIn,
  type SessionEvent,
} from '@reins/contracts'
import { cover, statusOf } from '../deciding/status.ts'
import { forkIn, type Lineage, lineageOf } from '../fork/lineage.ts'
import { erasedIn } from '../lifecycle/erasure.ts'
import type { Session } from '../session.ts'
import { meanings } from '../slices.ts'
import { evolve } from './evolve.ts'
import { Chain, emptyFold, type Fold, foldFrame } from './fold.ts'
import type { StoredFrame } from './stored-frame.ts'

/** Events whose writers had folded what is below them: they must change the state (K3). */
export const effectiveEvents: ReadonlySet<EventType> = new Set(eventTypes.filter((type) => meanings[type].effective))
/** What may not begin under a cancel or a pause. */
export const beginningEvents: ReadonlySet<EventType> = new Set(eventTypes.filter((type) => meanings[type].begins))

export interface Checked {
  /** Empty: all is well. Each names the frame. */
  readonly problems: readonly string[]
  readonly session: Session
  /** Ends of each accepted message. */
  readonly messages: ReadonlyMap<string, number>
  readonly atRest: boolean
}

/** All frames of one session, from the first. */
export function checkLog(id: string, stored: readonly StoredFrame[]): Checked {
  const check = new LogCheck(
    lineageOf(
      id,
      stored.map(({ frame }) => frame),
    ),
  )
  for (const one of stored) check.add(one)
  return check.result()
}

/** The same frame by frame, for who does not have all of them at once: the state is kept, and no frame. */
export class LogCheck {
  readonly #id: string
  readonly #chain: Chain
  readonly #problems: string[] = []
  readonly #messages = new Map<string, number>()
  readonly #turns = new Map<string, number>()
  #broken: string | undefined
  #fold: Fold
  #last = 0

  constructor(lineage: Lineage) {
    this.#id = lineage.id
    this.#chain = new Chain(lineage)
    this.#fold = emptyFold(lineage.id)
  }

  add(stored: StoredFrame): void {
    const { frame } = stored
    const { head, session } = this.#fold
    const say = (of: Pick<Frame, 'n'>, what: string): void => void this.#problems.push(this.#named(of.n, what))
    if (!this.#chain.joins(stored))
      this.#broken ??= this.#named(frame.n, 'its hash is not that of its content on the frame before')
    if (frame.fault) say(frame, `malformed: ${frame.fault}`)
    const begins = head.n === 0 && erasedIn(frame) !== undefined // ER2
    if (frame.n !== head.n + 1 && !begins) say(frame, `it follows frame ${head.n}`)
    if (frame.prev !== head.seq && !forkIn(frame) && !begins)
      say(frame, `appended on sequence ${frame.prev}, but ${head.seq} was the head`)
    if (frame.needs < Math.max(head.needs, eventCodec.needsOf(frame.events)))
      say(frame, `it needs protocol ${frame.needs}, and its head or its events need more`)
    if (!session.beyond) checkEvents(session, frame, say)
    for (const event of knownEvents(frame)) count(event, this.#messages, this.#turns)
    this.#fold = foldFrame(this.#fold, frame)
    this.#last = frame.n
  }

  /** As it stands at the frame that was added last. */
  result(): Checked {
    const { session, head } = this.#fold
    const often = (of: ReadonlyMap<string, number>) => [...of].filter(([, ends]) => ends > 1)
    const problems = [
      ...(this.#broken === undefined ? [] : [this.#broken]),
      ...this.#problems,
      ...often(this.#turns).map(([turn, ends]) => this.#named(this.#last, `turn ${turn} ended ${ends} times`)),
      ...often(this.#messages).map(([one, ends]) => this.#named(this.#last, `message ${one} has ${ends} ends`)),
    ]
    const atRest = isAtRest(session) && head.status === statusOf(session)
    return { problems, session, messages: this.#messages, atRest }
  }

  #named(n: number, what: string): string {
    return `${this.#id}#${n}: ${what}`
  }
}

/** K5: what is missing for it to be at rest; empty where it is. */
export function restProblems(id: string, stored: readonly StoredFrame[]): readonly string[] {
  const { session, messages } = checkLog(id, stored)
  const status = stored.at(-1)?.frame.status
  const waits = cover(session).flatMap((one) => (one.kind === 'rest' ? [] : [`waits for ${JSON.stringify(one)}`]))
  const open = [...messages].flatMap(([message, ends]) => (ends === 0 ? [`message ${message} has no end`] : []))
  const wrong = status === statusOf(session) ? [] : [`the head says ${status}, the fold ${statusOf(session)}`]
  return [...waits, ...open, ...wrong].map((what) => `${id}: ${what}`)
}

const isAtRest = (session: Session): boolean => cover(session).every(({ kind }) => kind === 'rest')

function checkEvents(before: Session, frame: Frame, say: (frame: Frame, what: string) => void): void {
  let session = before
  for (const { type } of knownEvents(frame))
    if (!maySayIn(before.id, frame.role, type)) say(frame, `role ${frame.role} may not say ${type}`)
  for (const event of frame.events) {
    if (beginningEvents.has(event.type) && (session.mode.kind !== 'open' || session.cancel))
      say(frame, `${event.type} while ${session.cancel ? 'a cancel waits' : session.mode.kind}`)
    if (event.type === 'tool-call.late-result' && isOpenCall(session, event.data, frame.by))
      say(frame, `a late result of ${event.data.call}, which has no outcome yet`)
    const next = evolve(session, event, frame)
    if (next === session && effectiveEvents.has(event.type))
      say(frame, `${event.type} changes nothing: ${JSON.stringify(event.data).slice(0, 200)}`)
    session = next
  }
}

/** Whoever ran it unclaimed, and was slow, is stopped by the claim of another process: that one's outcome is to come. */
const isOpenCall = (session: Session, late: { readonly call: string; readonly attempt: number }, by: string): boolean =>
  session.turn?.calls.some(
    ({ call, state }) =>
      call === late.call &&
      state.kind !== 'done' &&
      !(state.kind === 'claimed' && (state.attempt > late.attempt || state.by !== by)),
  ) ?? false

function count(event: SessionEvent, messages: Map<string, number>, turns: Map<string, number>): void {
  const end = (of: Map<string, number>, key: string) => of.set(key, (of.get(key) ?? 0) + 1)
  switch (event.type) {
    case 'message.received':
      messages.set(event.data.message, messages.get(event.data.message) ?? 0)
      return
    case 'turn.started':
      for (const message of event.data.messages) end(messages, message)
      return
    case 'message.joined':
    case 'message.dropped':
    case 'run.resumed':
      end(messages, event.data.message)
      return
    case 'session.forked':
      // What nobody had taken in is not the fork's.
      for (const [message, ends] of messages) if (ends === 0) end(messages, message)
      return
    case 'turn.completed':
    case 'turn.failed':
    case 'turn.cancelled':
      end(turns, event.data.turn)
      return
    default:
      return
  }
}
