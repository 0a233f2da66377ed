// What stands before a `session.archived` is taken out of the stream. That frame is the order to do so: one durable on each stream hands it to
// one instance of memory, again and again until it is done, whoever dies. To do it twice changes nothing.
import { jetstreamManager } from '@nats-io/jetstream'
import { ackInfo, type Broker, type Consumption, pull } from '@reins/broker'
import {
  archiveDurable,
  archivedFilter,
  decodeFrame,
  type Frame,
  ownSessionSubject,
  type SessionStreams,
} from '@reins/contracts'
import type { Archivist } from '@reins/journal'
import type { PausePoint } from '@reins/service'
import type { Log } from '@reins/telemetry'

export interface TakeOutOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  readonly archivist: Archivist
  readonly ackWaitMs: number
  readonly pauseAt?: PausePoint
  readonly log: Log
  /** Frames have left the stream. */
  readonly onTaken: () => void
}

const atOnce = 4
const againMs = 5000

/** Resolves when the durables are there; the caller closes it. */
export async function takeOutArchived(options: TakeOutOptions): Promise<{ close(): Promise<void> }> {
  const { broker, streams, archivist, ackWaitMs, pauseAt = async () => {}, log, onTaken } = options
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const consumptions: Consumption[] = []
  let busy = 0
  let closed = false

  const takeOut = async (session: string, frame: Frame, reply: string): Promise<void> => {
    busy++
    const working = setInterval(() => broker.publish(reply, '+WPI'), ackWaitMs / 2)
    try {
      await pauseAt('memory.archive-before-taking-out')
      await archivist.takeOut(session, frame)
      await pauseAt('memory.archive-taken-out')
      broker.publish(reply, '+ACK')
      onTaken()
    } catch (error) {
      if (!closed) log.warn({ session, err: String(error) }, 'frames in the archive still stand in the stream')
      broker.publish(reply, `-NAK {"delay": ${againMs * 1e6}}`)
    } finally {
      clearInterval(working)
      busy--
      for (const consumption of consumptions) consumption.wake()
    }
  }

  const follow = async (stream: string): Promise<Consumption> => {
    const ensure = async (): Promise<void> => {
      if (await manager.consumers.info(stream, archiveDurable).catch(() => undefined)) return
      await manager.consumers.add(stream, {
        durable_name: archiveDurable,
        filter_subject: archivedFilter,
        ...{ ack_policy: 'explicit', ack_wait: ackWaitMs * 1e6, max_deliver: -1, max_ack_pending: 64 },
        // Frames of before it are there too: what they order may have been done, and is done again.
        deliver_policy: 'all',
      })
    }
    await ensure()
    return pull(broker, {
      ...{ stream, durable: archiveDurable, recreate: ensure },
      failed: (error) => log.warn({ stream, err: error.message }, 'frames in the archive stay in the stream'),
      free: () => Math.max(0, atOnce - busy),
      on: (msg) => {
        const { reply, headers } = msg
        const parsed = ownSessionSubject(msg.subject)
        const seq = reply ? ackInfo(reply)?.streamSeq : undefined
        if (!reply) return
        if (!parsed || seq === undefined) return broker.publish(reply, '+ACK')
        const header = (name: string) => headers?.get(name) ?? ''
        void takeOut(parsed.session, decodeFrame({ seq, role: parsed.role, body: msg.string(), header }), reply)
      },
    })
  }

  for (const stream of streams.names) consumptions.push(await follow(stream))
  return {
    async close() {
      closed = true
      await Promise.all(consumptions.map((consumption) => consumption.close()))
    },
  }
}
