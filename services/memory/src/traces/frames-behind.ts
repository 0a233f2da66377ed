// The frames of all sessions behind a place in each stream, in batches: heard where this process appends them, and read where they were not.
//   FB1. What is heard and joins the place is not read. What others append, what was not heard and what there was no room for shows as a gap,
//        or at the next look at where the streams end.
//   FB2. It holds so many heard frames at most. What comes beyond that is read later.
import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '@reins/broker'
import type { Frame, SessionStreams } from '@reins/contracts'
import type { RepublishedFrame, Subscription } from '@reins/journal'
import type { Places } from '../index/index-checkpoint.ts'
import { describeStreams, framesAfter, type InStream, joiningAll } from '../index/session-stream.ts'

export interface FrameBehind extends InStream {
  /** undefined: a subject that belongs to no session. */
  readonly session: string | undefined
  readonly frame: Frame | undefined
}

export interface FramesBehindOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  /** Frames that this process appends, as they are acked. Absent: all of them are read. */
  readonly framesHere?: (on: (frame: RepublishedFrame) => void) => Subscription
  /** ms for which frames are gathered. */
  readonly gatherMs: number
}

/** Of one batch. What is read has its own, of the same size (libs/broker). */
const batchFrames = 500
const mostHeard = 1000
/** ms without news until the streams are looked at. */
const lookMs = 1000

/** Hears from now on. The caller closes it. */
export class FramesBehind {
  readonly #options: FramesBehindOptions
  readonly #here: Subscription | undefined
  #heard: FrameBehind[] = []
  /** The last sequence of each stream that it knows of. */
  #ends: number[] = []
  #lookedAt = Number.NEGATIVE_INFINITY
  #wake: () => void = () => undefined

  constructor(options: FramesBehindOptions) {
    this.#options = options
    this.#here = options.framesHere?.((one) => this.#hear(one))
  }

  /** The next ones, in the order of each stream; empty only when `signal` is aborted. Rejects where the broker does not answer. */
  async next(places: Places, signal: AbortSignal): Promise<readonly FrameBehind[]> {
    while (!signal.aborted) {
      if (performance.now() - this.#lookedAt > lookMs) await this.#look()
      this.#heard = this.#heard.filter(({ stream, seq }) => seq > (places[stream] ?? 0))
      if (this.#heard.length > 0) await this.#woken(this.#options.gatherMs, signal, batchFrames)
      const sorted = this.#heard.toSorted((a, b) => a.seq - b.seq)
      const joined = joiningAll(sorted, places).slice(0, batchFrames)
      const batch = [...joined, ...(await this.#lacking(places, joined))]
      if (batch.length > 0) return batch
      await this.#woken(lookMs, signal, 1)
    }
    return []
  }

  close(): void {
    this.#here?.close()
    this.#heard = []
  }

  #hear({ session, frame }: RepublishedFrame): void {
    const stream = this.#options.streams.indexOf(session)
    const { seq } = frame
    this.#ends[stream] = Math.max(this.#ends[stream] ?? 0, seq)
    if (this.#heard.length >= mostHeard) return // FB2
    this.#heard.push({ stream, seq, previous: seq - 1, session, frame })
    if (this.#heard.length === 1 || this.#heard.length === batchFrames) this.#wake()
  }

  /** What is to be read: of the first stream that has more, of which nothing was heard that joins. */
  async #lacking(places: Places, joined: readonly FrameBehind[]): Promise<readonly FrameBehind[]> {
    const { broker, streams } = this.#options
    const heard = new Set(joined.map(({ stream }) => stream))
    for (const [at, place] of places.entries()) {
      const end = this.#ends[at] ?? 0
      if (place >= end || heard.has(at)) continue
      const found = await framesAfter(broker, streams, at, place, end)
      if (found.length > 0) return found.map(({ owner, ...one }) => ({ ...one, session: owner?.session }))
      // What stood there has left the stream.
      this.#ends[at] = place
      this.#heard = this.#heard.filter(({ stream }) => stream !== at)
    }
    return []
  }

  async #look(): Promise<void> {
    const { broker, streams } = this.#options
    const { ends } = await describeStreams(broker, streams)
    this.#ends = ends.map((end, at) => Math.max(end, this.#ends[at] ?? 0))
    this.#lookedAt = performance.now()
  }

  /** For so long, or until so many are heard: many at once cost the process and the collector hardly more than one. */
  async #woken(ms: number, signal: AbortSignal, enough: number): Promise<void> {
    if (this.#heard.length >= enough) return
    const over = new AbortController()
    this.#wake = () => {
      if (this.#heard.length >= enough) over.abort()
    }
    await pause(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => undefined)
    this.#wake = () => undefined
  }
}
