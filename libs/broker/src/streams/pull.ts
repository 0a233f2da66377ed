// Pulling from a durable consumer: few outstanding pulls, never more than free slots, each expiring within seconds (PROTOCOL 6, H8).
//   P1. A pull that the server forgot (a restart) is given up a second after it should have expired; a reconnect, and a new leader of
//       the consumer, give all up at once.
//   P2. A consumer that is gone is made again by `recreate`; if that fails again and again, `failed` is called once.
//   P3. A message that its callback cannot take is put back for a while, and `odd` is told; the others go on. To end the consumption for it
//       would hand the same message to whoever is started next, and end that one too.
//   P4. The server serves its pulls in turns and does not say which one a message is for: what is counted is their sum, which the
//       word of an expired pull corrects.
//   P5. What was on its way when the consumption was closed is given back: it would come again only after ack_wait.
import { setTimeout as pause } from 'node:timers/promises'
import { createInbox, type Msg } from '@nats-io/nats-core'
import type { Broker } from '../connection/broker.ts'
import { pullNextSubject } from './jetstream-api.ts'

const expiresMs = 4500
const maxOutstanding = 8
const tickMs = 250
const drainMs = 500
/** P3. */
const putBackMs = 30_000

export interface Consumption {
  /** Tells it that slots became free. */
  wake(): void
  /** Stops pulling; what was handed out stays with its holders. */
  close(): Promise<void>
}

export interface PullOptions {
  readonly stream: string
  readonly durable: string
  free(): number
  on(msg: Msg): void
  failed(error: Error): void
  /** P3. Told of each, for a log. */
  readonly odd?: ((error: Error) => void) | undefined
  /** Makes the durable again where it was (PROTOCOL 6). */
  recreate(): Promise<void>
}

interface Pull {
  readonly batch: number
  readonly deadline: number
}

export function pull(broker: Broker, options: PullOptions): Consumption {
  const inbox = createInbox(broker.inbox)
  const pulls = new Map<string, Pull>()
  /** Messages that may still come for all of them (P4). */
  let outstanding = 0
  let next = 0
  let closed = false
  let recreating: Promise<void> | undefined
  const ask = pullNextSubject(options.stream, options.durable)

  const fail = (error: Error) => {
    if (closed) return
    stop()
    subscription.unsubscribe()
    options.failed(error)
  }

  const subscription = broker.nc.subscribe(`${inbox}.*`, {
    callback: (error, msg) => {
      if (error) return fail(error)
      if (msg.subject.startsWith(inbox)) return onStatus(msg)
      if (closed) return giveBack(msg)
      outstanding = Math.max(outstanding - 1, 0)
      try {
        options.on(msg)
      } catch (cause) {
        giveBack(msg, putBackMs)
        options.odd?.(new Error(`${options.durable} cannot take ${msg.subject}`, { cause }))
      }
      fill()
    },
  })
  const reconnects = broker.onReconnect(() => {
    forgetPulls()
    fill()
  })
  // Its new leader knows of no pull of the old one (B7).
  const elections = broker.onElected((stream, durable) => {
    if (stream !== options.stream || durable !== options.durable) return
    forgetPulls()
    fill()
  })
  const tick = setInterval(() => {
    const now = performance.now()
    for (const [key, { deadline }] of pulls) {
      if (deadline >= now) break
      pulls.delete(key)
    }
    unused(0)
    fill()
  }, tickMs)

  /** So many will not come after all, and never more than the pulls that are left asked for. */
  function unused(count: number): void {
    let most = 0
    for (const { batch } of pulls.values()) most += batch
    outstanding = Math.max(Math.min(outstanding - count, most), 0)
  }

  function forgetPulls(): void {
    pulls.clear()
    outstanding = 0
  }

  function giveBack(msg: Msg, delayMs = 0): void {
    if (msg.reply)
      broker.publish(msg.reply, delayMs === 0 ? '-NAK' : `-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`)
  }

  function onStatus(msg: Msg): void {
    const key = msg.subject.slice(inbox.length + 1)
    const code = msg.headers?.code ?? 0
    if (code === 100 || closed) return
    const over = pulls.get(key)
    if (over) {
      pulls.delete(key)
      unused(Number(msg.headers?.get('Nats-Pending-Messages') || over.batch))
    }
    const gone = code === 503 || (code === 409 && /consumer (deleted|not found)/i.test(msg.headers?.description ?? ''))
    if (gone) {
      forgetPulls()
      recreating ??= again().finally(() => {
        recreating = undefined
        fill()
      })
    } else if (code === 408 || code === 404) fill()
    // Any other refusal (a leader that moves, too many waiting) is answered by the next tick, not by a storm of pulls.
  }

  async function again(): Promise<void> {
    await pause(200)
    for (let tries = 1; !closed; tries++) {
      try {
        return await options.recreate()
      } catch (cause) {
        if (tries >= 60)
          return fail(new Error(`the consumer ${options.durable} is gone and cannot be made again`, { cause }))
        await pause(500)
      }
    }
  }

  function fill(): void {
    if (closed || recreating || !broker.connected()) return
    const target = Math.min(options.free(), maxOutstanding)
    if (outstanding > target / 2 || target - outstanding <= 0) return
    const batch = target - outstanding
    const key = (next++).toString(36)
    pulls.set(key, { batch, deadline: performance.now() + expiresMs + 1000 })
    outstanding += batch
    broker.publish(ask, JSON.stringify({ batch, expires: expiresMs * 1e6 }), { reply: `${inbox}.${key}` })
  }

  function stop(): void {
    closed = true
    clearInterval(tick)
    reconnects.close()
    elections.close()
    forgetPulls()
  }

  fill()
  return {
    wake: fill,
    close: async () => {
      if (closed) return
      stop()
      // Ends when the server has answered that nothing more is coming; a broker that is away is not waited for.
      let late: NodeJS.Timeout | undefined
      const enough = new Promise<void>((resolve) => {
        late = setTimeout(resolve, drainMs)
      })
      await Promise.race([subscription.drain().catch(() => undefined), enough])
      clearTimeout(late)
    },
  }
}

export interface AckInfo {
  readonly stream: string
  readonly consumer: string
  /** In that stream. */
  readonly streamSeq: number
  readonly deliveries: number
  /** epoch ms at which the broker stored the message */
  readonly storedAt: number
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>[.<token>]` */
export function ackInfo(reply: string | undefined): AckInfo | undefined {
  const tokens = reply?.split('.') ?? []
  const from = tokens.length >= 11 ? 6 : 4
  const [stream = '', consumer = '', deliveries, streamSeq, , stored] = tokens.slice(from - 2)
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || stored === undefined) return undefined
  return {
    stream,
    consumer,
    streamSeq: Number(streamSeq),
    deliveries: Number(deliveries),
    storedAt: Number(stored) / 1e6,
  }
}
