// The export of spans on JetStream: one durable on each stream of sessions for all instances of memory, made when the export is first turned on. It begins there:
// what was said before is exported by `reins session trace`.
import { jetstreamManager } from '@nats-io/jetstream'
import { ackInfo, type Broker, type Consumption, pull } from '@reins/broker'
import {
  allSessionsFilter,
  decodeFrame,
  parseSessionSubject,
  type SessionStreams,
  tracesDurable,
} from '@reins/contracts'
import type { Clock } from '@reins/service'
import type { Metrics } from '@reins/telemetry'
import { framesHeld, SpanExport, type SpanExportOptions } from './span-export.ts'

/** What is not turned on for so long is forgotten: then the export begins anew. */
const forgottenAfterMs = 7 * 24 * 3_600_000

export async function exportSpans(
  options: Omit<SpanExportOptions, 'on'> & {
    readonly broker: Broker
    /** That hold the sessions. */
    readonly streams: SessionStreams
    /** Of a process that died: how long until another is given what it held. */
    readonly ackWaitMs: number
    readonly clock: Pick<Clock, 'now'>
    readonly metrics: Metrics
  },
): Promise<{ close(): Promise<void> }> {
  const { broker, metrics, clock, log, ackWaitMs } = options
  const exported = metrics.counter('reins_spans_exported_total')
  const failures = metrics.counter('reins_span_export_failures_total')
  const behind = metrics.gauge('reins_span_export_behind_seconds')
  const exporting = new SpanExport({
    ...options,
    on: (what) => (what === 'failed' ? failures.inc() : exported.inc(what.exported)),
  })
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const follow = async (stream: string): Promise<Consumption> => {
    let last = 0
    const ensure = async (): Promise<void> => {
      if (await manager.consumers.info(stream, tracesDurable).catch(() => undefined)) return
      await manager.consumers.add(stream, {
        durable_name: tracesDurable,
        filter_subject: allSessionsFilter,
        ...{ ack_policy: 'explicit', ack_wait: ackWaitMs * 1e6, max_deliver: -1, max_ack_pending: framesHeld },
        inactive_threshold: forgottenAfterMs * 1e6,
        ...(last === 0
          ? { deliver_policy: 'new' as const }
          : { deliver_policy: 'by_start_sequence' as const, opt_start_seq: last + 1 }),
      })
    }
    await ensure()
    return pull(broker, {
      ...{ stream, durable: tracesDurable, recreate: ensure },
      failed: (error) => log.warn({ stream, err: error.message }, 'spans are exported no more'),
      free: () => exporting.free(),
      on: (msg) => {
        const { reply } = msg
        if (!reply) return
        const parsed = parseSessionSubject(msg.subject)
        const seq = ackInfo(reply)?.streamSeq
        if (!parsed || seq === undefined) return broker.publish(reply, '+ACK')
        const { headers } = msg
        const header = (name: string) => headers?.get(name) ?? ''
        const frame = decodeFrame({ ...parsed, seq, body: msg.string(), header })
        exporting.add({
          ...{ session: parsed.session, frame },
          ack: () => {
            last = Math.max(last, seq)
            broker.publish(reply, '+ACK')
            wake()
          },
          working: () => broker.publish(reply, '+WPI'),
        })
      },
    })
  }
  const consumptions: Consumption[] = []
  const wake = (): void => {
    for (const consumption of consumptions) consumption.wake()
  }
  for (const stream of options.streams.names) consumptions.push(await follow(stream))
  const sample = setInterval(() => {
    const oldest = exporting.oldest()
    behind.set(oldest === undefined ? 0 : Math.max(0, (clock.now() - oldest) / 1000))
  }, 5000)
  sample.unref()
  return {
    async close() {
      clearInterval(sample)
      await Promise.all(consumptions.map((consumption) => consumption.close()))
      await exporting.close()
    },
  }
}
