// WorkQueue on JetStream: one durable pull consumer a pool on each stream of sessions, straight on that stream.
//   W1. A pool's durables are made before the first frame to it; each is made again from its acknowledged floor in KV, never with
//       `new` (H7).
//   W2. The newest handle of a trigger counts: a redelivery to the same process replaces the older handle (JetStream's pitfall 5).
//   W3. After everything has died, nobody waits for ack_wait: a process that opens a pool which nobody pulls from makes the server give
//       out again what is not acked. A living holder that has no free slot keeps what it holds: it is asked, and answers.
//   W4. A server that died forgets what it gave out: whatever was in the stream when the pool was opened, or when the connection came
//       back, is `earlier`. By sequence, for clocks differ. Until the stream has told where it ends, everything is.
//   W5. An entry that cannot be read is no entry: nobody lists it, and whoever opens its pool writes it anew. Its durable, which knows
//       what was acknowledged, stays.
//   W6. A trigger that another process gives away is taken only under its own handle: of a stream of ours, this durable and this sequence.
//   W7. What names no session is taken out of the queue: given back, it would come again for ever. A message without headers is a faulty
//       frame of its session, and a trigger as any other.
//   W9. When the one stream is split over four, each pool that is worked on is pulled from the four at once, and each that is known gets its
//       durables there before the next frame to it. What somebody holds from the old one comes again from the new: he is asked, as ever.
//   W10. Nothing is acknowledged beyond the end of a stream: a floor that lies there would leave out what is still to come.
//   W8. Where several streams hold the sessions, what a process can take is shared out among them, and each is asked for one at least:
//       a stream that nobody asks is not worked on. What comes beyond that waits at a gate (work-gate.ts).
import { setTimeout as pause } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import {
  ackInfo,
  type Broker,
  type Consumption,
  ensureDurable,
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
  type SessionStreams,
  toolDurable,
  toolFilter,
} from '@reins/contracts'
import type { HeldTrigger, PoolBacklog, Trigger, WorkQueue } from '../port.ts'
import { frameOf } from './frames.ts'
import { floorOf, withFloors } from './pool-floors.ts'
import { WorkGate } from './work-gate.ts'

export interface JetStreamWorkOptions {
  /** That hold the sessions. */
  readonly streams: SessionStreams
  readonly ackWaitMs: number
  readonly replicas: 1 | 3
  /** Called when the one stream was split (W9). Default: it never is. */
  readonly onSplit?: (on: () => void) => unknown
  /** epoch ms */
  now(): number
}

const checkpointMs = 10_000
const maxAckPending = 50_000
const maxWaiting = 5000
/** W3. ack_wait for a moment, in ns, and the ms after which a server has surely looked at what is overdue by it. */
const overdueAtOnce = 1e6
const lookedAfterMs = 250
/** W8: what comes beyond what there is room for goes back after so long. */
const longestHoldMs = 1_000
/** Its giver waits no longer. */
const givenMs = 1_000

export async function createJetStreamWork(broker: Broker, options: JetStreamWorkOptions): Promise<WorkQueue> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const kv: KV = await new Kvm(jetstream(broker.nc)).open(buckets.pools)
  const ackWait = options.ackWaitMs * 1e6
  const names = (): readonly string[] => options.streams.names
  const made = new Map<string, Promise<void>>()
  let unreadable: readonly string[] = []
  const endsOf = (all: readonly string[]) =>
    new Map(all.map((stream) => [stream, streamEnd(async () => (await manager.streams.info(stream)).state.last_seq)]))
  let ends = endsOf(names())
  broker.onReconnect(() => {
    for (const end of ends.values()) end.lookAnew()
  })
  // W9.
  const worked = new Set<() => void>()
  options.onSplit?.(() => {
    ends = endsOf(names())
    made.clear()
    for (const again of worked) again()
  })

  const entryKey = (kind: 'exec' | 'tool', pool: string): string => `${kind}.${pool}`

  function durableConfig(kind: 'exec' | 'tool', pool: string, floor: number) {
    return {
      durable_name: durableOf(kind, pool),
      filter_subject: kind === 'exec' ? execFilter(pool) : toolFilter(pool),
      ack_policy: 'explicit' as const,
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
    await Promise.all(names().map((stream) => makeDurable(stream, kind, pool, entry)))
  }

  async function makeDurable(stream: string, kind: 'exec' | 'tool', pool: string, entry: PoolEntry): Promise<void> {
    const floor = floorOf(entry, stream)
    // W10.
    const end = floor > 0 ? (await manager.streams.info(stream)).state.last_seq : 0
    await ensureDurable(manager, stream, durableConfig(kind, pool, Math.min(floor, end)), 0)
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
  async function giveOutAgain(stream: string, durable: string): Promise<void> {
    const { num_ack_pending, num_waiting } = await manager.consumers.info(stream, durable)
    if (num_ack_pending === 0 || num_waiting > 0) return
    try {
      await manager.consumers.update(stream, durable, { ack_wait: overdueAtOnce })
      await pause(lookedAfterMs)
    } finally {
      await manager.consumers.update(stream, durable, { ack_wait: ackWait })
    }
  }

  async function checkpoint(kind: 'exec' | 'tool', pool: string): Promise<void> {
    const infos = await Promise.all(names().map((stream) => manager.consumers.info(stream, durableOf(kind, pool))))
    const entry = await kv.get(entryKey(kind, pool))
    if (!entry || entry.length === 0) return
    const value = decodePoolEntry(entry.string())
    if (!value) return // W5: it is written anew when the pool is opened
    const moved = withFloors(
      value,
      infos.map(({ stream_name, ack_floor }) => [stream_name, ack_floor.stream_seq]),
    )
    if (moved) await kv.update(entryKey(kind, pool), JSON.stringify(moved), entry.revision)
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
    return new StreamTrigger(broker, {
      session: subject.session,
      frame,
      to: subject.to,
      ageMs: options.now() - info.storedAt,
      redelivered: info.deliveries > 1,
      earlier: ends.get(info.stream)?.isEarlier(info.streamSeq) ?? true,
      handle: reply,
    })
  }

  async function given(kind: 'exec' | 'tool', pool: string, seq: number, handle: string): Promise<Trigger | undefined> {
    // W6.
    const info = ackInfo(handle)
    if (info?.streamSeq !== seq || info.consumer !== durableOf(kind, pool) || !ends.has(info.stream)) return undefined
    // A replica may not have yet what another process was handed.
    const leader = options.replicas > 1
    const stored = await messageAt(broker, info.stream, seq, { leader, withinMs: givenMs })
    return (
      stored && triggerOf({ reply: handle, subject: stored.subject, header: stored.header, body: () => stored.body })
    )
  }

  async function consume(
    kind: 'exec' | 'tool',
    pool: string,
    handler: Parameters<WorkQueue['consume']>[2],
  ): Promise<Consumption> {
    const durable = durableOf(kind, pool)
    await Promise.all(names().map((stream) => giveOutAgain(stream, durable).catch(() => undefined))) // else it comes after ack_wait
    await Promise.all([...ends.values()].map((end) => end.look())) // W4
    let over = false
    const gate = new WorkGate({
      free: handler.free,
      on: handler.on,
      holdMs: Math.min(options.ackWaitMs / 2, longestHoldMs),
    })
    const pullFrom = (stream: string): Consumption =>
      pull(broker, {
        ...{ stream, durable },
        free: () => shareOf(gate.free(), names().length),
        failed: (error) => {
          if (over || !names().includes(stream)) return
          over = true
          handler.failed(error)
        },
        odd: handler.odd,
        on: (msg) => {
          const trigger = triggerOf({
            reply: msg.reply,
            subject: msg.subject,
            header: headersOf(msg) ?? (() => ''),
            body: () => msg.string(),
          })
          if (!trigger) {
            if (msg.reply) broker.publish(msg.reply, '+TERM') // W7
          } else if (names().length === 1) handler.on(trigger)
          else gate.offer(trigger)
        },
        recreate: async () => {
          made.delete(entryKey(kind, pool))
          await ensurePool(kind, pool, {})
        },
      })
    let consumptions = names().map(pullFrom)
    // W9. A pull makes its durable again where it is missing.
    const again = (): void => {
      const before = consumptions
      consumptions = names().map(pullFrom)
      for (const consumption of before) void consumption.close()
    }
    worked.add(again)
    const checkpoints = setInterval(() => void checkpoint(kind, pool).catch(() => undefined), checkpointMs)
    checkpoints.unref()
    return {
      wake: () => {
        gate.serve()
        for (const consumption of consumptions) consumption.wake()
      },
      close: async () => {
        clearInterval(checkpoints)
        worked.delete(again)
        gate.close()
        await Promise.all(consumptions.map((consumption) => consumption.close()))
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
    return sumOf(await Promise.all(names().map((stream) => backlogIn(stream, kind, pool))))
  }

  async function backlogIn(stream: string, kind: 'exec' | 'tool', pool: string): Promise<PoolBacklog> {
    const info = await manager.consumers.info(stream, durableOf(kind, pool))
    const base = { backlog: info.num_pending, inProgress: info.num_ack_pending }
    if (info.num_pending === 0) return base
    const filter = kind === 'exec' ? execFilter(pool) : toolFilter(pool)
    const oldest = await nextMessage(broker, stream, filter, { after: info.delivered.stream_seq })
    return oldest ? { ...base, oldestMs: Math.max(options.now() - oldest.storedAt, 0) } : base
  }

  return { ensurePool, consume, pools, unreadable: () => unreadable, backlog, given }
}

/** Thousands are held while models think: one object each. */
class Held implements HeldTrigger {
  readonly ageMs: number
  readonly handle: string
  readonly #broker: Broker

  constructor(broker: Broker, ageMs: number, handle: string) {
    this.#broker = broker
    this.ageMs = ageMs
    this.handle = handle
  }

  held(): HeldTrigger {
    return new Held(this.#broker, this.ageMs, this.handle)
  }

  ack(): void {
    this.#say('+ACK')
  }

  nak(delayMs: number): void {
    this.#say(`-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}`)
  }

  working(): void {
    this.#say('+WPI')
  }

  /** Into a closed connection too: an ack that does not arrive is a redelivery, never a loss. */
  #say(what: string): void {
    this.#broker.publish(this.handle, what)
  }
}

type Delivered = Pick<Trigger, 'session' | 'frame' | 'to' | 'ageMs' | 'redelivered' | 'earlier' | 'handle'>

class StreamTrigger extends Held implements Trigger {
  readonly session: string
  readonly frame: Trigger['frame']
  readonly to: Trigger['to']
  readonly redelivered: boolean
  readonly earlier: boolean

  constructor(broker: Broker, { session, frame, to, ageMs, redelivered, earlier, handle }: Delivered) {
    super(broker, ageMs, handle)
    this.session = session
    this.frame = frame
    this.to = to
    this.redelivered = redelivered
    this.earlier = earlier
  }
}

const durableOf = (kind: 'exec' | 'tool', pool: string): string =>
  kind === 'exec' ? execDurable(pool) : toolDurable(pool)

/** W8. */
const shareOf = (free: number, streams: number): number => (free <= 0 ? 0 : Math.max(Math.ceil(free / streams), 1))

const sumOf = (all: readonly PoolBacklog[]): PoolBacklog => {
  const oldest = all.flatMap(({ oldestMs }) => oldestMs ?? [])
  return {
    backlog: all.reduce((sum, { backlog }) => sum + backlog, 0),
    inProgress: all.reduce((sum, { inProgress }) => sum + inProgress, 0),
    ...(oldest.length > 0 ? { oldestMs: Math.max(...oldest) } : {}),
  }
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
