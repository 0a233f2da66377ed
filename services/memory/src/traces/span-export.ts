// Exports spans: folds each session's events to spans, and gives each span to a collector once the event that closes it is in the stream. A
// projection like the index: nobody who appends waits for it, or knows of it.
//   SX1. A batch of frames is exported when the collector has taken its spans, and only then may it be left behind. So a process that dies, or
//        a collector that is away, loses none; a span may be sent twice, with the same ids.
//   SX2. A process that does not know a session folds it from its beginning: the spans that closed before were somebody's to send already.
//   SX3. One batch at a time: while the collector is away, the stream waits.
import { setTimeout as pause } from 'node:timers/promises'
import { type Frame, isChild, knownEvents } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import { SessionSpans, type Span, SpanForest, type SpanFrame, type SpanOptions } from '@reins/trace'

/** A frame of the stream; without a session or a frame, a message that is none. */
export interface ExportedFrame {
  readonly session: string | undefined
  readonly frame: Frame | undefined
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
  on?(what: { readonly exported: number } | 'failed'): void
}

const sessionsKept = 5000
const pageSize = 500

export class SpanExport {
  readonly #options: SpanExportOptions
  readonly #forest: SpanForest
  #oldest: number | undefined

  constructor(options: SpanExportOptions) {
    this.#options = options
    this.#forest = new SpanForest(options.content ? { content: options.content } : {}, sessionsKept)
  }

  /** epoch ms of the oldest frame of the batch that the collector has not taken; undefined: there is none. */
  oldest(): number | undefined {
    return this.#oldest
  }

  /** SX1. Resolves with true when the collector has them all, however long that takes; false: `signal` came first. */
  async export(batch: readonly ExportedFrame[], signal: AbortSignal): Promise<boolean> {
    const { sink, log, on, retryMs = [500, 1000, 2000, 5000, 15_000] } = this.#options
    const spans: Span[] = []
    let folded = 0
    this.#oldest = batch.find(({ frame }) => frame)?.frame?.at
    try {
      for (let tries = 0; !signal.aborted; tries++) {
        try {
          for (const { session, frame } of batch.slice(folded)) {
            if (session !== undefined && frame)
              spans.push(...(this.#next(session, frame) ?? (await this.#closedBy(session, frame))))
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
    } finally {
      this.#oldest = undefined
    }
  }

  /** Of a frame that follows what is known, as nearly all do. */
  #next(session: string, frame: Frame): readonly Span[] | undefined {
    return this.#forest.knows(session)?.n === frame.n - 1 ? this.#forest.take(spanFrame(session, frame)) : undefined
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
