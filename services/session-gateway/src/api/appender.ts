// The gateway's hand at the log: reads a head, lets the caller decide on it, appends conditionally, decides again when refused.
//   P1. The head of a session that is followed here, or was at rest when it last was, saves the read. A stale one is corrected by
//       the refusal, and nothing is refused to a client on the word of a remembered head alone.
//   P2. One append at a time per session in this process.
//   P3. A decision is bounded by a deadline, never by a number of tries; after it the frame may be in or not: `unavailable`.

import { BrokerUnavailable } from '@reins/broker'
import { draftOn, type Frame, type Head, headOf, ReinsError } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Decision } from '@reins/session'

export interface AppendRequest {
  readonly session: string
  readonly frame: string
  readonly by: string
  readonly trace?: string
  /** The request may be repeated elsewhere: its frame can be in already, after this sequence and nowhere before. */
  readonly searchAfter?: number
  /** Where the caller has just read it. */
  readonly head?: Head
  /** undefined: nothing is to be appended. Throws ReinsError to refuse. */
  decide(head: Head): Decision | undefined
}

export interface Appended {
  readonly kind: 'appended'
  /** What it was appended on. */
  readonly before: Pick<Head, 'seq' | 'n'>
  readonly head: Head
}
export interface NothingToDo {
  readonly kind: 'nothing'
  readonly head: Head
}

export interface AppenderOptions {
  readonly sessions: SessionLog
  now(): number
  readonly withinMs: number
  readonly headsKept: number
  readonly refused: () => void
}

export class Appender {
  readonly #options: AppenderOptions
  readonly #heads = new Map<string, Head>()
  readonly #followed = new Map<string, number>()
  readonly #tails = new Map<string, Promise<unknown>>()

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  /** The head, from memory or by one direct get. Throws session_not_found where there is none. */
  async head(session: string): Promise<Head> {
    const head = await this.#head(session)
    if (head.n === 0) throw notFound(session)
    return head
  }

  /** As `head`, but always from the log, and `n` 0 where there is no session. */
  async freshHead(session: string): Promise<Head> {
    const head = await this.#options.sessions.head(session)
    this.#remember(session, head)
    return head
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

  async append(request: AppendRequest): Promise<Appended | NothingToDo> {
    const { session } = request
    const before = this.#tails.get(session)
    const mine = before ? before.then(() => this.#inTime(request)) : this.#inTime(request)
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
    if (head.n > 0 && this.#followed.has(session)) this.learn(session, head)
    else this.#heads.delete(session)
  }

  async #head(session: string): Promise<Head> {
    return this.#heads.get(session) ?? (await this.freshHead(session))
  }

  async #inTime(request: AppendRequest): Promise<Appended | NothingToDo> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), this.#options.withinMs) // P3
    try {
      return await this.#append(request, late.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async #append(request: AppendRequest, signal: AbortSignal): Promise<Appended | NothingToDo> {
    const { session, frame, by, trace } = request
    let remembered = request.head === undefined && this.#heads.has(session)
    let head = request.head ?? (await this.#head(session))
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
      const decision = decideOn(request, head, remembered)
      if (decision === 'ask the log') {
        remembered = false
        head = await this.freshHead(session)
        continue
      }
      if (!decision) return { kind: 'nothing', head }
      const draft = draftOn(head, { frame, by, role: 'g' }, { ...decision, trace, at: this.#options.now() })
      const outcome = await this.#options.sessions
        .append(session, draft, decision.to, head.hash, signal)
        .catch((error: unknown) => {
          this.#heads.delete(session)
          if (error instanceof BrokerUnavailable || signal.aborted) throw busy()
          if (error instanceof RangeError)
            throw new ReinsError('body_too_large', 'The event does not fit into one frame.')
          throw error
        })
      const last = outcome.kind === 'appended' ? outcome.above.at(-1) : outcome.tail.at(-1)
      if (outcome.kind === 'appended') {
        this.#remember(session, last ? headOf(last) : outcome.head)
        return { kind: 'appended', before: head, head: outcome.head }
      }
      this.#options.refused()
      const found = this.#find(request, outcome.tail)
      if (found) return found
      head = last ? headOf(last) : await this.freshHead(session)
      if (searched < head.seq) searched = head.seq
      remembered = false
      if (signal.aborted) throw busy() // P3
    }
  }

  #find(request: AppendRequest, tail: readonly Frame[]): Appended | undefined {
    const mine = tail.find(({ id }) => id === request.frame)
    if (!mine) return undefined
    this.#remember(request.session, headOf(tail.at(-1) ?? mine))
    return { kind: 'appended', before: { seq: mine.prev, n: mine.n - 1 }, head: headOf(mine) }
  }
}

/** P1: a refusal, or "nothing to do", on a remembered head is asked again of the log. */
function decideOn(request: AppendRequest, head: Head, remembered: boolean): Decision | undefined | 'ask the log' {
  try {
    return request.decide(head) ?? (remembered ? 'ask the log' : undefined)
  } catch (error) {
    if (remembered) return 'ask the log'
    throw error
  }
}

const busy = (): ReinsError =>
  new ReinsError('unavailable', 'The event store did not take the event in time; it may still be in.')

export const notFound = (session: string): ReinsError =>
  new ReinsError('session_not_found', `There is no session ${session.slice(0, 64)}.`)
