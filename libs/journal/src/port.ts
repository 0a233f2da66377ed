// The ports of the journal: what services may do with sessions' streams. Two adapters, jetstream/ and memory/, and one contract suite. Every port throws
// BrokerUnavailable when the broker cannot be reached within the deadline, or the signal was aborted.
//   J1. Nothing else publishes to ses.>; every append is conditional on the last sequence that its writer has seen (PROTOCOL 3).
//   J2. A time-out is never an answer: the same frame goes out again until it is acked or refused.
//   J3. After a refusal, mine is in if and only if the first frame after `prev` has my id. Where there is none (the leader of several servers is
//       behind what another one has handed out), the refusal says nothing, and J2 holds.
import type { Consumption, ReadOptions } from '@reins/broker'
import type { Address, Delta, Draft, Frame, Head } from '@reins/contracts'
import type { ForkPoint } from './fork-reads.ts'

/** A frame, and whose it is. */
export interface SessionFrame {
  readonly session: string
  readonly frame: Frame
}

export type AppendOutcome =
  /** In the log at `head`. `above`: frames that others appended after it, found while finding out. */
  | { readonly kind: 'appended'; readonly head: Head; readonly above: readonly Frame[] }
  /** Not in the log, and never will be: `tail` are the frames after `prev`, at least one. */
  | { readonly kind: 'refused'; readonly tail: readonly Frame[] }

export interface TreeReadOptions extends ReadOptions {
  /** Told of each session of the tree of which something behind `after` cannot be read, and is left out: the others are read all the same. */
  readonly onUnreadable?: (session: string) => void
}

export interface SessionLog {
  /** The head by the last frame's headers; `emptyHead(session)` where there is none. Of a tree: by its last frame, whose ever it is. */
  head(of: string | { readonly tree: string }, options?: { leader?: boolean; withinMs?: number }): Promise<Head>
  /** All frames of a session in order of sequence; of a fork, first those of the session that it was forked from (fork-reads.ts). */
  read(session: string, options?: ReadOptions): Promise<readonly Frame[]>
  /** All frames of a root and of everything below it, in the one order of their sequences. Nothing else of the stream is looked at. */
  readTree(root: string, options?: TreeReadOptions): Promise<readonly SessionFrame[]>
  /** The session's frame at exactly that sequence, in one question; undefined: there is none of this session. */
  frameAt(session: string, seq: number): Promise<Frame | undefined>
  /** The frame that a fork goes on behind; undefined: it is none, or there is no such session. */
  forkOf(session: string): Promise<ForkPoint | undefined>
  /**
   * Appends one frame on `draft.prev`, whose hash is `previousHash`. Resolves when the outcome is known, however often it must ask.
   * Rejects with BrokerUnavailable only when `signal` aborts (the frame may be in or not), never because of a time-out.
   */
  append(session: string, draft: Draft, to: Address, previousHash: string, signal?: AbortSignal): Promise<AppendOutcome>
}

/** A frame as the broker republished it: `previousSeq` is the sequence of the session's frame before it, by the broker's own word. */
export interface RepublishedFrame {
  readonly session: string
  readonly frame: Frame
  /** The last sequence of the same *subject* (not session): a hint only; `frame.prev` and `frame.n` show gaps. */
  readonly to: Address
}

export interface Subscription {
  /** Idempotent. No callback runs after it returns. */
  close(): void
}

export interface SessionFeed {
  /** Frames as they are appended; at most once, lost while disconnected. Callbacks must not throw. */
  frames(of: string | { readonly tree: string }, on: (frame: RepublishedFrame) => void): Subscription
  /** Frames that this process itself has appended, without a way over the broker; those of others are not told. Callbacks must not throw. */
  framesHere(session: string, on: (frame: RepublishedFrame) => void): Subscription
  /** Deltas of sessions' answers and tools, as published: at most once, in order of one publisher. */
  deltas(of: string | { readonly tree: string }, on: (delta: LiveDelta) => void): Subscription
  /** Deltas that are still kept of a session (or tree), oldest first; at most `limit` of the newest, published after `since` (epoch ms) at the earliest. */
  recentDeltas(
    of: string | { readonly tree: string },
    options?: { readonly limit?: number; readonly since?: number; readonly withinMs?: number },
  ): Promise<readonly LiveDelta[]>
  /** Publishes without waiting. `at`: whoever is at the end of a turn of the event loop says so; then it leaves at once. */
  publishDelta(session: string, role: 'e' | 't', delta: Delta, at?: 'any' | 'end-of-turn'): void
  /** Called after each reconnect of this process's connection: frames may have been lost. */
  onReconnect(on: () => void): Subscription
  /** Called after each reconnect of the connection that deltas come over: some may have been lost. */
  onDeltasReconnect(on: () => void): Subscription
}

export interface LiveDelta {
  readonly session: string
  readonly role: 'e' | 't'
  readonly delta: Delta
}

/** What is left of a trigger for whoever holds it for long. */
export interface HeldTrigger {
  /** ms since the broker stored the frame, by two clocks: below 0 where the broker's runs ahead of this process's. */
  readonly ageMs: number
  ack(): void
  nak(delayMs: number): void
  /** Keeps it from being redelivered for another ack_wait. */
  working(): void
}

/** A trigger: a frame that was handed to this process to act on, until it is acked, naked or forgotten. */
export interface Trigger extends HeldTrigger {
  readonly session: string
  readonly frame: Frame
  readonly to: Address
  readonly redelivered: boolean
  /** It was in the stream before this process opened the pool, or before its connection came back: it may have been given out before. */
  readonly earlier: boolean
  /** By which another process of the pool acks it, when it is given to that one (`WorkQueue.given`). */
  readonly handle: string
  /** It without its frame. Absent: it is small itself. */
  held?(): HeldTrigger
}

export interface PoolBacklog {
  readonly backlog: number
  /** Handed to processes, those included that wait there for room. */
  readonly inProgress: number
  readonly oldestMs?: number
}

/** Work of a pool. One durable a pool and kind; pulls are few, no more than free slots, and expire within 5 s. */
export interface WorkQueue {
  /** Makes the pool's durables before the first frame to it; idempotent, cached. */
  ensurePool(kind: 'exec' | 'tool', pool: string, labels: Readonly<Record<string, string>>): Promise<void>
  /**
   * Hands triggers to `on` until closed. `free()` says how many more this process can take now; `on` must not throw
   * and calls nothing synchronously on the queue but the trigger's own methods. `failed` is called once if the consumer ends by itself.
   */
  consume(
    kind: 'exec' | 'tool',
    pool: string,
    options: {
      free(): number
      on(trigger: Trigger): void
      failed(error: Error): void
      /** A trigger that `on` could not take: it comes again after a while. For a log. */
      readonly odd?: ((error: Error) => void) | undefined
    },
  ): Promise<Consumption>
  /** Every pool that was ever made: key, kind, labels. */
  pools(): Promise<
    readonly {
      readonly key: string
      readonly kind: 'exec' | 'tool'
      readonly labels: Readonly<Record<string, string>>
    }[]
  >
  /** The keys of entries that the latest `pools` could not read. */
  unreadable(): readonly string[]
  backlog(kind: 'exec' | 'tool', pool: string): Promise<PoolBacklog>
  /** The trigger that another process of the pool holds, and gives away. undefined: there is none of this sequence and handle. */
  given(kind: 'exec' | 'tool', pool: string, seq: number, handle: string): Promise<Trigger | undefined>
}

export interface Timers {
  /** Publishes the timer; publishing the same one again replaces it. Resolves when the broker has it. */
  arm(session: string, timer: string, at: number, signal?: AbortSignal): Promise<void>
  /**
   * Memory's one durable: calls `on` for each timer that fires, acks when it resolves, naks when it rejects. `sure`: it is known that an
   * executor armed it for a time that has come; otherwise the log tells.
   */
  consumeFired(
    on: (session: string, timer: string, sure: boolean) => Promise<void>,
    failed: (error: Error) => void,
  ): Promise<Consumption>
}

export interface Snapshot {
  readonly seq: number
  readonly n: number
  readonly hash: string
  readonly foldVersion: number
  readonly state: unknown
}

export interface Snapshots {
  /** The latest; with `upTo`, the latest one that is kept of those at frame `upTo` or before it. The log may contradict it. */
  read(session: string, options?: { readonly upTo?: number }): Promise<Snapshot | undefined>
  /** Replaces the latest. Some older ones are kept (snapshot-slots.ts). */
  write(session: string, snapshot: Snapshot): Promise<void>
  /** All of them. */
  delete(session: string): Promise<void>
}

/** Whole outputs of tools, each of one session, for as long as they are kept (`outputsKeptMs`). */
export interface OutputStore {
  /**
   * Stores bytes by their digest; the same bytes of one session are stored once. Beyond `maxOutputBytesOfSession` nothing more is kept:
   * `dropped` bytes of the end are not there, and without any room there is no reference. Reads `bytes` to their end.
   */
  put(
    session: string,
    bytes: AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<{ readonly ref: string | undefined; readonly dropped: number }>
  /** undefined: never kept, or no more. */
  get(session: string, ref: string): Promise<KeptOutput | undefined>
}

export interface KeptOutput {
  readonly size: number
  /** Whoever has read to their end has read what the reference names. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** What of them is read is of what the reference names, wherever the reading ends. The first time all of it is read before. */
  readonly compared: AsyncIterable<Uint8Array>
}

/** Bundled code of agents, each by the digest of its bytes. The registry writes, whoever runs code reads. Nothing is deleted. */
export interface BundleStore {
  /** The same bytes are stored once. Resolves when they are kept. `removal`: they were removed by that record, and are kept again. */
  put(digest: string, bytes: Uint8Array, removal?: number): Promise<void>
  /** Takes the bytes away, unless they were stored again behind this removal. `removal`: the sequence of the record that says so. */
  remove(digest: string, removal: number): Promise<void>
  /** undefined: never stored. The bytes are those that the digest names. */
  get(digest: string): Promise<Uint8Array | undefined>
}
