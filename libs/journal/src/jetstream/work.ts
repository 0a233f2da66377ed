// WorkQueue on JetStream: one durable pull consumer a pool, straight on the session stream.
//   W1. A pool's durable is made before the first frame to it; it is made again from the acknowledged floor in KV, never with `new` (H7).
//   W2. The newest handle of a trigger counts: a redelivery to the same process replaces the older handle (JetStream's pitfall 5).
//   W3. After everything has died, nobody waits for ack_wait: a process that opens a pool which nobody pulls from makes the server give
//       out again what is not acked. A living holder that has no free slot keeps what it holds: it is asked, and answers.
//   W4. A server that died forgets what it gave out: whatever was in the stream when the pool was opened, or when the connection came
//       back, is `earlier`. By sequence, for clocks differ. Until the stream has told where it ends, everything is.
//   W5. An entry that cannot be read is no entry: nobody lists it, and whoever opens its pool writes it anew. Its durable, which knows
//       what was acknowledged, stays.
//   W6. A trigger that another process gives away is taken only under its own handle: of this stream, this durable and this sequence.
//   W7. What names no session is taken out of the queue: given back, it would come again for ever. A message without headers is a faulty
//       frame of its session, and a trigger as any other.
import { setTimeout as pause } from 'node:timers/promises'
import { type ConsumerConfig, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import {
  ackInfo,
  type Broker,
  type Consumption,
  type HeaderOf,
  headersOf,
  messageAt,
  nextMessage,
  pull,
  readMessages,
} from '@reins/broker'
import {
  bucketFilter,
  bucketStream,
  buckets,
  decodePoolEntry,
  execDurable,
  execFilter,
  ownSessionSubject,
  type PoolEntry,
  streams,
  toolDurable,
  toolFilter,
} from '@reins/contracts'
import type { PoolBacklog, Trigger, WorkQueue } from '../port.ts'
import { frameOf } from './frames.ts'

export interface JetStreamWorkOptions {
  readonly ackWaitMs: number
  readonly replicas: 1 | 3
  /** epoch ms */
  now(): number
}

const checkpointMs = 10_000
const maxAckPending = 50_000
const maxWaiting = 5000
/** W3. ack_wait for a moment, in ns, and the ms after which a server has surely looked at what is overdue by it. */
const overdueAtOnce = 1e6
const lookedAfterMs = 250
/** Its giver waits no longer. */
const givenMs = 1_000

export async function createJetStreamWork(broker: Broker, options: JetStreamWorkOptions): Promise<WorkQueue> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const kv: KV = await new Kvm(jetstream(broker.nc)).open(buckets.pools)
  const ackWait = options.ackWaitMs * 1e6
  const made = new Map<string, Promise<void>>()
  let unreadable: readonly string[] = []
  const end = streamEnd(async () => (await manager.streams.info(streams.sessions)).state.last_seq)
  broker.onReconnect(end.lookAnew)

  const entryKey = (kind: 'exec' | 'tool', pool: string): string => `${kind}.${pool}`

  function durableConfig(kind: 'exec' | 'tool', pool: string, floor: number): Partial<ConsumerConfig> {
    return {
      durable_name: kind === 'exec' ? execDurable(pool) : toolDurable(pool),
      filter_subject: kind === 'exec' ? execFilter(pool) : toolFilter(pool),
      ack_policy: 'explicit',
      ack_wait: ackWait,
      max_deliver: -1,
      max_ack_pending: maxAckPending,
      max_waiting: maxWaiting,
      ...(floor > 0
        ? { deliver_policy: 'by_start_sequence' as const, opt_start_seq: floor + 1 }
        : { deliver_policy: 'all' as const }),
    }
  }

  async function makePool(
    kind: 'exec' | 'tool',
    pool: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const known = await kv.get(entryKey(kind, pool))
    const written = known && known.length > 0 ? decodePoolEntry(known.string()) : undefined
    const entry: PoolEntry = written ?? { key: pool, kind, labels, floor: 0 }
    // W5.
    if (!written) {
      const [at, text] = [entryKey(kind, pool), JSON.stringify(entry)]
      await (known?.operation === 'PUT' ? kv.update(at, text, known.revision) : kv.create(at, text)).catch(
        () => undefined,
      )
    }
    const durable = kind === 'exec' ? execDurable(pool) : toolDurable(pool)
    const existing = await manager.consumers.info(streams.sessions, durable).catch(() => undefined)
    if (!existing) {
      await manager.consumers.add(streams.sessions, durableConfig(kind, pool, entry.floor))
      return
    }
    if (existing.config.ack_wait !== ackWait)
      await manager.consumers.update(streams.sessions, durable, { ack_wait: ackWait })
  }

  function ensurePool(kind: 'exec' | 'tool', pool: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const key = entryKey(kind, pool)
    const ready = made.get(key)
    if (ready) return ready
    const making = makePool(kind, pool, labels)
    made.set(key, making)
    making.catch(() => made.delete(key))
    return making
  }

  /** W3. A server looks at what is pending 0.1 s after its ack_wait was changed. */
  async function giveOutAgain(kind: 'exec' | 'tool', pool: string): Promise<void> {
    const durable = kind === 'exec' ? execDurable(pool) : toolDurable(pool)
    const { num_ack_pending, num_waiting } = await manager.consumers.info(streams.sessions, durable)
    if (num_ack_pending === 0 || num_waiting > 0) return
    try {
      await manager.consumers.update(streams.sessions, durable, { ack_wait: overdueAtOnce })
      await pause(lookedAfterMs)
    } finally {
      await manager.consumers.update(streams.sessions, durable, { ack_wait: ackWait })
    }
  }

  async function checkpoint(kind: 'exec' | 'tool', pool: string): Promise<void> {
    const info = await manager.consumers.info(streams.sessions, kind === 'exec' ? execDurable(pool) : toolDurable(pool))
    const entry = await kv.get(entryKey(kind, pool))
    if (!entry || entry.length === 0) return
    const value = decodePoolEntry(entry.string())
    if (!value) return // W5: it is written anew when the pool is opened
    const floor = info.ack_floor.stream_seq
    if (floor > value.floor) await kv.update(entryKey(kind, pool), JSON.stringify({ ...value, floor }), entry.revision)
  }

  /** undefined: it is no trigger of ours. */
  function triggerOf(msg: {
    readonly reply: string | undefined
    readonly subject: string
    readonly header: HeaderOf
    readonly body: () => string
  }): Trigger | undefined {
    const { reply, header } = msg
    const info = ackInfo(reply)
    const subject = ownSessionSubject(msg.subject)
    if (!info || !subject || !reply) return undefined
    const frame = frameOf({ subject: msg.subject, seq: info.streamSeq, header, body: msg.body() })
    if (!frame) return undefined
    // Said into a closed connection: an ack that does not arrive is a redelivery, never a loss.
    const say = (what: string) => broker.publish(reply, what)
    return {
      session: subject.session,
      frame,
      to: subject.to,
      ageMs: options.now() - info.storedAt,
      redelivered: info.deliveries > 1,
      earlier: end.isEarlier(info.streamSeq),
      handle: reply,
      ack: () => say('+ACK'),
      nak: (delayMs) => say(`-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`),
      working: () => say('+WPI'),
    }
  }

  async function given(kind: 'exec' | 'tool', pool: string, seq: number, handle: string): Promise<Trigger | undefined> {
    const durable = kind === 'exec' ? execDurable(pool) : toolDurable(pool)
    // W6.
    if (ackInfo(handle)?.streamSeq !== seq || !handle.includes(`.${streams.sessions}.${durable}.`)) return undefined
    const stored = await messageAt(broker, streams.sessions, seq, { withinMs: givenMs })
    return (
      stored && triggerOf({ reply: handle, subject: stored.subject, header: stored.header, body: () => stored.body })
    )
  }

  async function consume(
    kind: 'exec' | 'tool',
    pool: string,
    handler: Parameters<WorkQueue['consume']>[2],
  ): Promise<Consumption> {
    await giveOutAgain(kind, pool).catch(() => undefined) // else it comes after ack_wait
    await end.look() // W4
    const consumption = pull(broker, {
      stream: streams.sessions,
      durable: kind === 'exec' ? execDurable(pool) : toolDurable(pool),
      free: handler.free,
      failed: handler.failed,
      odd: handler.odd,
      on: (msg) => {
        const trigger = triggerOf({
          reply: msg.reply,
          subject: msg.subject,
          header: headersOf(msg) ?? (() => ''),
          body: () => msg.string(),
        })
        if (trigger) handler.on(trigger)
        else if (msg.reply) broker.publish(msg.reply, '+TERM') // W7
      },
      recreate: async () => {
        made.delete(entryKey(kind, pool))
        await ensurePool(kind, pool, {})
      },
    })
    const checkpoints = setInterval(() => void checkpoint(kind, pool).catch(() => undefined), checkpointMs)
    checkpoints.unref()
    return {
      wake: consumption.wake,
      close: async () => {
        clearInterval(checkpoints)
        await consumption.close()
      },
    }
  }

  /** Read, not watched: a watch is a consumer for each process, and listing keys leaves one behind each time. */
  async function pools() {
    const entries = await readMessages(broker, bucketStream(buckets.pools), bucketFilter(buckets.pools))
    const odd: string[] = []
    const found = entries.flatMap(({ subject, body }) => {
      const entry = decodePoolEntry(body)
      if (!entry && body !== '') odd.push(subject.slice(bucketFilter(buckets.pools).length - 1)) // empty: deleted
      return entry ? [{ key: entry.key, kind: entry.kind, labels: entry.labels }] : []
    })
    unreadable = odd
    return found
  }

  async function backlog(kind: 'exec' | 'tool', pool: string): Promise<PoolBacklog> {
    const info = await manager.consumers.info(streams.sessions, kind === 'exec' ? execDurable(pool) : toolDurable(pool))
    const base = { backlog: info.num_pending, inProgress: info.num_ack_pending }
    if (info.num_pending === 0) return base
    const filter = kind === 'exec' ? execFilter(pool) : toolFilter(pool)
    const oldest = await nextMessage(broker, streams.sessions, filter, { after: info.delivered.stream_seq })
    return oldest ? { ...base, oldestMs: Math.max(options.now() - oldest.storedAt, 0) } : base
  }

  return { ensurePool, consume, pools, unreadable: () => unreadable, backlog, given }
}

/** W4. Where the stream ended when it was looked at last; unknown, and so without end, until that is told. */
function streamEnd(read: () => Promise<number>) {
  let end = 0
  let known = false
  let looking = false
  let life = 0
  async function look(): Promise<void> {
    const mine = life
    try {
      const seq = await read()
      if (mine !== life) return
      end = known ? Math.max(end, seq) : seq
      known = true
    } catch {
      known = false // the next trigger asks again
    }
  }
  return {
    look,
    /** What was told before says nothing any more. */
    lookAnew(): void {
      life++
      known = false
      void look()
    },
    isEarlier(seq: number): boolean {
      if (known) return seq <= end
      if (!looking) {
        looking = true
        void look().finally(() => {
          looking = false
        })
      }
      return true
    },
  }
}
