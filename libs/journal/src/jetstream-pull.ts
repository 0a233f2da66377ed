// Pulling from a durable consumer: few outstanding pulls, never more than free slots, each expiring within seconds (PROTOCOL 6, H8).
//   P1. A pull that the server forgot (a restart) is given up a second after it should have expired; a reconnect gives all up at once.
//   P2. A consumer that is gone is made again by `recreate`; if that fails again and again, `failed` is called once.
//   P3. A callback that throws ends the consumption through `failed`: silence would look like idleness.
import { createInbox, type Msg } from '@nats-io/nats-core'
import type { Broker } from './broker.ts'
import type { Consumption } from './port.ts'

const expiresMs = 4500
const maxOutstanding = 8
const tickMs = 250

export interface PullOptions {
  readonly stream: string
  readonly durable: string
  free(): number
  on(msg: Msg): void
  failed(error: Error): void
  /** Makes the durable again where it was (PROTOCOL 6). */
  recreate(): Promise<void>
}

interface Pull {
  remaining: number
  readonly deadline: number
}

export function pull(broker: Broker, options: PullOptions): Consumption {
  const inbox = createInbox()
  const pulls = new Map<string, Pull>()
  let next = 0
  let closed = false
  let recreating: Promise<void> | undefined
  const ask = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.durable}`

  const fail = (error: Error) => {
    if (closed) return
    stop()
    options.failed(error)
  }

  const subscription = broker.nc.subscribe(`${inbox}.*`, {
    callback: (error, msg) => {
      if (error) return fail(error)
      if (msg.subject.startsWith(inbox)) return onStatus(msg)
      taken()
      try {
        options.on(msg)
      } catch (cause) {
        fail(new Error(`the handler of ${options.durable} threw`, { cause }))
      }
      fill()
    },
  })
  const reconnects = broker.onReconnect(() => {
    pulls.clear()
    fill()
  })
  const tick = setInterval(() => {
    const now = performance.now()
    for (const [key, { deadline }] of pulls) if (deadline < now) pulls.delete(key)
    fill()
  }, tickMs)

  /** The server serves the oldest pull first. */
  function taken(): void {
    for (const [key, oldest] of pulls) {
      oldest.remaining--
      if (oldest.remaining <= 0) pulls.delete(key)
      return
    }
  }

  function onStatus(msg: Msg): void {
    const key = msg.subject.slice(inbox.length + 1)
    const code = msg.headers?.code ?? 0
    if (code === 100) return
    pulls.delete(key)
    const gone = code === 503 || (code === 409 && /consumer (deleted|not found)/i.test(msg.headers?.description ?? ''))
    if (gone && !closed) {
      recreating ??= again().finally(() => {
        recreating = undefined
        fill()
      })
    } else if (code === 408 || code === 404) fill()
    // Any other refusal (a leader that moves, too many waiting) is answered by the next tick, not by a storm of pulls.
  }

  async function again(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200))
    for (let tries = 1; !closed; tries++) {
      try {
        return await options.recreate()
      } catch (cause) {
        if (tries >= 60)
          return fail(new Error(`the consumer ${options.durable} is gone and cannot be made again`, { cause }))
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
  }

  function fill(): void {
    if (closed || recreating || !broker.connected()) return
    let outstanding = 0
    for (const { remaining } of pulls.values()) outstanding += remaining
    const target = Math.min(options.free(), maxOutstanding)
    if (outstanding > target / 2 || target - outstanding <= 0) return
    const batch = target - outstanding
    const key = (next++).toString(36)
    pulls.set(key, { remaining: batch, deadline: performance.now() + expiresMs + 1000 })
    try {
      broker.nc.publish(ask, JSON.stringify({ batch, expires: expiresMs * 1e6 }), { reply: `${inbox}.${key}` })
    } catch {
      pulls.delete(key)
    }
  }

  function stop(): void {
    closed = true
    clearInterval(tick)
    reconnects.close()
    pulls.clear()
    subscription.unsubscribe()
  }

  fill()
  return {
    wake: fill,
    close: async () => {
      if (!closed) stop()
    },
  }
}

export interface AckInfo {
  readonly streamSeq: number
  readonly deliveries: number
  /** epoch ms at which the broker stored the message */
  readonly storedAt: number
}

/** `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>[.<token>]` */
export function ackInfo(reply: string | undefined): AckInfo | undefined {
  const tokens = reply?.split('.') ?? []
  const from = tokens.length >= 11 ? 6 : 4
  const [deliveries, streamSeq, , stored] = tokens.slice(from)
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || stored === undefined) return undefined
  return { streamSeq: Number(streamSeq), deliveries: Number(deliveries), storedAt: Number(stored) / 1e6 }
}
