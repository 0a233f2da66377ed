// How large the streams of the broker are, for whoever watches the disk: asked twice a minute.
import { jetstreamManager } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { type SessionStreams, streams } from '@reins/contracts'
import type { Closing } from '@reins/service'
import type { Metrics } from '@reins/telemetry'

const everyMs = 15_000

/** Ends with `closing`. While the broker is away the gauges stay as they are. */
export async function watchStreamSizes(
  broker: Broker,
  sessions: SessionStreams,
  metrics: Metrics,
  closing: Closing,
): Promise<void> {
  const bytes = metrics.gauge('reins_stream_bytes')
  const messages = metrics.gauge('reins_stream_messages')
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: 5000 })
  const look = async (): Promise<void> => {
    for (const stream of [...sessions.names, ...Object.values(streams)]) {
      const { state } = await manager.streams.info(stream)
      bytes.set({ stream }, state.bytes)
      messages.set({ stream }, state.messages)
    }
  }
  const sample = setInterval(() => void look().catch(() => undefined), everyMs)
  sample.unref()
  void look().catch(() => undefined)
  closing.add('stream sizes', () => clearInterval(sample))
}
