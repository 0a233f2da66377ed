// One viewer of a session: history from its cursor, then what its source brings, with no gap and no repeat.
//   V1. It becomes live in one step, when it has written exactly what its source has seen.
//   V2. What waits for its reader is bounded (reader-watch.ts); a reader that is too slow is told so and closed.
//   V3. Until it is live its cursors name no more of the open answers than it has been shown: first what its own cursor named, then each
//       that it catches up with. A connection may break between two of them.
import { type Cursor, type Delta, knownEvents, type Place, ReinsError } from '@reins/contracts'
import { placeBefore, type SessionFrame } from '@reins/journal'
import { type At, answerRestarted, apiDelta, apiEvents, endOf, type View } from '../api/reads/views.ts'
import { Batch, Item } from './batch.ts'
import type { HeldDelta, Listener } from './hub.ts'
import type { OpenBlock } from './answers/open-answers.ts'
import type { Cut, Reader, ReaderWatch } from './readers/reader-watch.ts'
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
  readonly last: At
  /** Resolves when it goes on with the session, and with `deltas` knows the open answers. */
  ready(deltas: boolean): Promise<void>
  /** Up to `limit` frames behind one. `leader`: from where nothing is missing. */
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
  /** V3: by session and call. */
  readonly #places = new Map<string, Place>()
  /** Blocks that it cannot show in one piece, or has read further than its source: the offset that it waits for. */
  readonly #offsets = new Map<string, number>()

  constructor(source: Source, sink: Sink, cursor: Cursor, options: ViewerOptions) {
    this.#source = source
    this.#sink = sink
    this.#cursor = cursor
    const own = cursor.within ? [{ session: cursor.of, ...cursor.within }] : []
    for (const place of cursor.places ?? own) this.#places.set(placeKey(place.session, place.call), place)
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
    this.show(new Batch([new Item(apiDelta(this.#source.view, session, this.#at(this.#source.last), rest))]))
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
    let at = { seq: placeBefore(this.#cursor.seq), n: Math.max(this.#cursor.n - 1, 0) }
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
    const { view } = this.#source
    const known = frame.seq === this.#cursor.seq ? this.#cursor.i : -1
    const restarted: { readonly call: string; readonly attempt: number }[] = []
    for (const event of knownEvents(frame)) {
      if (event.type !== 'model-call.started' && event.type !== 'model-call.completed') continue
      const { call, attempt } = event.data
      const place = this.#places.get(placeKey(session, call))
      if (!place) continue
      // The cursor lies inside an attempt that was replaced: what the client has shown of it is void.
      if (event.type === 'model-call.started' && attempt > place.attempt) restarted.push({ call, attempt })
      else if (event.type === 'model-call.started') continue
      this.#places.delete(placeKey(session, call))
    }
    const { places } = this.#at(this.#source.last)
    const items = apiEvents(view, session, frame, known, places).map((event) => new Item(event))
    if (this.deltas)
      for (const data of restarted) {
        items.push(new Item(answerRestarted(view, session, this.#at(endOf(session, frame)), data)))
      }
    if (items.length > 0) this.show(new Batch(items))
  }

  /** V3 */
  #at(at: At): At {
    return this.#source.view.tree && this.#places.size > 0 ? { ...at, places: [...this.#places.values()] } : at
  }

  /** What has been streamed already of an answer that is being made. */
  #catchUp(open: OpenBlock): void {
    const { session, call, attempt, block, kind, tool, toolCall } = open
    const place = this.#places.get(placeKey(session, call))
    const same = place?.attempt === attempt
    if (same && block < place.block) return
    const from = same && block === place.block ? place.offset : 0
    const end = open.start + open.text.length
    const key = blockKey(session, open)
    if (from < open.start || from > end) {
      // Its beginning is not kept any more, or the client is ahead of this gateway.
      this.#offsets.set(key, from < open.start ? Number.MAX_SAFE_INTEGER : from)
      return
    }
    if (from === end) return
    const delta: Delta = {
      ...{ call, attempt, block, kind, offset: from, text: open.text.slice(from - open.start) },
      ...(tool === undefined ? {} : { tool }),
      ...(toolCall === undefined ? {} : { toolCall }),
    }
    this.#places.set(placeKey(session, call), { session, call, attempt, block, offset: end })
    this.show(new Batch([new Item(apiDelta(this.#source.view, session, this.#at(this.#source.last), delta))]))
  }
}

const placeKey = (session: string, call: string): string => `${session}/${call}`

const blockKey = (session: string, { call, attempt, block }: Pick<Delta, 'call' | 'attempt' | 'block'>): string =>
  `${session}/${call}/${attempt}/${block}`
