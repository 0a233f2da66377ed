// How large the streams of the broker are, for whoever watches the disk: asked four times a minute. A store that is nearly as full as it
// may be is named by `/health`.
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, storeLimits } from '@reins/broker'
import { type SessionStreams, streams } from '@reins/contracts'
import type { Closing } from '@reins/service'
import type { Metrics } from '@reins/telemetry'

const everyMs = 15_000
const nearlyFull = 0.95

/** Ends with `closing`. While the broker is away the gauges stay as they are. Gives parts of `/health`. */
export async function watchStreamSizes(
  broker: Broker,
  sessions: SessionStreams,
  metrics: Metrics,
  closing: Closing,
): Promise<() => Readonly<Record<string, string>>> {
  const bytes = metrics.gauge('reins_stream_bytes')
  const messages = metrics.gauge('reins_stream_messages')
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: 5000 })
  let full: readonly string[] = []
  let before = sessions.names
  const look = async (): Promise<void> => {
    // One that was split is gone.
    for (const stream of before.filter((name) => !sessions.names.includes(name)))
      for (const gauge of [bytes, messages]) gauge.remove({ stream })
    before = sessions.names
    for (const stream of [...sessions.names, ...Object.values(streams)]) {
      const { state } = await manager.streams.info(stream)
      bytes.set({ stream }, state.bytes)
      messages.set({ stream }, state.messages)
    }
    const found: string[] = []
    for (const { stream, meaning } of storeLimits) {
      const { state, config } = await manager.streams.info(stream)
      bytes.set({ stream }, state.bytes)
      messages.set({ stream }, state.messages)
      if (meaning !== undefined && config.max_bytes > 0 && state.bytes >= nearlyFull * config.max_bytes)
        found.push(`${stream} holds ${state.bytes} of at most ${config.max_bytes} bytes: ${meaning}`)
    }
    full = found
  }
  const sample = setInterval(() => void look().catch(() => undefined), everyMs)
  sample.unref()
  void look().catch(() => undefined)
  closing.add('stream sizes', () => clearInterval(sample))
  return () => (full.length === 0 ? {} : { stores: full.join('; ') })
}
