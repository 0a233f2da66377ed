// Exports spans while sessions work: follows the stream of the sessions, folds each session's events to spans, and gives each span to a
// collector once the event that closes it is in the stream. A projection like the index: nobody who appends waits for it, or knows of it.
//   SX1. A frame is acknowledged when the collector has taken its spans. So a process that dies, or a collector that is away, loses none;
//        a span may be sent twice, with the same ids.
//   SX2. A process that does not know a session folds it from its beginning: the spans that closed before were somebody's to send already.
//   SX3. It holds so many frames at most: while the collector is away, the stream waits.
import { setTimeout as pause } from 'node:timers/promises'
import { type Frame, isChild, knownEvents } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import { SessionSpans, type Span, SpanForest, type SpanFrame, type SpanOptions } from '@reins/trace'

/** A frame of the stream, until it is acknowledged. */
export interface ExportedFrame {
  readonly session: string
  readonly frame: Frame
  ack(): void
  /** The broker gives it to nobody else meanwhile. */
  working(): void
}

export interface SpanSink {
  /** Resolves when they are taken; rejects when they are not, and may be given again. */
  export(spans: readonly Span[]): Promise<void>
}

export interface SpanExportOptions extends Pick<SpanOptions, 'content'> {
  readonly sessions: Pick<SessionLog, 'read'>
  readonly sink: SpanSink
  readonly log: Pick<Log, 'warn' | 'info'>
  /** ms between two attempts to reach the collector; the last one again and again. */
  readonly retryMs?: readonly number[]
  /** ms after which a frame is given to somebody else, unless it is said that somebody works on it. */
  readonly ackWaitMs: number
  /** ms for which frames are gathered. */
  readonly gatherMs?: number
  on?(what: { readonly exported: number } | 'failed'): void
}

export const framesHeld = 1000
const batchFrames = 500
const sessionsKept = 5000
const pageSize = 500

export class SpanExport {
  readonly #options: SpanExportOptions
  readonly #forest: SpanForest
  #waiting: ExportedFrame[] = []
  #held = 0
  #wake: () => void = () => undefined
  readonly #stopping = new AbortController()
  readonly #done: Promise<void>

  constructor(options: SpanExportOptions) {
    this.#options = options
    this.#forest = new SpanForest(options.content ? { content: options.content } : {}, sessionsKept)
    this.#done = this.#run()
  }

  /** SX3. */
  free(): number {
    return framesHeld - this.#held
  }

  add(frame: ExportedFrame): void {
    this.#held++
    this.#waiting.push(frame)
    this.#wake()
  }

  /** epoch ms of the oldest frame whose spans are not exported; undefined: there is none. */
  oldest(): number | undefined {
    return this.#waiting[0]?.frame.at
  }

  /** What is not exported comes again, to whoever is there then. */
  async close(): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      if (this.#waiting.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      await pause(this.#options.gatherMs ?? 200, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      const batch = this.#waiting.slice(0, batchFrames)
      const alive = setInterval(() => {
        for (const { working } of this.#waiting) working()
      }, this.#options.ackWaitMs / 3)
      try {
        if (await this.#exported(batch, signal)) for (const { ack } of batch) ack()
        else return
      } finally {
        clearInterval(alive)
      }
      this.#waiting = this.#waiting.slice(batch.length)
      this.#held -= batch.length
    }
  }

  /** false: it was stopped before. */
  async #exported(batch: readonly ExportedFrame[], signal: AbortSignal): Promise<boolean> {
    const { sink, log, on, retryMs = [500, 1000, 2000, 5000, 15_000] } = this.#options
    const spans: Span[] = []
    let folded = 0
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        for (const { session, frame } of batch.slice(folded)) {
          spans.push(...(await this.#closedBy(session, frame)))
          folded++
        }
        if (spans.length > 0) await sink.export(spans)
        if (tries > 0) log.info({ spans: spans.length }, 'spans are exported again')
        on?.({ exported: spans.length })
        return true
      } catch (error) {
        on?.('failed')
        const err = error instanceof Error ? error.message : String(error)
        if (tries === 0) log.warn({ err }, 'spans cannot be exported now; they are kept in the log and sent later')
        await pause(retryMs[Math.min(tries, retryMs.length - 1)], undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }

  async #closedBy(session: string, frame: Frame): Promise<readonly Span[]> {
    const known = this.#forest.knows(session)
    if (known && frame.n <= known.n) return this.#closedEarlier(session, frame)
    if (!known && isChild(session)) await this.#parentOf(session)
    if (frame.n > (known?.n ?? 0) + 1) await this.#fold(session, frame.seq)
    return this.#forest.take(spanFrame(session, frame))
  }

  /** SX2: everything before a sequence, as far as it is not known. */
  async #fold(session: string, before: number): Promise<void> {
    for await (const one of this.#framesBehind(session, this.#forest.knows(session)?.seq ?? 0)) {
      if (one.seq >= before) return
      this.#forest.take(spanFrame(session, one))
    }
  }

  /** A child that was made before frames of children said their trace: its parent knows it. */
  async #parentOf(child: string): Promise<void> {
    const [first] = await this.#options.sessions.read(child, { after: 0, limit: 1 })
    if (!first || first.trace !== undefined) return
    for (const event of knownEvents(first))
      if (event.type === 'session.started' && event.data.parent) {
        const { session } = event.data.parent
        if (!this.#forest.knows(session) && isChild(session)) await this.#parentOf(session)
        await this.#fold(session, first.seq)
      }
  }

  /** It was given before, to this process or to another one. */
  async #closedEarlier(session: string, frame: Frame): Promise<readonly Span[]> {
    const { content } = this.#options
    const spans = new SessionSpans(session, {
      ...(content ? { content } : {}),
      traceOfCall: (above, call) => this.#forest.traceOfCall(above, call),
    })
    for await (const one of this.#framesBehind(session, 0)) {
      const closed = knownEvents(one).flatMap((event) => spans.take(event, one))
      if (one.n >= frame.n) return closed
    }
    return []
  }

  async *#framesBehind(session: string, seq: number): AsyncGenerator<Frame> {
    for (let after = seq; ; ) {
      const page = await this.#options.sessions.read(session, { after, limit: pageSize })
      yield* page
      after = page.at(-1)?.seq ?? after
      if (page.length < pageSize) return
    }
  }
}

export const spanFrame = (session: string, frame: Frame): SpanFrame => {
  const { n, at, by, trace, seq } = frame
  return { session, n, at, by, trace, seq, events: knownEvents(frame) }
}
