// How far the readers of this gateway's streams have come, and which of them are let go. It knows nothing of sessions: whoever is cut
// finds everything again by its cursor.
//   RW1. What waits for a reader is what this process holds for it, what the system holds, and what went out since that was looked at.
//   RW2. A reader is cut when more waits for it than `maxBytes` (known, not guessed), or when it has taken nothing for `stalledMs`
//        although something waits.
//   RW3. There is one budget for all. Where it is spent, the readers that have taken nothing for the longest are cut first, until some
//        of it is free again; those that take what they get only where twice the budget is spent.
//        One for which little waits spends none of it, and stays: the system may hold the last of what it took for a moment longer.
//   RW4. Nothing is looked at while nothing is written; looking takes a bounded share of the time.
//   RW5. History goes out at the reader's pace: a reader that has proved nothing yet gets little ahead of it, one that takes it all more.
import { endsKey, type LookAtSendQueues } from './send-queues.ts'
import type { Sink } from '../sink.ts'

export interface ReaderWatchOptions {
  /** That may wait for one reader. */
  readonly maxBytes: number
  /** That may wait for all. */
  readonly maxTotalBytes: number
  readonly stalledMs: number
  readonly lookEveryMs: number
  readonly look: LookAtSendQueues
  /** Told after each look: bytes that wait for all. */
  looked(total: number): void
  /** ms, monotonic */
  now(): number
}

/** Why a reader is let go (RW2, RW3). */
export type Cut = 'behind' | 'stalled' | 'budget'

/** Bytes that may be on their way to a reader that has not been looked at. */
const firstAhead = 65_536
const shortestPauseMs = 20
/** A look that took so long is followed by a pause of so many times that (RW4). */
const pauseFactor = 10

export class ReaderWatch {
  readonly options: ReaderWatchOptions
  readonly #readers = new Set<Reader>()
  readonly #timer: NodeJS.Timeout
  readonly #waiting: (() => void)[] = []
  #dirty = false
  /** Bytes that waited for all when they were looked at, and that were written since. */
  #seen = 0
  #unseen = 0
  #looking: Promise<void> | undefined
  #restUntil = Number.NEGATIVE_INFINITY
  #lastLook = Number.NEGATIVE_INFINITY

  constructor(options: ReaderWatchOptions) {
    this.options = options
    this.#timer = setInterval(() => {
      if (this.#dirty) void this.look()
    }, options.lookEveryMs)
    this.#timer.unref()
  }

  /** `cut` is called at most once. The caller closes the reader. */
  watch(sink: Sink, cut: (why: Cut) => void): Reader {
    const reader = new Reader(this, sink, cut)
    this.#readers.add(reader)
    return reader
  }

  forget(reader: Reader): void {
    this.#readers.delete(reader)
  }

  wrote(bytes: number): void {
    this.#dirty = true
    this.#unseen += bytes
    if (this.#seen + this.#unseen > this.options.maxTotalBytes) void this.look()
  }

  /** Bytes that wait for all readers. */
  total(): number {
    let total = 0
    for (const reader of this.#readers) total += reader.waiting()
    return total
  }

  /** Resolves after a look that began after the call, or one that is just beginning. One at a time, with pauses (RW4). */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Resolves after the next look, whoever wants it. */
  nextLook(): Promise<void> {
    this.#dirty = true
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    clearInterval(this.#timer)
    for (const reader of [...this.#readers]) reader.close()
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async #look(): Promise<void> {
    const { now, look } = this.options
    const rest = this.#restUntil - now()
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
    const begun = now()
    this.#dirty = false
    this.#unseen = 0
    const readers = [...this.#readers]
    for (const reader of readers) reader.looking()
    const queues = await look()
    const at = now()
    // RW2: after this process itself stood still for long, that time says nothing of its readers.
    const sinceLast = Math.min(at - this.#lastLook, 2 * this.options.lookEveryMs)
    this.#lastLook = at
    for (const reader of readers) reader.looked(queues?.get(reader.key) ?? 0, sinceLast)
    for (const reader of readers) {
      if (reader.held > this.options.maxBytes) reader.cut('behind')
      else if (reader.stalledFor() >= this.options.stalledMs) reader.cut('stalled')
      else if (reader.waiting() > 0) this.#dirty = true
    }
    this.#keepBudget()
    this.#seen = this.total()
    this.options.looked(this.#seen)
    this.#wake()
    this.#restUntil = at + Math.max(shortestPauseMs, (at - begun) * pauseFactor)
  }

  /** RW3 */
  #keepBudget(): void {
    const { maxTotalBytes } = this.options
    let total = this.total()
    if (total <= maxTotalBytes) return
    const little = total / this.#readers.size / 2
    const worst = [...this.#readers]
      .filter((reader) => reader.waiting() > little)
      .sort((a, b) => b.stalledFor() - a.stalledFor() || b.waiting() - a.waiting())
    for (const reader of worst) {
      // One that takes is on its way, unless there is far too much.
      const enough = reader.stalledFor() > 0 ? maxTotalBytes * 0.9 : maxTotalBytes * 2
      if (total <= enough) return
      total -= reader.waiting()
      reader.cut('budget')
    }
  }
}

export class Reader {
  readonly #watch: ReaderWatch
  readonly #sink: Sink
  readonly #cut: (why: Cut) => void
  /** In the tables of the system; '' where it has no connection that they name. */
  readonly key: string
  /** Bytes that waited when it was last looked at. */
  held = 0
  /** Bytes that were written by then, and when the look began that goes on. */
  #sentThen: number
  #sentAtLook: number
  /** The most that was ever known to be taken. */
  #taken: number
  /** ms for which it was seen to take nothing; undefined: it took something, or nothing waits. */
  #stalledMs: number | undefined
  #counted: number
  #ahead = firstAhead
  #closed = false

  constructor(watch: ReaderWatch, sink: Sink, cut: (why: Cut) => void) {
    this.#watch = watch
    this.#sink = sink
    this.#cut = cut
    this.key = sink.ends ? endsKey(sink.ends) : ''
    this.#sentThen = this.#sentAtLook = this.#taken = this.#counted = sink.sent()
  }

  /** RW1 */
  waiting(): number {
    return this.#closed ? 0 : this.held + this.#sink.sent() - this.#sentThen
  }

  /** ms since it last took something, as far as was seen; 0: nothing waits, or it takes. */
  stalledFor(): number {
    return this.#stalledMs ?? 0
  }

  /** Something was written. */
  wrote(): void {
    const sent = this.#sink.sent()
    this.#watch.wrote(sent - this.#counted)
    this.#counted = sent
    if (this.#sink.buffered() > this.#watch.options.maxBytes) this.cut('behind')
    else if (this.waiting() > this.#watch.options.maxBytes) void this.#watch.look()
  }

  /** RW5: resolves true when more may be written, false when it is cut or closed. */
  async roomToWrite(): Promise<boolean> {
    while (!this.#closed && !this.#sink.closed) {
      if (this.waiting() <= this.#ahead) return true
      // Of a reader that takes nothing, the look that is due anyway tells soon enough.
      await (this.#stalledMs === undefined ? this.#watch.look() : this.#watch.nextLook())
    }
    return false
  }

  looking(): void {
    this.#sentAtLook = this.#sink.sent()
  }

  /** `queued`: bytes that the system held, at some moment since `looking`. `sinceLast`: ms since the look before. */
  looked(queued: number, sinceLast: number): void {
    if (this.#closed) return
    this.held = this.#sink.buffered() + queued
    this.#sentThen = this.#sentAtLook
    const taken = this.#sentThen - this.held
    if (this.held > 0 && taken <= this.#taken) {
      this.#stalledMs = this.#stalledMs === undefined ? 0 : this.#stalledMs + sinceLast
      return
    }
    this.#stalledMs = undefined
    if (taken - this.#taken > this.#ahead / 2) this.#ahead = Math.min(this.#ahead * 2, this.#watch.options.maxBytes / 2) // RW5
    this.#taken = Math.max(this.#taken, taken)
  }

  cut(why: Cut): void {
    if (this.#closed) return
    this.close()
    this.#cut(why)
  }

  close(): void {
    this.#closed = true
    this.#watch.forget(this)
  }
}
