// Keeps the open answers of one followed session (or tree) up to date from its deltas, for the hub that follows it.
//   A1. Deltas are taken from the moment it begins; they wait until the log and what LIVE still keeps have been read.
//   A2. A gap is filled from LIVE once; what is not there any more is given up, and shown when the answer is whole.
import type { AnswerRestarted, Delta, Frame } from '@reins/contracts'
import {
  type Followed,
  type LiveDelta,
  readTree,
  type SessionFeed,
  type SessionFrame,
  type SessionLog,
  type Subscription,
} from '@reins/journal'
import { OpenAnswers, type OpenBlock } from './open-answers.ts'

export interface LiveParts {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
}

/** Who is told, in order. */
export interface LiveViewers {
  onDelta(session: string, delta: Delta): void
  /** What was shown of an earlier attempt is void. */
  onRestarted(session: string, data: AnswerRestarted['data']): void
}

const recentLimit = 20_000
/** Between the clock of who opened a call and the broker's. */
const clockSlackMs = 10_000
const pageSize = 256

export class LiveAnswers {
  /** Rejects when the log or LIVE could not be read. */
  readonly ready: Promise<void>
  readonly #parts: LiveParts
  readonly #of: Followed
  readonly #answers = new OpenAnswers()
  readonly #viewers: LiveViewers
  readonly #subscription: Subscription
  /** While something is being read: what arrives meanwhile, in order. */
  #held: { readonly frames: SessionFrame[]; readonly deltas: LiveDelta[] } | undefined
  #closed = false

  /** `last`: the frame that the hub stands at; everything after it comes by `onFrame`. */
  constructor(parts: LiveParts, of: Followed, last: Frame | undefined, viewers: LiveViewers) {
    this.#parts = parts
    this.#of = of
    this.#viewers = viewers
    this.#held = { frames: [], deltas: [] }
    this.#subscription = parts.feed.deltas(of, (delta) => this.#take(delta)) // A1
    this.ready = this.#begin(last)
    this.ready.catch(() => {})
  }

  /** In order, after the frame was shown to the viewers. */
  onFrame(one: SessionFrame): void {
    if (this.#held) this.#held.frames.push(one)
    else this.#see(one.session, one.frame)
  }

  /** Those that had been waiting for the frames that were just shown. */
  flush(): void {
    if (this.#held) return
    for (const delta of this.#answers.takeWaiting()) this.#take(delta)
  }

  /** After a reconnect: deltas may have been lost. */
  refill(): void {
    if (!this.#held) this.#fill(undefined).catch(() => {}) // A gap will show itself.
  }

  blocks(): readonly OpenBlock[] {
    return this.#answers.blocks()
  }

  close(): void {
    this.#closed = true
    this.#subscription.close()
  }

  async #begin(last: Frame | undefined): Promise<void> {
    if (last && !atRest(last)) await this.#readLog(last.seq)
    await this.#fill(undefined)
  }

  /** Which calls are open is only known from the start: nothing says where the newest one began. */
  async #readLog(upTo: number): Promise<void> {
    if (typeof this.#of !== 'string') {
      for (const { session, frame } of await readTree(this.#parts.sessions, this.#of.tree))
        if (frame.seq <= upTo) this.#see(session, frame)
      return
    }
    for (let after = 0; ; ) {
      const page = await this.#parts.sessions.read(this.#of, { after, limit: pageSize })
      for (const frame of page) if (frame.seq <= upTo) this.#see(this.#of, frame)
      after = page.at(-1)?.seq ?? after
      if (page.length < pageSize || after >= upTo) return
    }
  }

  #see(session: string, frame: Frame): void {
    for (const event of frame.events) {
      const restarted = this.#answers.see(session, event, frame.at)
      if (restarted) this.#viewers.onRestarted(session, restarted)
    }
  }

  #take(live: LiveDelta): void {
    if (this.#closed) return
    if (this.#held) {
      this.#held.deltas.push(live)
      return
    }
    const accepted = this.#answers.accept(live)
    if (accepted.kind === 'new') this.#viewers.onDelta(accepted.session, accepted.delta)
    else if (accepted.kind === 'gap') void this.#fill(live)
  }

  /** A2 */
  async #fill(missedBefore: LiveDelta | undefined): Promise<void> {
    this.#held ??= { frames: [], deltas: [] }
    let recent: readonly LiveDelta[] = []
    let failed: { readonly error: unknown } | undefined
    const since = this.#answers.openSince()
    try {
      if (since !== undefined)
        recent = await this.#parts.feed.recentDeltas(this.#of, { limit: recentLimit, since: since - clockSlackMs })
    } catch (error) {
      failed = { error }
    }
    const { frames, deltas } = this.#held
    this.#held = undefined
    if (this.#closed) return
    for (const { session, frame } of frames) this.#see(session, frame)
    const late = [...this.#answers.takeWaiting(), ...(missedBefore ? [missedBefore] : []), ...deltas]
    for (const live of recent) this.#settle(live, false)
    this.#answers.takeWaiting() // Old ones of calls that are not open: over, or found here again when they are.
    for (const live of late) this.#settle(live, true)
    if (failed && !missedBefore) throw failed.error
  }

  #settle(live: LiveDelta, final: boolean): void {
    const accepted = this.#answers.accept(live)
    if (accepted.kind === 'new') this.#viewers.onDelta(accepted.session, accepted.delta)
    else if (accepted.kind === 'gap' && final) this.#answers.giveUp(live)
  }
}

/** An executor's word that nothing is in flight, or a session that has only just begun. Others only copy the status. */
const atRest = (frame: Frame): boolean =>
  frame.n <= 1 || frame.status === 'ended' || (frame.status === 'idle' && frame.role === 'e')
