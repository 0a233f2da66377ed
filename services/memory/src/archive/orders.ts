// Frames that are orders: one durable on each stream hands each of them to one instance of memory, again and again until it is done, whoever
// dies. To do it twice changes nothing. What is no order after all, since what it says is not so, is said once and left: the broker hands out
// a bounded number of orders that are not carried out, and others would wait behind it.
import { jetstreamManager } from '@nats-io/jetstream'
import { ackInfo, type Broker, type Consumption, ensureDurable, pull } from '@reins/broker'
import { decodeFrame, type Frame, ownSessionSubject, type SessionStreams } from '@reins/contracts'
import type { Log } from '@reins/telemetry'

export interface OrdersOptions {
  readonly broker: Broker
  readonly streams: SessionStreams
  readonly durable: string
  readonly filter: string
  /** At once, in this process. */
  readonly atOnce: number
  readonly ackWaitMs: number
  readonly log: Log
  /** Said of an order that is not carried out yet. */
  readonly undone: string
  /** Resolves when the order is carried out, or the frame is none. */
  readonly carryOut: (session: string, frame: Frame) => Promise<void>
  /** Whether a failure says that it is no order after all. */
  readonly isNone?: (error: unknown) => boolean
}

const againMs = 5000
/** Whoever gets an order again says within this time that it is still not done. */
const undoneForMs = 60_000

export interface Orders {
  /** `ok`, or why an order that this process was handed lately is not carried out yet. */
  health(): string
  close(): Promise<void>
}

/** Resolves when the durables are there; the caller closes it. */
export async function followOrders(options: OrdersOptions): Promise<Orders> {
  const { broker, streams, durable, filter, atOnce, ackWaitMs, log, undone, carryOut, isNone = () => false } = options
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const consumptions: Consumption[] = []
  let busy = 0
  let closed = false
  let failed: { readonly session: string; readonly why: string; readonly at: number } | undefined

  const take = async (session: string, frame: Frame, reply: string): Promise<void> => {
    busy++
    const working = setInterval(() => broker.publish(reply, '+WPI'), ackWaitMs / 2)
    try {
      await carryOut(session, frame)
      if (failed?.session === session) failed = undefined
      broker.publish(reply, '+ACK')
    } catch (error) {
      if (!closed) log.warn({ session, err: String(error) }, undone)
      failed = { session, why: error instanceof Error ? error.message : String(error), at: performance.now() }
      broker.publish(reply, isNone(error) ? '+ACK' : `-NAK {"delay": ${againMs * 1e6}}`)
    } finally {
      clearInterval(working)
      busy--
      for (const consumption of consumptions) consumption.wake()
    }
  }

  const follow = async (stream: string): Promise<Consumption> => {
    const wanted = {
      durable_name: durable,
      filter_subject: filter,
      ack_policy: 'explicit',
      ...{ ack_wait: ackWaitMs * 1e6, max_deliver: -1, max_ack_pending: 64 },
      // Frames of before it are there too: what they order may have been done, and is done again.
      deliver_policy: 'all',
    } as const
    await ensureDurable(manager, stream, wanted)
    return pull(broker, {
      ...{ stream, durable, recreate: () => ensureDurable(manager, stream, wanted, 0) },
      failed: (error) => log.warn({ stream, err: error.message }, undone),
      free: () => Math.max(0, atOnce - busy),
      on: (msg) => {
        const { reply, headers } = msg
        const parsed = ownSessionSubject(msg.subject)
        const seq = reply ? ackInfo(reply)?.streamSeq : undefined
        if (!reply) return
        if (!parsed || seq === undefined) return broker.publish(reply, '+ACK')
        const header = (name: string) => headers?.get(name) ?? ''
        void take(parsed.session, decodeFrame({ ...parsed, seq, body: msg.string(), header }), reply)
      },
    })
  }

  for (const stream of streams.names) consumptions.push(await follow(stream))
  return {
    health: () =>
      failed && performance.now() - failed.at < undoneForMs ? `${undone} (${failed.session}): ${failed.why}` : 'ok',
    async close() {
      closed = true
      await Promise.all(consumptions.map((consumption) => consumption.close()))
    },
  }
}
