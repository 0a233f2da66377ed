// SessionLog on JetStream: PROTOCOL 3, rule by rule.
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Broker,
  BrokerUnavailable,
  isTransient,
  lastMessage,
  makeHeaders,
  messageAt,
  publishReply,
  type ReadOptions,
  readMessages,
} from '@reins/broker'
import {
  type Address,
  type Draft,
  emptyHead,
  encodeFrame,
  type Frame,
  frameHeaders,
  frameSealText,
  type Head,
  parseSessionSubject,
  type SessionStreams,
  sessionFilter,
  sessionSubject,
  treeFilter,
} from '@reins/contracts'
import { type ArchiveReader, withArchive } from '../archive/archive-reads.ts'
import { withForks } from '../fork-reads.ts'
import type { AppendOutcome, SessionFrame, SessionLog } from '../port.ts'
import { frameNumber, frameOf, headFromMessage } from './frames.ts'
import type { FramesHere } from './frames-here.ts'
import { sealTogether } from './seals-together.ts'

export interface JetStreamLogOptions {
  /** That hold the sessions. A tree lies in one of them. */
  readonly streams: SessionStreams
  /** More than one replica: what is read to learn an append's fate is read from the leader. */
  readonly replicated: boolean
  /** ms before an append that was not answered goes out again. Default 2 000. */
  readonly retryMs?: number
  /** Where frames of sessions lie that were archived; absent: none were. */
  readonly archive?: ArchiveReader
  /** Told of each frame that is acked. */
  readonly here?: FramesHere
  /** The connection to read over (journal.ts). Default: that for appends. */
  readonly reads?: Broker
}

/** A leader that is behind its own log refuses, and shows nothing, for a moment; never there: the log was cut. */
const maxEmptyTails = 500
const betweenMs = 20

/** "Wrong last sequence", on one server and on several. */
const refusedCodes = new Set([10071, 10164])

export function createJetStreamLog(broker: Broker, options: JetStreamLogOptions): SessionLog {
  const retryMs = options.retryMs ?? 2000
  const { streams, reads = broker } = options
  const sealOf = sealTogether(broker.seals, (run) => broker.atEndOfTurn(run))

  /** A copy that is behind may know nothing of a session that was begun just now: that there is none, the leader alone may say. */
  const mayBeStale = ({ leader = false }: { readonly leader?: boolean }): boolean => options.replicated && !leader

  async function read(session: string, readOptions: ReadOptions = {}): Promise<readonly Frame[]> {
    const filter = sessionFilter(session)
    const from = (leader: { leader?: true }) =>
      readMessages(reads, () => streams.of(session), filter, { ...readOptions, ...leader, numberOf: frameNumber })
    let messages = await from({})
    const whole = (readOptions.after ?? 0) === 0 && readOptions.limit !== 0
    if (messages.length === 0 && whole && mayBeStale(readOptions)) messages = await from({ leader: true })
    return messages.flatMap((message) => frameOf(message) ?? [])
  }

  async function readTree(root: string, readOptions: ReadOptions = {}): Promise<readonly SessionFrame[]> {
    const messages = await readMessages(reads, () => streams.of(root), treeFilter(root), readOptions)
    return messages.flatMap((message) => {
      const session = parseSessionSubject(message.subject)?.session
      const frame = frameOf(message)
      return session !== undefined && frame ? [{ session, frame }] : []
    })
  }

  const raw = { head, read, readTree, frameAt, append }
  const log = options.archive ? withArchive(raw, options.archive) : raw

  async function head(
    of: string | { readonly tree: string },
    headOptions: { leader?: boolean; withinMs?: number } = {},
  ): Promise<Head> {
    const filter = typeof of === 'string' ? sessionFilter(of) : treeFilter(of.tree)
    const stream = () => streams.of(typeof of === 'string' ? of : of.tree)
    const read = (leader: { leader?: true }) => lastMessage(reads, stream, filter, { ...headOptions, ...leader })
    const message = (await read({})) ?? (mayBeStale(headOptions) ? await read({ leader: true }) : undefined)
    return message ? headFromMessage(message) : emptyHead(typeof of === 'string' ? of : of.tree)
  }

  async function frameAt(session: string, seq: number): Promise<Frame | undefined> {
    if (seq < 1) return undefined
    const message = await messageAt(reads, () => streams.of(session), seq)
    return message && parseSessionSubject(message.subject)?.session === session ? frameOf(message) : undefined
  }

  /**
   * J3: who stands first after `prev` decides. undefined: nobody does. The leader of a stream on several servers has not yet applied what
   * another of them handed out already, and refuses whoever stands on that.
   */
  async function resolve(session: string, draft: Draft, hash: string): Promise<AppendOutcome | undefined> {
    const tail = await log.read(session, { after: draft.prev, leader: options.replicated })
    const [first, ...above] = tail
    if (!first) return undefined
    if (first.id !== draft.id) return { kind: 'refused', tail }
    return { kind: 'appended', head: headAt(first.seq, draft, hash), above }
  }

  async function append(
    session: string,
    draft: Draft,
    to: Address,
    previousHash: string,
    signal?: AbortSignal,
  ): Promise<AppendOutcome> {
    const encoded = encodeFrame(draft, previousHash)
    const limit = broker.nc.info?.max_payload ?? 1_048_576
    const size = Buffer.byteLength(encoded.body) + 1024
    if (size > limit) throw new RangeError(`a frame of ${size} bytes is larger than the broker takes (${limit})`)
    const subject = sessionSubject(session, draft.role, to)
    const seal = await sealOf(draft.role, frameSealText({ ...draft, hash: encoded.hash }))
    const headers = makeHeaders([
      ...encoded.headers,
      ...(seal === undefined ? [] : [[frameHeaders.seal, seal] as [string, string]]),
      ['Nats-Expected-Last-Subject-Sequence', String(draft.prev)],
      ['Nats-Expected-Last-Subject-Sequence-Subject', sessionFilter(session)],
    ])
    // J2: the same frame at the same place until there is an answer.
    for (let empty = 0; ; ) {
      if (signal?.aborted) throw new BrokerUnavailable('appending a frame', { cause: signal.reason })
      const outcome = await broker.request(subject, encoded.body, {
        headers,
        withinMs: retryMs,
        repeatedTo: streams.of(session),
      })
      if (outcome.kind === 'reply') {
        const { seq, stream, error } = publishReply(outcome.msg.string())
        if (!error && seq !== undefined) {
          // What another stream has taken, since it was split, is found by whoever reads the new ones: its sequence is not of this one.
          if (stream === undefined || stream === streams.of(session))
            options.here?.tell(session, draft, { seq, hash: encoded.hash }, to)
          return { kind: 'appended', head: headAt(seq, draft, encoded.hash), above: [] }
        }
        if (error && refusedCodes.has(error.err_code ?? 0)) {
          const resolved = await resolve(session, draft, encoded.hash).catch(() => 'away' as const)
          if (resolved && resolved !== 'away') return resolved
          if (!resolved && ++empty >= maxEmptyTails) throw lostFrames(session, draft.prev)
          await pause(betweenMs)
          continue
        }
        if (error && !isTransient(error))
          throw new Error(`the broker refused a frame: ${error.description} (${error.err_code})`)
      }
      if (outcome.kind !== 'timed-out') await pause(100)
    }
  }

  return withForks(log)
}

const lostFrames = (session: string, prev: number): Error =>
  new Error(
    `session ${session} ends before sequence ${prev}, which this process has seen: the broker has lost acknowledged frames`,
  )

const headAt = (seq: number, draft: Draft, hash: string): Head => ({
  seq,
  n: draft.n,
  hash,
  needs: draft.needs,
  status: draft.status,
  pool: draft.pool,
})
