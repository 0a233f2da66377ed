// Notices that the one stream of sessions was split over four, and tells those of this process who hold something of it.
//   LY1. Only where there is one stream is anything asked, and then one small question: a stream is split once in its life.
//   LY2. A split that is under way is asked about often, so the moment in which nobody can append is short.
//   LY3. Whoever is told finds the four streams in the object that had the one.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, splitState } from '@reins/broker'
import type { SessionStreams, SplittableStreams } from '@reins/contracts'
import type { Subscription } from '../port.ts'

export interface Layout {
  readonly streams: SessionStreams
  /** Called once, after the streams have changed. Never, where there are several from the beginning. */
  onSplit(on: () => void): Subscription
}

/** How soon a process notices that a split has begun: who splits waits for longer than that before he closes the stream. */
const lookMs = 2000
const underWayMs = 50
const answerMs = 2000

/** Ends with the connection. */
export function watchLayout(broker: Broker, streams: SplittableStreams): Layout {
  const listeners = new Set<() => void>()
  const watch = async (): Promise<void> => {
    const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: answerMs })
    while (!broker.nc.isClosed()) {
      const state = broker.connected() ? await splitState(manager).catch(() => 'under-way') : 'none'
      if (state === 'done') {
        streams.split() // LY3
        for (const on of listeners) on()
        return
      }
      await pause(state === 'under-way' ? underWayMs : lookMs, undefined, { ref: false })
    }
  }
  if (streams.names.length === 1) void watch().catch(() => undefined)
  return {
    streams,
    onSplit(on) {
      listeners.add(on)
      return { close: () => void listeners.delete(on) }
    },
  }
}
