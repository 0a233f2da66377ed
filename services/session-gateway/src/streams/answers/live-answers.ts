// Keeps the open answers of one followed session (or tree) up to date from its deltas, for the hub that follows it.
//   A1. Deltas are taken from the moment it begins; they wait until the turn and what LIVE still keeps of it have been read.
//   A2. A gap is filled from LIVE once; what is not there any more is given up, and shown when the answer is whole.
//   A4. LIVE lies on one node of a cluster. While that is away the session is shown all the same, and what only LIVE knows is given up.
//   A3. Only what can be missing is read: what was published before the last delta of each open answer is here already.
import { type AnswerRestarted, type Delta, type Frame, knownEvents, type Place } from '@reins/contracts'
import type { Followed, LiveDelta, SessionFeed, SessionFrame, Subscription } from '@reins/journal'
import { OpenAnswers, type OpenBlock } from './open-answers.ts'
import type { Refills } from './refills.ts'

/** Who is told, in order. */
export interface LiveViewers {
  onDelta(session: string, delta: Delta): void
  /** What was shown of an earlier attempt is void. */
  onRestarted(session: string, data: AnswerRestarted['data']): void
}

export interface LiveAnswersParts {
  readonly feed: SessionFeed
  readonly refills: Refills
  /** epoch ms */
  now(): number
}

const recentLimit = 20_000
/** A4. Whoever joins waits for it. ms */
const readWithinMs = 3000
/** Between the clocks of who opened a call, of this process and of the broker. */
const clockSlackMs = 10_000

export class LiveAnswers {
  /** Rejects when the log could not be read. */
  readonly ready: Promise<void>
  readonly #parts: LiveAnswersParts
  readonly #of: Followed
  readonly #answers = new OpenAnswers()
  readonly #viewers: LiveViewers
  readonly #subscriptions: readonly Subscription[]
  #callOff: (() => void) | undefined
  /** While something is being read: what arrives meanwhile, in order. */
  #held: { readonly frames: SessionFrame[]; readonly deltas: LiveDelta[] } | undefined
  #closed = false

  /** `openTurn`: what the hub has seen of the turn that is going on; everything after it comes by `onFrame`. */
  constructor(
    parts: LiveAnswersParts,
    of: Followed,
    openTurn: () => Promise<readonly SessionFrame[]>,
    viewers: LiveViewers,
  ) {
    this.#parts = parts
    this.#of = of
    this.#viewers = viewers
    this.#held = { frames: [], deltas: [] }
    this.#subscriptions = [
      parts.feed.deltas(of, (delta) => this.#take(delta)), // A1
      parts.feed.onDeltasReconnect(() => this.#refillSoon()),
    ]
    this.ready = this.#begin(openTurn())
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

  /** Deltas may have been lost. */
  #refillSoon(): void {
    this.#callOff?.()
    // As of now: what arrives until it begins says nothing of the end of another block.
    const since = this.#answers.lackingSince()
    this.#callOff = this.#parts.refills.afterCut(() => {
      if (!this.#held && !this.#closed) void this.#fill(undefined, since)
    })
  }

  blocks(): readonly OpenBlock[] {
    return this.#answers.blocks()
  }

  places(): readonly Place[] {
    return this.#answers.places()
  }

  close(): void {
    this.#closed = true
    this.#callOff?.()
    for (const subscription of this.#subscriptions) subscription.close()
  }

  async #begin(openTurn: Promise<readonly SessionFrame[]>): Promise<void> {
    for (const { session, frame } of await openTurn) this.#see(session, frame)
    await this.#fill(undefined)
  }

  #see(session: string, frame: Frame): void {
    for (const event of knownEvents(frame)) {
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
    const accepted = this.#answers.accept(live, this.#parts.now())
    if (accepted.kind === 'new') this.#viewers.onDelta(accepted.session, accepted.delta)
    else if (accepted.kind === 'gap') void this.#fill(live)
  }

  /** A2 */
  async #fill(missedBefore: LiveDelta | undefined, lackingSince = Number.POSITIVE_INFINITY): Promise<void> {
    this.#held ??= { frames: [], deltas: [] }
    let recent: readonly LiveDelta[] = []
    try {
      recent = await this.#parts.refills.read(async () => {
        const since = this.#closed ? undefined : this.#answers.lackingSince() // A3
        if (since === undefined) return []
        return this.#parts.feed.recentDeltas(this.#of, {
          ...{ limit: recentLimit, withinMs: readWithinMs },
          since: Math.min(since, lackingSince) - clockSlackMs,
        })
      })
    } catch {
      // A4.
    }
    const { frames, deltas } = this.#held
    this.#held = undefined
    if (this.#closed) return
    for (const { session, frame } of frames) this.#see(session, frame)
    const late = [...this.#answers.takeWaiting(), ...(missedBefore ? [missedBefore] : []), ...deltas]
    for (const live of recent) this.#settle(live, false)
    this.#answers.takeWaiting() // Old ones of calls that are not open: over, or found here again when they are.
    for (const live of late) this.#settle(live, true)
  }

  #settle(live: LiveDelta, final: boolean): void {
    const accepted = this.#answers.accept(live, this.#parts.now())
    if (accepted.kind === 'new') this.#viewers.onDelta(accepted.session, accepted.delta)
    else if (accepted.kind === 'gap' && final) this.#answers.giveUp(live)
  }
}
