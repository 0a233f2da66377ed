// One viewer of a session: history from its cursor, then what its source brings, with no gap and no repeat.
//   V1. It becomes live in one step, when it has written exactly what its source has seen.
//   V2. What waits for its reader is bounded (reader-watch.ts); a reader that is too slow is told so and closed.
import { type Cursor, type Delta, knownEvents, ReinsError } from '@reins/contracts'
import type { SessionFrame } from '@reins/journal'
import { answerRestarted, apiDelta, apiEvents, endOf, type View } from '../api/reads/views.ts'
import { Batch, Item } from './batch.ts'
import type { HeldDelta, Listener } from './hub.ts'
import type { OpenBlock } from './open-answers.ts'
import type { Cut, Reader, ReaderWatch } from './reader-watch.ts'
import type { Sink } from './sink.ts'

/** Frames in order. `more`: what comes after them is there already. */
export interface History {
  readonly frames: readonly SessionFrame[]
  readonly more: boolean
}

/** What a viewer looks at. */
export interface Source {
  readonly view: View
  /** The end of the last frame that it has seen. */
  readonly last: Pick<Cursor, 'seq' | 'n' | 'i'>
  /** Resolves when it goes on with the session, and with `deltas` knows the open answers. */
  ready(deltas: boolean): Promise<void>
  /** Of a session up to `limit` frames behind one; of a tree all. `leader`: from where nothing is missing. */
  history(after: { readonly seq: number; readonly n: number }, limit: number, leader: boolean): Promise<History>
  /** Frames that the viewer has read: the source may not have seen them yet. */
  offer(frames: readonly SessionFrame[]): void
  /** Shows what it still holds back to those who wait for it: whoever joins has all of that already. */
  letGo(): void
  /** Resolves when it is not just reading. */
  settled(): Promise<void>
  openBlocks(): readonly OpenBlock[]
  /** That the session waits for a slot, if it does. */
  queued(): Item | undefined
  /** Its calls that have shown nothing for a while. */
  slow(): readonly Item[]
}

export interface ViewerOptions {
  readonly deltas: boolean
  readonly watch: ReaderWatch
  readonly slow: (why: Cut) => ReinsError
}

const historyPage = 32
const maxRounds = 1000

export class Viewer implements Listener {
  readonly deltas: boolean
  live = false
  readonly #source: Source
  readonly #sink: Sink
  readonly #reader: Reader
  readonly #cursor: Cursor
  #within: Cursor['within']
  /** Blocks that it cannot show in one piece, or has read further than its source: the offset that it waits for. */
  readonly #offsets = new Map<string, number>()

  constructor(source: Source, sink: Sink, cursor: Cursor, options: ViewerOptions) {
    this.#source = source
    this.#sink = sink
    this.#cursor = cursor
    this.#within = cursor.within
    this.#reader = options.watch.watch(sink, (why) => this.fail(options.slow(why)))
    this.deltas = options.deltas
  }

  /** Resolves when it is live, or its sink is closed. */
  async join(): Promise<void> {
    try {
      await this.#source.ready(this.deltas)
      await this.#history()
    } catch {
      this.#sink.fail(new ReinsError('unavailable', 'The event store did not answer in time.'))
    }
  }

  /** From the source, while live. */
  show(batch: Batch): void {
    if (this.#sink.closed) return
    this.#sink.write(batch)
    this.#reader.wrote()
  }

  /** `rendered`: the delta as it is for everybody who has read all that came before it. */
  showDelta(session: string, delta: Delta, rendered: Batch): void {
    const key = this.#offsets.size === 0 ? undefined : blockKey(session, delta)
    const from = key === undefined ? undefined : this.#offsets.get(key)
    if (key === undefined || from === undefined) {
      this.show(rendered)
      return
    }
    const end = delta.offset + delta.text.length
    if (end <= from || delta.offset > from) return
    this.#offsets.delete(key)
    const rest = { ...delta, offset: from, text: delta.text.slice(from - delta.offset) }
    this.show(new Batch([new Item(apiDelta(this.#source.view, session, this.#source.last, rest))]))
  }

  showDeltas(deltas: readonly HeldDelta[], joined: Batch): void {
    if (this.#offsets.size === 0) this.show(joined)
    else for (const { session, delta, rendered } of deltas) this.showDelta(session, delta, rendered)
  }

  heartbeat(): void {
    if (!this.live || this.#sink.closed) return
    this.#sink.heartbeat()
    this.#reader.wrote()
  }

  /** Its sink was closed. */
  left(): void {
    this.live = false
    this.#reader.close()
  }

  end(): void {
    this.left()
    this.#sink.end()
  }

  fail(error: ReinsError): void {
    this.left()
    this.#sink.fail(error)
  }

  async #history(): Promise<void> {
    // From the frame that the cursor lies in.
    let at = { seq: Math.max(this.#cursor.seq - 1, 0), n: Math.max(this.#cursor.n - 1, 0) }
    for (let round = 0; ; ) {
      // What the source has seen exists: where the nearest copy does not show it yet, the leader does.
      const { frames, more } = await this.#source.history(at, historyPage, round > 0)
      for (const one of frames) {
        at = { seq: one.frame.seq, n: one.frame.n }
        this.#write(one)
        if (!(await this.#reader.roomToWrite())) return // V2
      }
      if (this.#sink.closed) return
      if (more) continue
      this.#source.offer(frames)
      if (at.seq > this.#source.last.seq) await this.#source.settled()
      if (at.seq === this.#source.last.seq) break
      if (++round > maxRounds) throw new ReinsError('unavailable')
    }
    this.#source.letGo()
    this.live = true // V1: nothing is awaited between the comparison and this.
    if (!this.deltas) return
    for (const block of this.#source.openBlocks()) this.#catchUp(block)
    const queued = this.#source.queued()
    const hints = [...(queued ? [queued] : []), ...this.#source.slow()]
    if (hints.length > 0) this.show(new Batch(hints))
  }

  #write({ session, frame }: SessionFrame): void {
    const known = frame.seq === this.#cursor.seq ? this.#cursor.i : -1
    const items = apiEvents(this.#source.view, session, frame, known).map((event) => new Item(event))
    for (const event of knownEvents(frame)) {
      // The cursor lies inside an attempt that was replaced: what the client has shown of it is void.
      const within = this.#within
      if (event.type !== 'model-call.started' || !within || event.data.call !== within.call) continue
      if (event.data.attempt <= within.attempt) continue
      this.#within = undefined
      const { call, attempt } = event.data
      if (this.deltas)
        items.push(new Item(answerRestarted(this.#source.view, session, endOf(frame), { call, attempt })))
    }
    if (items.length > 0) this.show(new Batch(items))
  }

  /** What has been streamed already of an answer that is being made. */
  #catchUp(open: OpenBlock): void {
    const within = this.#within
    const same = within?.call === open.call && within.attempt === open.attempt
    if (same && open.block < within.block) return
    const from = same && open.block === within.block ? within.offset : 0
    const end = open.start + open.text.length
    const key = blockKey(open.session, open)
    if (from < open.start || from > end) {
      // Its beginning is not kept any more, or the client is ahead of this gateway.
      this.#offsets.set(key, from < open.start ? Number.MAX_SAFE_INTEGER : from)
      return
    }
    if (from === end) return
    const { session, call, attempt, block, kind, tool, toolCall } = open
    const delta: Delta = {
      ...{ call, attempt, block, kind, offset: from, text: open.text.slice(from - open.start) },
      ...(tool === undefined ? {} : { tool }),
      ...(toolCall === undefined ? {} : { toolCall }),
    }
    this.show(new Batch([new Item(apiDelta(this.#source.view, session, this.#source.last, delta))]))
  }
}

const blockKey = (session: string, { call, attempt, block }: Pick<Delta, 'call' | 'attempt' | 'block'>): string =>
  `${session}/${call}/${attempt}/${block}`
