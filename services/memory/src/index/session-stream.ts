// Reading all of SES: what a durable delivers, and what lies behind a sequence.
//   R1. Each frame says which one it follows, so that whoever applies them can tell that none is missing.
import { setTimeout as pause } from 'node:timers/promises'
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, BrokerUnavailable, headersOf, nextMessage, nextMessages, type StoredMessage } from '@reins/broker'
import { allSessionsFilter, decodeFrame, type Frame, indexDurable, ownSessionSubject, streams } from '@reins/contracts'
import type { Owner } from './session-row.ts'

export interface StoredFrame {
  readonly seq: number
  /** R1. The sequence behind which it is the first; 0 for the first of all. */
  readonly previous: number
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
export function fromConsumer(message: JsMsg): StoredFrame {
  const { seq, subject } = message
  return stored(seq - 1, {
    seq,
    subject,
    storedAt: message.time.getTime(),
    header: headersOf(message) ?? (() => ''),
    body: message.string(),
  })
}

function stored(previous: number, { seq, subject, storedAt, header, body }: StoredMessage): StoredFrame {
  const parsed = ownSessionSubject(subject)
  return {
    seq,
    previous,
    subject,
    storedAt: Number.isSafeInteger(storedAt) ? storedAt : 0,
    owner: parsed && { session: parsed.session, root: parsed.root },
    frame: parsed && decodeFrame({ seq, role: parsed.role, body, header }),
  }
}

/**
 * The next frames behind `after`, in order; empty only where `upTo` holds nothing more (the leader is asked before that is said).
 * Rejects with BrokerUnavailable.
 */
export async function framesAfter(broker: Broker, after: number, upTo: number): Promise<readonly StoredFrame[]> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    const { messages, ended } = await nextMessages(broker, streams.sessions, allSessionsFilter, { after })
    if (messages.length > 0) return messages.map((message, i) => stored(messages[i - 1]?.seq ?? after, message))
    // A replica may not have yet what the leader has.
    if (ended) {
      const next = await nextMessage(broker, streams.sessions, allSessionsFilter, { after, leader: true })
      return next && next.seq <= upTo ? [stored(after, next)] : []
    }
    await pause(50)
  }
  throw new BrokerUnavailable(`reading ${streams.sessions} behind ${after}`)
}

export interface SessionStream {
  /** Tells this stream from another one of its name. */
  readonly identity: string
  readonly lastSeq: number
}

export async function describeStream(broker: Broker): Promise<SessionStream> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  const { created, state } = await manager.streams.info(streams.sessions).catch((cause: unknown) => {
    throw new BrokerUnavailable(`looking for the stream ${streams.sessions}`, { cause })
  })
  return { identity: created, lastSeq: state.last_seq }
}

/** Makes the index's durable, to begin behind `after`, where there is none. It brings news; how far the index is stands in Postgres. */
export async function ensureDurable(broker: Broker, after: number): Promise<void> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false, timeout: apiMs })
  if (await manager.consumers.info(streams.sessions, indexDurable).catch(() => undefined)) return
  await manager.consumers.add(streams.sessions, {
    durable_name: indexDurable,
    filter_subject: allSessionsFilter,
    ack_policy: 'all',
    ack_wait: 30e9,
    max_ack_pending: 2000,
    max_deliver: -1,
    deliver_policy: 'by_start_sequence',
    opt_start_seq: after + 1,
  })
}
