// Erasing a session, and what readers of one that was erased are told. What may be erased is decided in libs/session (erasure.ts), on the
// session's own head and on what memory says of other sessions; memory carries it out.
//   EA1. That a session was erased is said by its last frame but for memory's word that it is done. Only of a session whose head says that
//        it has ended is anything asked, and of one that is known to have ended otherwise nothing is asked again.
import {
  type Erasable,
  encodeCursor,
  type Head,
  headOf,
  isSessionId,
  ReinsError,
  type SessionErased,
  SessionErased as SessionErasedSchema,
} from '@reins/contracts'
import { isUnreadable, type SessionLog } from '@reins/journal'
import { erasedBy, erasedIn, eraseSession, eraseUnreadable } from '@reins/session'
import type { CallService } from '../../ports.ts'
import type { Caller } from '../caller.ts'
import { operations } from '../operations.ts'
import type { Outcome } from '../outcomes.ts'
import { fromIndex } from '../reads/from-index.ts'
import type { SessionFolds } from '../reads/session-folds.ts'
import { type Appender, notFound } from '../writes/appender.ts'
import { decided } from './decisions.ts'
import { receipts, type SessionWrites, type WriteOptions } from './session-writes.ts'

export interface ErasureParts {
  readonly writes: SessionWrites
  readonly folds: SessionFolds
  readonly sessions: Pick<SessionLog, 'read'>
  readonly appender: Appender
  readonly call: CallService
}

/** Memory waits until its index is level with the streams. ms */
const erasableWithinMs = 15_000

export class Erasures {
  readonly #parts: ErasureParts
  constructor(parts: ErasureParts) {
    this.#parts = parts
  }

  /** Unchanged: it is erased already, or memory is at it. */
  erase(caller: Caller, session: string, options: WriteOptions = {}): Promise<Outcome<SessionErased>> {
    const { writes, appender, folds, call, sessions } = this.#parts
    return writes.write(caller, operations.eraseSession, { session }, options, async () => {
      if (!isSessionId(session)) throw notFound(session)
      const on = await appender.fresh(session)
      if (on.head.seq === 0) throw notFound(session)
      return {
        ...{ session, asked: `DELETE /v1/sessions/${session}`, body: {}, receiptOf: sessionErased, on },
        prepare: async () => {
          const about = () => fromIndex<Erasable>(call, 'sessions.erasable', { session }, erasableWithinMs)
          const known = await readable(folds.folded(session, on.head.seq))
          if (!known) {
            const [first] = await sessions.read(session, { limit: 1 })
            const others = await about()
            return async (head) => decided(eraseUnreadable({ id: session, head, first }, others)) // ER6
          }
          if (known.fold.session.erased) return () => ({ kind: 'unchanged' })
          const alone = decided(eraseSession(known.fold, { forks: [], busy: [] }))
          // What the session itself refuses, nobody else is asked about.
          const others = alone.kind === 'append' ? await about() : { forks: [], busy: [] }
          return async (head) => decided(eraseSession(await folds.toDecide(session, head.seq), others))
        },
        settle: async (_ids, done) => {
          const head = done.kind === 'appended' ? headOf(done.frame) : done.head
          // Until memory has taken out what it cannot read, nobody else can either.
          const known = await readable(folds.folded(session, head.seq))
          const at = done.kind === 'appended' ? done.frame.at : 0
          const { completed = false, ...order } = known?.fold.session.erased ?? { by: caller.by, at }
          const { seq, n } = head
          const cursor = encodeCursor({ of: session, tree: false, seq, n, i: -1 })
          return {
            kind: done.kind === 'appended' ? 'accepted' : 'unchanged',
            receipt: { id: session, by: order.by, at: order.at, completed, cursor },
          }
        },
      }
    })
  }
}

/** undefined: the log of the session cannot be read. */
const readable = <T>(folded: Promise<T>): Promise<T | undefined> =>
  folded.catch((error: unknown) => {
    if (!isUnreadable(error)) throw error
    return undefined
  })

const sessionErased = receipts(SessionErasedSchema)

const kept = 20_000

/** EA1. */
export class ErasedSessions {
  readonly #sessions: Pick<SessionLog, 'frameAt' | 'read'>
  /** Heads of sessions that have ended and are there. */
  readonly #there = new Map<string, number>()
  constructor(sessions: Pick<SessionLog, 'frameAt' | 'read'>) {
    this.#sessions = sessions
  }

  /** Throws session_erased. */
  async mustBeThere(session: string, { status, seq }: Pick<Head, 'status' | 'seq'>): Promise<void> {
    if (status !== 'ended' || this.#there.get(session) === seq) return
    const last = await this.#sessions.frameAt(session, seq)
    const order =
      last && (erasedIn(last) || last.events.some(({ type }) => type === 'session.erasure-completed'))
        ? (await this.#sessions.read(session, { after: 0 }))[0]
        : (await this.#sessions.read(session, { after: 0, limit: 1 }))[0]
    const erased = order && erasedIn(order)
    if (!order || !erased) {
      if (this.#there.size >= kept) this.#there.delete(this.#there.keys().next().value ?? '')
      this.#there.set(session, seq)
      return
    }
    const { by, at } = erasedBy(erased, order)
    throw new ReinsError(
      'session_erased',
      `Session ${session} was erased by ${by}, at ${new Date(at).toISOString()}.`,
      {
        details: { by, at },
      },
    )
  }
}
