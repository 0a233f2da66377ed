// Reading all sessions, out of each of the streams that hold them: what a durable delivers, and what lies behind a sequence.
//   R1. Each frame says which one of its stream it follows, so that whoever applies them can tell that none is missing.
import { setTimeout as pause } from 'node:timers/promises'
import { type JsMsg, jetstreamManager, type StreamInfo } from '@nats-io/jetstream'
import {
  type Broker,
  BrokerUnavailable,
  ensureDurable,
  headersOf,
  nextMessage,
  nextMessages,
  type StoredMessage,
} from '@reins/broker'
import {
  allSessionsFilter,
  decodeFrame,
  type Frame,
  indexDurable,
  movedFrom,
  ownSessionSubject,
  rootOf,
  type SessionStreams,
  sessionSubject,
} from '@reins/contracts'
import type { RepublishedFrame } from '@reins/journal'
import { joining } from '@reins/projection'
import type { Places, StreamsIdentity } from './index-checkpoint.ts'
import type { Owner } from './session-row.ts'

export interface InStream {
  /** The place of its stream among those that hold the sessions. */
  readonly stream: number
  readonly seq: number
  /** R1. The sequence behind which it is the first; 0 for the first of all. */
  readonly previous: number
}

export interface StoredFrame extends InStream {
  readonly subject: string
  /** undefined: a subject that belongs to no session. */
  readonly owner: Owner | undefined
  readonly frame: Frame | undefined
  /** epoch ms, by the broker */
  readonly storedAt: number
}

// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
export const apiMs = 2000

/** A durable does not say what it left out: only the next sequence of all surely follows the last. */
export function fromConsumer(stream: number, message: JsMsg): StoredFrame {
  const { seq, subject } = message
  return stored(stream, seq - 1, {
    seq,
    subject,
    storedAt: message.time.getTime(),
    header: headersOf(message) ?? (() => ''),
    body: message.string(),
  })
}

/** A frame that this process has appended. */
export function fromHere(streams: SessionStreams, { session, frame, to }: RepublishedFrame): StoredFrame {
  const stream = streams.names.indexOf(streams.of(session))
  const subject = sessionSubject(session, frame.role, to)
  const owner = { session, root: rootOf(session) }
  return { ...{ stream, seq: frame.seq, previous: frame.seq - 1, subject }, storedAt: frame.at, owner, frame }
}

function stored(
  stream: number,
  previous: number,
  { seq, subject, storedAt, header, body }: StoredMessage,
): StoredFrame {
  const parsed = ownSessionSubject(subject)
  return {
    stream,
    seq,
    previous,
    subject,
    storedAt: Number.isSafeInteger(storedAt) ? storedAt : 0,
    owner: parsed && { session: parsed.session, root: parsed.root },
    frame: parsed && decodeFrame({ ...parsed, seq, body, header }),
  }
}

/**
 * A stream of sessions holds nothing else. For `ses.>` the server counts through all its subjects with each batch, 130 ms where half a
 * million sessions lie; for this one it need not.
 */
const everything = '>'

/**
 * The next frames of one stream behind `after`, in order; empty only where `upTo` holds nothing more (the leader is asked before that is
 * said). Rejects with BrokerUnavailable.
 */
export async function framesAfter(
  broker: Broker,
  streams: SessionStreams,
  stream: number,
  after: number,
  upTo: number,
): Promise<readonly StoredFrame[]> {
  const name = streams.names[stream]!
  for (let attempt = 1; attempt <= 20; attempt++) {
    const { messages, ended } = await nextMessages(broker, name, everything, { after })
    if (messages.length > 0) return messages.map((message, i) => stored(stream, messages[i - 1]?.seq ?? after, message))
    // A replica may not have yet what the leader has.
    if (ended) {
      const next = await nextMessage(broker, name, everything, { after, leader: true })
      return next && next.seq <= upTo ? [stored(stream, after, next)] : []
    }
    await pause(50)
  }
  throw new BrokerUnavailable(`reading ${name} behind ${after}`)
}

/** What lies behind `places`, as far as each frame follows the one before it in its stream. */
export const joiningAll = <T extends InStream>(batch: readonly T[], places: Places): readonly T[] =>
  places.flatMap((place, stream) =>
    joining(
      batch.filter((frame) => frame.stream === stream),
      place,
    ),
  )

/** Where a batch leads. */
export const placesAfter = (places: Places, batch: readonly Pick<InStream, 'stream' | 'seq'>[]): Places =>
  places.map((place, at) => batch.reduce((seq, frame) => (frame.stream === at ? Math.max(seq, frame.seq) : seq), place))

export interface StoredStreams extends StreamsIdentity {
  /** The last sequence of each. */
  readonly ends: Places
}

export async function describeStreams(broker: Broker, { names }: SessionStreams): Promise<StoredStreams> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  const found = await Promise.all(
    names.map((name) =>
      manager.streams.info(name).catch((cause: unknown) => {
        throw new BrokerUnavailable(`looking for the stream ${name}`, { cause })
      }),
    ),
  )
  return {
    identity: identityOf(found),
    count: names.length,
    ends: found.map(({ state }) => state.last_seq),
  }
}

/** Streams that sessions were moved to count as the one that they come from, whose sequences they have. */
function identityOf(streams: readonly StreamInfo[]): string {
  const origins = new Set(streams.map(({ config }) => config.metadata?.[movedFrom]))
  const [origin] = origins
  return origins.size === 1 && origin !== undefined ? origin : streams.map(({ created }) => created).join(',')
}

/** Makes the index's durable of a stream, to begin behind `after`, where there is none. It brings news; how far the index is stands in Postgres. */
export async function ensureIndexDurable(broker: Broker, stream: string, after: number): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  const wanted = {
    durable_name: indexDurable,
    filter_subject: allSessionsFilter,
    ack_policy: 'all',
    ack_wait: 30e9,
    max_ack_pending: 2000,
    max_deliver: -1,
    deliver_policy: 'by_start_sequence',
    opt_start_seq: after + 1,
  } as const
  await ensureDurable(manager, stream, wanted, 0)
}

/** The index needs it no more; one that is made later begins where the index is then. */
export async function removeDurable(broker: Broker, stream: string): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  await manager.consumers.delete(stream, indexDurable).catch(() => undefined)
}
