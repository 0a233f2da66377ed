// The gateway's hand at the log: reads a head, lets the caller decide on it, appends conditionally, decides again when refused.
//   P1. The head of a session that is followed here, or was at rest when it last was, saves the read. A stale one is corrected by
//       the refusal, and nothing is refused to a client on the word of a remembered head alone.
//   P2. One append at a time per session in this process.
//   P3. A decision is bounded by a deadline, never by a number of tries; after it the frame may be in or not.
//   P4. Once appends are known to be impossible nobody waits for a deadline.
import { BrokerUnavailable } from '@reins/broker'
import { draftOn, type Frame, type Head, headOf, ReinsError } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Admission } from '../../ports.ts'
import { type Refused, refused } from '../outcomes.ts'
import type { Decided } from '../sessions/decisions.ts'

export interface KnownHead {
  readonly head: Head
  /** Not read from the log just now (P1). */
  readonly remembered: boolean
}

export interface AppendRequest {
  readonly session: string
  readonly frame: string
  readonly by: string
  readonly trace?: string
  /** The request may be repeated elsewhere: its frame can be in already, after this sequence and nowhere before. */
  readonly searchAfter?: number
  /** What the caller knows already: appended on, unless other appends of this process come first. */
  readonly on?: KnownHead
  decide(head: Head): Decided | Promise<Decided>
}

export type AppendOutcome =
  /** `frame` is in, by this append or by an earlier one of the same request. */
  | { readonly kind: 'appended'; readonly frame: Frame }
  | { readonly kind: 'unchanged'; readonly head: Head }
  /** Nothing of it is in, and nothing of it will be. */
  | Refused
  /** Not answered in time (P3): the frame may be in. */
  | { readonly kind: 'in-doubt' }

export interface AppenderOptions {
  readonly sessions: SessionLog
  now(): number
  readonly withinMs: number
  readonly headsKept: number
  readonly refused: () => void
  readonly admission: Admission | undefined
  /** The head, as far as it can be so. Default: whatever it says. */
  readonly believed?: (session: string, head: Head) => Promise<Head>
}

export class Appender {
  readonly #options: AppenderOptions
  readonly #heads = new Map<string, Head>()
  readonly #followed = new Map<string, number>()
  readonly #tails = new Map<string, Promise<unknown>>()

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /** The head, from memory or by one direct get; `n` is 0 where there is no session. */
  async known(session: string): Promise<KnownHead> {
    const head = this.#heads.get(session)
    return head ? { head, remembered: true } : this.fresh(session)
  }

  /** As `known`, but always from the log. */
  async fresh(session: string): Promise<KnownHead> {
    const head = await this.#options.sessions.head(session)
    this.#remember(session, head)
    return { head, remembered: false }
  }

  /** As `known`. Throws session_not_found where there is none. */
  async existing(session: string): Promise<KnownHead> {
    const known = await this.known(session)
    if (known.head.seq === 0) throw notFound(session)
    return known
  }

  /** Somebody here follows the session from now on and tells `learn` what it sees, until the result is called. */
  follows(session: string): () => void {
    this.#followed.set(session, (this.#followed.get(session) ?? 0) + 1)
    return () => {
      const left = (this.#followed.get(session) ?? 1) - 1
      if (left > 0) {
        this.#followed.set(session, left)
        return
      }
      this.#followed.delete(session)
      const status = this.#heads.get(session)?.status
      if (status === 'running' || status === 'waiting') this.#heads.delete(session)
    }
  }

  /** A followed session has this head now; older ones are forgotten. */
  learn(session: string, head: Head): void {
    const known = this.#heads.get(session)
    if (known && known.seq >= head.seq) return
    this.#heads.delete(session)
    this.#heads.set(session, head)
    if (this.#heads.size > this.#options.headsKept) {
      const oldest = this.#heads.keys().next().value
      if (oldest !== undefined) this.#heads.delete(oldest)
    }
  }

  /** Rejects only where the log itself is at fault. */
  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { session } = request
    const before = this.#tails.get(session)
    // Whoever had to wait (P2) knows a head that is old by then.
    const { on: _old, ...later } = request
    const mine = before ? before.then(() => this.#inTime(later)) : this.#inTime(request)
    const tail = mine.catch(() => {})
    this.#tails.set(session, tail)
    try {
      return await mine
    } finally {
      if (this.#tails.get(session) === tail) this.#tails.delete(session)
    }
  }

  /** Of a session that nobody here follows, what was just appended is old in a moment: an executor goes on from it. */
  #remember(session: string, head: Head): void {
    if (head.seq > 0 && this.#followed.has(session)) this.learn(session, head)
    else this.#heads.delete(session)
  }

  async #inTime(request: AppendRequest): Promise<AppendOutcome> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), this.#options.withinMs) // P3
    const impossible = Promise.withResolvers<AppendOutcome>()
    const obstacles = this.#options.admission?.onObstacle(() => {
      late.abort()
      impossible.resolve(inDoubt) // P4
    })
    try {
      const appended = this.#append(request, late.signal)
      return await (obstacles ? Promise.race([appended, impossible.promise]) : appended)
    } finally {
      obstacles?.close()
      clearTimeout(timer)
    }
  }

  async #append(request: AppendRequest, signal: AbortSignal): Promise<AppendOutcome> {
    const { session, frame, by, trace } = request
    let { head, remembered } = request.on ?? (await this.known(session))
    let searched = request.searchAfter ?? Number.POSITIVE_INFINITY
    for (;;) {
      // Whoever repeats a request sends the same frame: it may be below any head that is newer than its entry.
      if (head.seq > searched) {
        const tail = await this.#options.sessions.read(session, { after: request.searchAfter ?? 0, leader: true })
        const found = this.#find(request, tail)
        if (found) return found
        const last = tail.at(-1)
        if (last) head = headOf(last)
        searched = head.seq
        remembered = false
      }
      if (head.status === 'ended' || head.pool === '') head = (await this.#options.believed?.(session, head)) ?? head
      const deciding = request.decide(head)
      const decided = deciding instanceof Promise ? await deciding : deciding
      if (decided.kind !== 'append') {
        if (!remembered) return decided.kind === 'refused' ? decided : { kind: 'unchanged', head }
        ;({ head, remembered } = await this.fresh(session)) // P1
        continue
      }
      const { decision, on = head } = decided
      const draft = draftOn(on, { frame, by, role: 'g' }, { ...decision, trace, at: this.#options.now() })
      const outcome = await this.#options.sessions
        .append(session, draft, decision.to, on.hash, signal)
        .catch((error: unknown) => {
          this.#heads.delete(session)
          if (error instanceof BrokerUnavailable || signal.aborted) return inDoubt
          if (error instanceof RangeError) return tooLarge
          throw error
        })
      switch (outcome.kind) {
        case 'in-doubt':
          return outcome
        case 'too-large':
          return refused(new ReinsError('body_too_large', 'The event does not fit into one frame.'))
        case 'appended': {
          const last = outcome.above.at(-1)
          this.#remember(session, last ? headOf(last) : outcome.head)
          return { kind: 'appended', frame: { ...draft, seq: outcome.head.seq, hash: outcome.head.hash } }
        }
        case 'refused': {
          this.#options.refused()
          const found = this.#find(request, outcome.tail)
          if (found) return found
          const last = outcome.tail.at(-1)
          head = last ? headOf(last) : (await this.fresh(session)).head
          if (searched < head.seq) searched = head.seq
          remembered = false
          if (signal.aborted) return inDoubt // P3
          break
        }
        default:
          return outcome satisfies never
      }
    }
  }

  #find(request: AppendRequest, tail: readonly Frame[]): AppendOutcome | undefined {
    const frame = tail.find(({ id }) => id === request.frame)
    if (!frame) return undefined
    this.#remember(request.session, headOf(tail.at(-1) ?? frame))
    return { kind: 'appended', frame }
  }
}

const inDoubt = { kind: 'in-doubt' } as const
const tooLarge = { kind: 'too-large' } as const

export const notFound = (session: string): ReinsError =>
  new ReinsError('session_not_found', `There is no session ${session.slice(0, 64)}.`)
