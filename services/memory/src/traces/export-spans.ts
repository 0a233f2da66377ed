// The export of spans on JetStream: while it is this memory's (export-place.ts), the frames behind its place are gathered
// (frames-behind.ts), folded and sent (span-export.ts), and then the place moves on.
import { type Broker, ensureExports } from '@reins/broker'
import type { SessionStreams } from '@reins/contracts'
import { runLoop } from '@reins/projection'
import type { Clock } from '@reins/service'
import type { Log, Metrics } from '@reins/telemetry'
import type { Places } from '../index/index-checkpoint.ts'
import { placesAfter } from '../index/session-stream.ts'
import { holdExport } from './export-place.ts'
import { FramesBehind, type FramesBehindOptions } from './frames-behind.ts'
import { SpanExport, type SpanExportOptions } from './span-export.ts'

const gatherMs = 200

export interface ExportSpansOptions extends Omit<SpanExportOptions, 'on' | 'log'> {
  readonly broker: Broker
  /** That hold the sessions. */
  readonly streams: SessionStreams
  /** Of this start of this process. */
  readonly instance: string
  /** Frames that this process appends, as they are acked. Absent: all of them are read. */
  readonly framesHere?: FramesBehindOptions['framesHere']
  /** ms of silence after which another memory is taken to be gone. Default 10 000. */
  readonly silentMs?: number
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly metrics: Metrics
}

/** Resolves when it exports what is appended from now on, or has failed to begin, and tries again. */
export async function exportSpans(options: ExportSpansOptions): Promise<{ close(): Promise<void> }> {
  const { broker, streams, framesHere, metrics, clock, log } = options
  const exported = metrics.counter('reins_spans_exported_total')
  const failures = metrics.counter('reins_span_export_failures_total')
  const behind = metrics.gauge('reins_span_export_behind_seconds')
  const exporting = new SpanExport({
    ...options,
    on: (what) => (what === 'failed' ? failures.inc() : exported.inc(what.exported)),
  })
  const begun = Promise.withResolvers<void>()
  let reached: Places | undefined
  /** ms, of the batches since the last sample. */
  let oldest = 0
  const ageOf = (at: number | undefined): number => (at === undefined ? 0 : Math.max(0, clock.now() - at))
  const loop = runLoop({
    what: 'the export of spans',
    log,
    failed: () => begun.resolve(),
    async follow({ signal, enter, progressed }) {
      await ensureExports(broker, streams)
      const held = await holdExport(options, reached, signal)
      if (!held) return
      reached = held.places
      const over = AbortSignal.any([signal, held.lost])
      const frames = new FramesBehind({ broker, streams, gatherMs, ...(framesHere ? { framesHere } : {}) })
      begun.resolve()
      try {
        enter({ kind: 'following' })
        while (!over.aborted) {
          const batch = await frames.next(reached, over)
          oldest = Math.max(oldest, ageOf(batch[0]?.frame?.at))
          if (!(await exporting.export(batch, over))) break
          reached = placesAfter(reached, batch)
          held.movedTo(reached)
          progressed()
        }
      } finally {
        frames.close()
        await held.release()
      }
    },
  })
  await begun.promise
  const sample = setInterval(() => {
    behind.set(Math.max(oldest, ageOf(exporting.oldest())) / 1000)
    oldest = 0
  }, 5000)
  sample.unref()
  return {
    async close() {
      clearInterval(sample)
      await loop.close()
    },
  }
}
