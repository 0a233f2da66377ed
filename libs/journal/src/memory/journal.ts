// The in-memory adapter of the journal's ports: for tests, and for whoever wants sessions without a broker. Nothing survives it.
//   A1. It keeps every promise of port.ts, and none that a broker does not keep: one contract suite runs over both adapters.
//   A2. No wall clock: time comes from `clock`, delays from `schedule` (setTimeout where none is given).
//   A3. Faults are injected where a network has them: before the append, and between the append and its answer.
import { createHash } from 'node:crypto'
import { BrokerUnavailable, type ReadOptions } from '@reins/broker'
import {
  type Address,
  type Draft,
  emptyHead,
  headOf,
  maxOutputBytesOfSession,
  newSessionStreams,
  rootOf,
  type SessionStreamCount,
  sessionStreamsOf,
} from '@reins/contracts'
import { outputsOfForks, withForks } from '../fork-reads.ts'
import type {
  AppendOutcome,
  BundleStore,
  LiveDelta,
  OutputStore,
  RepublishedFrame,
  SessionFeed,
  SessionLog,
  Snapshot,
  Snapshots,
  Subscription,
  Timers,
  WorkQueue,
} from '../port.ts'
import { slotOf } from '../snapshot-slots.ts'
import { MemoryStream, type StoredFrame } from './stream.ts'
import { MemoryTimers } from './timers.ts'
import { type Earlier, type MemoryClock, MemoryDurable, type Scheduler } from './work.ts'

/** Each is asked at each append; absent: it never happens. */
export interface MemoryFaults {
  /** The frame does not reach the broker; it is sent again. */
  loseRequest?(session: string, frame: string): boolean
  /** The frame is in and the broker's word of it is lost; it is sent again. */
  loseAck?(session: string, frame: string): boolean
  /** Runs to its end after a loss and before the frame is sent again: the place for another writer on top. */
  beforeRetry?(session: string, frame: string): Promise<void>
  /** How many of the newest frames a read that is not from the leader misses. */
  staleBy?(session: string): number
}

export interface MemoryJournalOptions {
  readonly clock: MemoryClock
  readonly schedule?: Scheduler
  /** How many streams hold the sessions, each with sequences of its own. Default `newSessionStreams`. */
  readonly sessionStreams?: SessionStreamCount
  /** ms. Default 5000. */
  readonly ackWaitMs?: number
  /** Default `maxOutputBytesOfSession`. */
  readonly outputBytesOfSession?: number
  readonly faults?: MemoryFaults
}

export interface MemoryJournal {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly work: WorkQueue
  readonly timers: Timers
  readonly snapshots: Snapshots
  readonly outputs: OutputStore
  readonly bundles: BundleStore
  /** The broker dies and comes back: it forgot who holds what, and tells everybody that they are connected again. */
  restart(): void
  /** Stops what is scheduled. Whoever made the journal calls it. */
  close(): void
}

const realSchedule: Scheduler = (run, ms) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
const deltasKept = 10_000

type Of = string | { readonly tree: string }
const matches = (of: Of, session: string): boolean =>
  typeof of === 'string' ? of === session : rootOf(session) === of.tree

export function createMemoryJournal(options: MemoryJournalOptions): MemoryJournal {
  const { clock, faults = {}, schedule = realSchedule, ackWaitMs = 5000 } = options
  const streams = sessionStreamsOf(options.sessionStreams ?? newSessionStreams)
  const stored = streams.names.map(() => new MemoryStream())
  const streamOf = (session: string): MemoryStream => stored[streams.indexOf(session)]!
  /** What was in the streams when this was asked. */
  const untilNow = (): Earlier => {
    const ends = stored.map(({ lastSeq }) => lastSeq)
    return ({ session, frame }) => frame.seq <= (ends[streams.indexOf(session)] ?? 0)
  }
  const durables = new Map<string, MemoryDurable>()
  const timers = new MemoryTimers({ clock, schedule, ackWaitMs })
  const followers = new Set<(stored: StoredFrame) => void>()
  const listeners = new Set<(delta: LiveDelta) => void>()
  const reconnected = new Set<() => void>()
  const live: { readonly at: number; readonly delta: LiveDelta }[] = []

  const subscribe = <T>(set: Set<T>, one: T): Subscription => {
    set.add(one)
    return { close: () => void set.delete(one) }
  }
  /** What subscribers hear, they hear later: a callback never runs inside the call that caused it. */
  const tell = <T>(set: Set<(value: T) => void>, value: T) =>
    queueMicrotask(() => {
      for (const one of set) one(value)
    })

  function store(session: string, draft: Draft, to: Address, previousHash: string): boolean {
    const made = streamOf(session).append(session, draft, to, previousHash, clock.now())
    if (!made) return false
    tell(followers, made)
    // A runner's durable takes requests of executors only (PROTOCOL 1).
    if (to.kind === 'exec' || (to.kind === 'tool' && draft.role === 'e'))
      durables.get(`${to.kind} ${to.pool}`)?.offer(made)
    return true
  }

  async function append(
    session: string,
    draft: Draft,
    to: Address,
    previousHash: string,
    signal?: AbortSignal,
  ): Promise<AppendOutcome> {
    for (;;) {
      await Promise.resolve()
      if (signal?.aborted) throw new BrokerUnavailable(`append to session ${session}`, { cause: signal.reason })
      const lostRequest = faults.loseRequest?.(session, draft.id) ?? false
      const isIn = !lostRequest && store(session, draft, to, previousHash)
      if (lostRequest || (isIn && faults.loseAck?.(session, draft.id))) {
        await faults.beforeRetry?.(session, draft.id)
        continue
      }
      const after = streamOf(session)
        .read(session, draft.prev)
        .map(({ frame }) => frame)
      const [first, ...above] = after
      return first?.id === draft.id
        ? { kind: 'appended', head: headOf(first), above: isIn ? [] : above }
        : { kind: 'refused', tail: after }
    }
  }

  const sessions = withForks({
    append,
    async head(of, { leader } = {}) {
      if (typeof of !== 'string') {
        const last = streamOf(of.tree).readAll(0, of.tree).at(-1)
        return last ? headOf(last.frame) : emptyHead(of.tree)
      }
      const session = of
      const frames = streamOf(session).read(session)
      const seen = leader ? frames.length : Math.max(0, frames.length - (faults.staleBy?.(session) ?? 0))
      const last = frames[seen - 1]
      return last ? headOf(last.frame) : emptyHead(session)
    },
    async frameAt(session, seq) {
      const found = streamOf(session).bySeq(seq)
      if (found?.session !== session) return undefined
      const hidden = faults.staleBy?.(session) ?? 0
      return hidden > 0 && streamOf(session).read(session, seq).length < hidden ? undefined : found.frame
    },
    async read(session, { after = 0, limit, leader }: ReadOptions = {}) {
      const found = streamOf(session).read(session, after)
      const hidden = leader ? 0 : (faults.staleBy?.(session) ?? 0)
      return found
        .slice(0, Math.min(Math.max(0, found.length - hidden), limit ?? found.length))
        .map(({ frame }) => frame)
    },
    readTree: async (root, { after = 0, limit }: ReadOptions = {}) =>
      streamOf(root)
        .readAll(after, root, limit)
        .map(({ session, frame }) => ({ session, frame })),
  })

  const feed: SessionFeed = {
    frames: (of, on: (frame: RepublishedFrame) => void) =>
      subscribe(followers, ({ session, frame, to }: StoredFrame) => {
        if (matches(of, session)) on({ session, frame, to })
      }),
    framesHere: (session, on) => feed.frames(session, on),
    deltas: (of, on) =>
      subscribe(listeners, (delta: LiveDelta) => {
        if (matches(of, delta.session)) on(delta)
      }),
    async recentDeltas(of, { limit, since = 0 } = {}) {
      const found = live
        .filter(({ at, delta: { session } }) => at >= since && matches(of, session))
        .map(({ delta }) => delta)
      return limit === undefined ? found : found.slice(Math.max(0, found.length - limit))
    },
    publishDelta(session, role, delta) {
      live.push({ at: clock.now(), delta: { session, role, delta } })
      if (live.length > deltasKept) live.shift()
      tell(listeners, { session, role, delta })
    },
    onReconnect: (on) => subscribe(reconnected, on),
    onDeltasReconnect: (on) => subscribe(reconnected, on),
  }

  function durableOf(
    kind: 'exec' | 'tool',
    pool: string,
    labels: Readonly<Record<string, string>> = {},
  ): MemoryDurable {
    const key = `${kind} ${pool}`
    const known = durables.get(key)
    if (known) return known
    const made = new MemoryDurable(labels, { clock, schedule, ackWaitMs })
    durables.set(key, made)
    for (const one of stored.flatMap((stream) => stream.readAll()))
      if (one.to.kind === kind && one.to.pool === pool && (kind === 'exec' || one.frame.role === 'e')) made.offer(one)
    return made
  }

  const work: WorkQueue = {
    async ensurePool(kind, pool, labels) {
      durableOf(kind, pool, labels)
    },
    async consume(kind, pool, { free, on }) {
      return durableOf(kind, pool).attach({ free, on }, untilNow())
    },
    async pools() {
      return [...durables].map(([name, { labels }]) => {
        const [kind, key] = name.split(' ')
        return { key: key ?? '', kind: kind === 'tool' ? ('tool' as const) : ('exec' as const), labels }
      })
    },
    unreadable: () => [],
    async given(kind, pool, seq, handle) {
      return durables.get(`${kind} ${pool}`)?.given(seq, handle)
    },
    async backlog(kind, pool) {
      return durables.get(`${kind} ${pool}`)?.backlog() ?? { backlog: 0, inProgress: 0 }
    },
  }

  return {
    sessions,
    feed,
    work,
    timers,
    snapshots: memorySnapshots(),
    outputs: outputsOfForks(memoryOutputs(options.outputBytesOfSession ?? maxOutputBytesOfSession), sessions),
    bundles: memoryBundles(),
    restart() {
      for (const durable of durables.values()) durable.forget(untilNow())
      for (const on of reconnected) on()
    },
    close() {
      timers.close()
      for (const durable of durables.values()) durable.close()
    },
  }
}

function memoryBundles(): BundleStore {
  const kept = new Map<string, { readonly bytes: Uint8Array; readonly again: number }>()
  return {
    async put(digest, bytes, removal = 0) {
      if ((kept.get(digest)?.again ?? -1) < removal) kept.set(digest, { bytes: Uint8Array.from(bytes), again: removal })
    },
    async remove(digest, removal) {
      if ((kept.get(digest)?.again ?? removal) < removal) kept.delete(digest)
    },
    get: async (digest) => kept.get(digest)?.bytes,
  }
}

/** Kept as JSON: what does not survive a bucket must not survive here. By session: the latest, and the first of each slot. */
function memorySnapshots(): Snapshots {
  const kept = new Map<string, Map<number | 'latest', string>>()
  return {
    async read(session, { upTo = Number.POSITIVE_INFINITY } = {}) {
      const [best] = [...(kept.get(session)?.values() ?? [])]
        .map((json): Snapshot => JSON.parse(json))
        .filter(({ n }) => n <= upTo)
        .sort((a, b) => b.n - a.n)
      return best
    },
    async write(session, snapshot) {
      const json = JSON.stringify(snapshot)
      const ofSession = kept.get(session) ?? new Map<number | 'latest', string>()
      kept.set(session, ofSession.set('latest', json))
      const slot = slotOf(snapshot.n)
      if (slot !== undefined && !ofSession.has(slot)) ofSession.set(slot, json)
    },
    async delete(session) {
      kept.delete(session)
    },
  }
}

function memoryOutputs(bytesOfSession: number): OutputStore {
  const kept = new Map<string, Map<string, Uint8Array>>()
  return {
    async put(session, bytes) {
      const own = kept.get(session) ?? new Map<string, Uint8Array>()
      kept.set(session, own)
      const parts: Uint8Array[] = []
      if (bytes instanceof Uint8Array) parts.push(bytes)
      else for await (const part of bytes) parts.push(part)
      const whole = Buffer.concat(parts)
      const used = [...own.values()].reduce((sum, { length }) => sum + length, 0)
      const taken = whole.subarray(0, Math.max(0, bytesOfSession - used))
      const dropped = whole.length - taken.length
      if (taken.length === 0) return { ref: undefined, dropped }
      const ref = `sha256-${createHash('sha256').update(taken).digest('hex')}`
      own.set(ref, taken)
      return { ref, dropped }
    },
    async get(session, ref) {
      const bytes = kept.get(session)?.get(ref)
      if (!bytes) return undefined
      const pieces = async function* () {
        yield bytes
      }
      return { size: bytes.length, bytes: pieces(), compared: pieces() }
    },
  }
}
