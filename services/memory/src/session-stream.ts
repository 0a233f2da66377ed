// Reading all of SES: what a durable delivers, and what lies behind a sequence.
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/nats-core'
import { type Broker, BrokerUnavailable } from '@reins/broker'
import {
  allSessionsFilter,
  decodeFrame,
  type Frame,
  indexDurable,
  parseSessionSubject,
  streams,
} from '@reins/contracts'
import type { Owner } from './session-row.ts'

export interface StoredFrame {
  readonly seq: number
  readonly subject: string
  /** undefined: a subject that belongs to no session. */
  readonly owner: Owner | undefined
  readonly frame: Frame | undefined
  /** epoch ms, by the broker */
  readonly storedAt: number
}

const batchFrames = 500
// A request that is lost with its connection is not answered: the sooner it is sent again, the sooner things go on.
export const apiMs = 2000
const batchBytes = 8 * 1024 * 1024

export function fromConsumer(message: JsMsg): StoredFrame {
  const { seq, subject, headers } = message
  return stored(seq, subject, message.time.getTime(), message.string(), (name) => headers?.get(name) ?? '')
}

function fromDirectGet(message: Msg): StoredFrame | undefined {
  const { headers } = message
  const subject = headers?.get('Nats-Subject')
  if (!headers || !subject) return undefined
  const time = Date.parse(headers.get('Nats-Time-Stamp'))
  return stored(Number(headers.get('Nats-Sequence')), subject, time, message.string(), (name) => headers.get(name))
}

function stored(
  seq: number,
  subject: string,
  time: number,
  body: string,
  header: (name: string) => string,
): StoredFrame {
  const parsed = parseSessionSubject(subject)
  return {
    seq,
    subject,
    storedAt: Number.isSafeInteger(time) ? time : 0,
    owner: parsed && { session: parsed.session, root: parsed.root },
    frame: parsed && decodeFrame({ seq, role: parsed.role, body, header }),
  }
}

/**
 * The next frames behind `after`, in order; empty only where `upTo` holds nothing more (the leader is asked before that is said).
 * Rejects with BrokerUnavailable.
 */
export async function framesAfter(broker: Broker, after: number, upTo: number): Promise<readonly StoredFrame[]> {
  const ask = JSON.stringify({
    seq: after + 1,
    next_by_subj: allSessionsFilter,
    batch: batchFrames,
    max_bytes: batchBytes,
  })
  for (let attempt = 1; attempt <= 20; attempt++) {
    const found: StoredFrame[] = []
    const outcome = await broker.requestMany(
      `$JS.API.DIRECT.GET.${streams.sessions}`,
      ask,
      (message) => {
        const one = fromDirectGet(message)
        if (one) found.push(one)
        return one ? 'more' : 'last'
      },
      { withinMs: 3000 },
    )
    if (found.length > 0) return found // in order from `after`: good as far as it goes
    if (outcome === 'done' && !(await leaderHas(broker, after, upTo))) return []
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new BrokerUnavailable(`reading ${streams.sessions} behind ${after}`)
}

/** A replica may not have yet what the leader has. */
async function leaderHas(broker: Broker, after: number, upTo: number): Promise<boolean> {
  const ask = JSON.stringify({ seq: after + 1, next_by_subj: allSessionsFilter })
  const outcome = await broker.request(`$JS.API.STREAM.MSG.GET.${streams.sessions}`, ask, { withinMs: 3000 })
  if (outcome.kind !== 'reply') return true
  const { message, error } = outcome.msg.json<{ message?: { seq: number }; error?: { code: number } }>()
  if (error) return error.code !== 404
  return (message?.seq ?? 0) <= upTo
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
