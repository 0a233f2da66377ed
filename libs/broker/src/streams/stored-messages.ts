// Reading what a stream has stored, over the broker's raw API: by direct get from any replica, or from the leader.
//   M1. What is handed out has no gap. A batch may be cut by its connection, and then its end comes without what stood before;
//       each message of a batch names the one before it, and what does not join is asked for again.
//   M3. Who gives a function in place of a name is asked for the name each time: a reading that waits goes on in the stream that has taken
//       the place of the other. A stream that is gone has not said that something is not there.
//   M2. Nothing asks for more than there is. A server that looks for one more message of a filter searches on to the end of its
//       stream, which with a million other messages costs it more than all the rest. So the last message is read first.
//   M5. A server that looks for the next message of a filter goes through all messages between, and loads the blocks that hold them from its
//       disk. Where those of a filter lie far apart, each is asked for by its sequence, from the last one back (joined-messages.ts).
//   M6. One message is never asked for as a batch: of a batch the server counts first what else is there of its filter.
//   M4. For a moment of its life a stream may have no direct gets, when it is being split: then its leader is asked.
import { setTimeout as pause } from 'node:timers/promises'
import type { Msg } from '@nats-io/nats-core'
import { fieldsOf, jsonValue } from '@reins/contracts'
import type { Broker } from '../connection/broker.ts'
import { directGetSubject, leaderGetSubject, streamNotFound } from './jetstream-api.ts'
import { type HeaderOf, storedHeadersOf } from '../connection/message-headers.ts'
import { BrokerUnavailable } from '../connection/unavailable.ts'
import { areFarApart, messagesBack, writtenOn } from './joined-messages.ts'

export interface StoredMessage {
  readonly subject: string
  readonly seq: number
  /** epoch ms, by the broker; 0 where it does not say */
  readonly storedAt: number
  readonly header: HeaderOf
  readonly body: string
}

/** M3. */
export type StreamName = string | (() => string)
const nameOf = (stream: StreamName): string => (typeof stream === 'string' ? stream : stream())

export interface ReadOptions {
  /** Messages with a sequence greater than this. Default 0: from the start. */
  readonly after?: number
  /** The place of the message at `after` among those of its filter, counted from 1, for whoever knows it: saves questions, and changes nothing. */
  readonly afterNumber?: number
  /** Stop after so many messages. */
  readonly limit?: number
  /** Read from the stream's leader: a replicated stream's direct get may be stale. */
  readonly leader?: boolean
  /** ms until BrokerUnavailable. Default 10 000. */
  readonly withinMs?: number
}

export interface ReadMessagesOptions extends ReadOptions {
  /** epoch ms: nothing that was stored before. Counts only without `after`. */
  readonly since?: number
  /**
   * The place of a message among those of its filter, counted from 1, if its writers number them; 0 where it does not say.
   * With it a batch can ask for exactly what there is; without it the server is asked how much that is.
   */
  readonly numberOf?: (message: StoredMessage) => number
}

/** How many messages one batch asks for: bounded, so that a slow reader never has more than this on the way. */
const batchSize = 500
/** A server goes through so many messages in no time: where a stream has no more, nothing is worth a further question (M5). */
const smallStream = 10_000
const batchBytes = 4 * 1024 * 1024
const answerMs = 2000
const readMs = 10_000

/** The last message of a filter by direct get, or from the leader. undefined: none. */
export function lastMessage(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: { readonly leader?: boolean; readonly withinMs?: number } = {},
): Promise<StoredMessage | undefined> {
  return oneMessage(broker, stream, { last_by_subj: filter }, options)
}

/** The message of a stream at a sequence by direct get, or from the leader. undefined: none. */
export function messageAt(
  broker: Broker,
  stream: StreamName,
  seq: number,
  options: { readonly leader?: boolean; readonly withinMs?: number } = {},
): Promise<StoredMessage | undefined> {
  return oneMessage(broker, stream, { seq }, options)
}

/** The first message of a filter behind a sequence. undefined: none, and the server has searched the whole stream for it (M2). */
export function nextMessage(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: { readonly after: number; readonly leader?: boolean; readonly withinMs?: number },
): Promise<StoredMessage | undefined> {
  return oneMessage(broker, stream, { seq: options.after + 1, next_by_subj: filter }, options)
}

async function oneMessage(
  broker: Broker,
  stream: StreamName,
  ask: object,
  { leader = false, withinMs = readMs }: { readonly leader?: boolean; readonly withinMs?: number },
): Promise<StoredMessage | undefined> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const left = deadline - performance.now()
    const name = nameOf(stream)
    if (left <= 0) throw new BrokerUnavailable(`reading ${name}`)
    const within = Math.min(left, answerMs)
    const answer = await (leader ? leaderGet(broker, name, ask, within) : directGet(broker, name, ask, within))
    if (answer !== 'again') return answer
    await pause(50)
  }
}

/** All messages of a filter after a sequence, in order, up to the one that was the last when the reading began. */
export async function readMessages(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: ReadMessagesOptions = {},
): Promise<StoredMessage[]> {
  const { leader = false, limit = Number.POSITIVE_INFINITY, numberOf = () => 0, since } = options
  const deadline = performance.now() + (options.withinMs ?? readMs)
  const leftMs = (): number => {
    const left = deadline - performance.now()
    if (left <= 0) throw new BrokerUnavailable(`reading ${filter}`)
    return left
  }
  const found: StoredMessage[] = []
  let after = options.after ?? 0
  const last = limit > 0 ? await lastMessage(broker, stream, filter, { leader, withinMs: leftMs() }) : undefined
  if (!last || last.seq <= after || (after === 0 && since !== undefined && last.storedAt < since)) return found // M2
  if (writtenOn(last, filter) === after) return [last]
  const joined = since === undefined ? await joinedMessages(last) : undefined
  if (joined) return joined
  let expected = after === 0 ? numberOf(last) : 0
  while (found.length < limit && after < last.seq) {
    const count = Math.min(Math.max(expected, 1), limit - found.length)
    const from = after === 0 && since !== undefined ? { since } : { after }
    const batch =
      leader || (count === 1 && 'after' in from)
        ? await nextAlone(broker, stream, filter, { after, leader, withinMs: leftMs() }) // M6
        : await nextMessages(broker, stream, filter, { ...from, count, withinMs: leftMs() })
    for (const message of batch.messages) found.push(message)
    const newest = batch.messages.at(-1)
    after = newest?.seq ?? after
    if (batch.ended) break
    expected = (newest && numberOf(newest) > 0 && numberOf(last) - numberOf(newest)) || batch.pending
    if (batch.messages.length === 0) await pause(20)
  }
  return found

  /** M5. undefined: they lie close together, or their writers have not said on which they stood. */
  async function joinedMessages(last: StoredMessage): Promise<StoredMessage[] | undefined> {
    const number = numberOf(last)
    if (number === 0 || limit === 1) return undefined
    const parts = { filter, last, after, limit, numberOf }
    const at = (seq: number) => messageAt(broker, stream, seq, { leader, withinMs: leftMs() })
    if (after > 0) {
      const { afterNumber } = options
      const left = afterNumber === undefined ? undefined : number - afterNumber
      return areFarApart(parts, after, left) ? messagesBack({ ...parts, unsure: left === undefined }, at) : undefined
    }
    if (number > 2 && last.seq < smallStream) return undefined
    const first = await nextMessage(broker, stream, filter, { after, leader, withinMs: leftMs() })
    if (!first || (number > 2 && !areFarApart(parts, first.seq, number - 1))) return undefined
    return messagesBack({ ...parts, first }, at)
  }
}

export interface Batch {
  /** Those that follow what was asked for, in order, none left out. May be fewer than there are. */
  readonly messages: readonly StoredMessage[]
  /** How many of the filter the server had behind these when it answered; 0 also where it did not say. */
  readonly pending: number
  /** The server has said that there are no more. */
  readonly ended: boolean
}

export interface BatchOptions {
  /** At most so many, in one request; never more than 500, or 4 MB. */
  readonly count?: number
  readonly withinMs?: number
}

/** One batch by direct get, behind a sequence or a time. What it lacks is asked for by the next one. */
export async function nextMessages(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: BatchOptions & ({ readonly after: number } | { readonly since: number }),
): Promise<Batch> {
  const { count = batchSize, withinMs = answerMs } = options
  const start = 'since' in options ? { start_time: new Date(options.since).toISOString() } : { seq: options.after + 1 }
  let after = 'since' in options ? 0 : options.after
  const messages: StoredMessage[] = []
  const state = { pending: 0, ended: false }
  const ask = { ...start, next_by_subj: filter, batch: Math.min(count, batchSize), max_bytes: batchBytes }
  const outcome = await broker.requestMany(
    directGetSubject(nameOf(stream)),
    JSON.stringify(ask),
    (msg) => {
      const stored = storedFromDirect(msg)
      if (stored) {
        if (Number(stored.said('Nats-Last-Sequence')) > after) return 'last' // M1
        messages.push(stored.message)
        after = stored.message.seq
        state.pending = Number(stored.said('Nats-Num-Pending')) || 0
        return 'more'
      }
      // The end of all, or nothing there. Any other status is no answer: what came is good, the rest is asked for again.
      const code = msg.headers?.code
      state.ended = code === 404 || (code === 204 && !(Number(msg.headers?.get('Nats-Num-Pending')) > 0))
      return 'last'
    },
    { withinMs: Math.min(withinMs, answerMs) },
  )
  if (outcome !== 'no-responders') return { messages, ...state }
  await pause(50)
  if (!('after' in options)) return { messages, ...state }
  const fromLeader = { after: options.after, leader: true, withinMs }
  return nextAlone(broker, nameOf(stream), filter, fromLeader).catch((error: unknown) => {
    if (error instanceof BrokerUnavailable) return { messages, ...state }
    throw error
  }) // M4
}

/**
 * As `nextMessages`, for who must not take silence for the end: it is asked again until there are messages, and the leader is asked before
 * the end is said, because a replica may not have yet what the leader has. Rejects with BrokerUnavailable.
 */
export async function nextMessagesOrEnd(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: BatchOptions & ({ readonly after: number } | { readonly since: number }),
): Promise<Batch> {
  const { withinMs = readMs } = options
  const deadline = performance.now() + withinMs
  for (;;) {
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw new BrokerUnavailable(`reading ${filter} of ${nameOf(stream)}`)
    const batch = await nextMessages(broker, stream, filter, { ...options, withinMs: leftMs })
    if (batch.messages.length > 0) return { ...batch, ended: false }
    if (batch.ended) {
      const last = await lastMessage(broker, stream, filter, { leader: true, withinMs: leftMs }) // M2
      const isBehind = last && ('since' in options ? last.storedAt >= options.since : last.seq > options.after)
      if (!isBehind) return batch
      if ('after' in options)
        return nextAlone(broker, stream, filter, { after: options.after, leader: true, withinMs: leftMs })
    }
    await pause(50)
  }
}

async function nextAlone(
  broker: Broker,
  stream: StreamName,
  filter: string,
  options: { readonly after: number; readonly leader: boolean; readonly withinMs: number },
): Promise<Batch> {
  const message = await nextMessage(broker, stream, filter, options)
  return { messages: message ? [message] : [], pending: 0, ended: message === undefined }
}

/** A direct get's answer: the message's own headers, and what the server says of it. undefined: a status, not a message. */
function storedFromDirect(msg: Msg): { readonly message: StoredMessage; readonly said: HeaderOf } | undefined {
  const headers = storedHeadersOf(msg)
  const subject = headers?.said('Nats-Subject')
  if (!headers || !subject) return undefined
  const { header, said } = headers
  const seq = Number(said('Nats-Sequence'))
  return { message: { subject, seq, storedAt: timeOf(said('Nats-Time-Stamp')), header, body: msg.string() }, said }
}

const timeOf = (text: string): number => Date.parse(text) || 0

async function directGet(
  broker: Broker,
  stream: string,
  ask: object,
  withinMs: number,
): Promise<StoredMessage | undefined | 'again'> {
  const outcome = await broker.request(directGetSubject(stream), JSON.stringify(ask), { withinMs, repeatedTo: stream })
  if (outcome.kind === 'no-responders') return leaderGet(broker, stream, ask, withinMs) // M4
  if (outcome.kind !== 'reply') return 'again'
  return storedFromDirect(outcome.msg)?.message ?? (outcome.msg.headers?.code === 404 ? undefined : 'again')
}

/** The bytes of the first message of a filter behind a sequence, from the leader. undefined: none (M2). */
export async function nextBytes(
  broker: Broker,
  stream: string,
  filter: string,
  { after, withinMs = readMs }: { readonly after: number; readonly withinMs?: number },
): Promise<{ readonly seq: number; readonly bytes: Uint8Array } | undefined> {
  const ask = { seq: after + 1, next_by_subj: filter }
  for (const deadline = performance.now() + withinMs; ; await pause(50)) {
    const left = deadline - performance.now()
    if (left <= 0) throw new BrokerUnavailable(`reading ${stream}`)
    const stored = await leaderMessage(broker, stream, ask, Math.min(left, answerMs))
    if (stored === undefined) return undefined
    if (stored !== 'again' && typeof stored.seq === 'number')
      return { seq: stored.seq, bytes: Buffer.from(textOf(stored.data), 'base64') }
  }
}

async function leaderMessage(
  broker: Broker,
  stream: string,
  ask: object,
  withinMs: number,
): Promise<Readonly<Record<string, unknown>> | undefined | 'again'> {
  const outcome = await broker.request(leaderGetSubject(stream), JSON.stringify(ask), { withinMs, repeatedTo: stream })
  if (outcome.kind !== 'reply') return 'again'
  const { message, error } = fieldsOf(jsonValue(outcome.msg.string()))
  if (error !== undefined) {
    const { code, err_code } = fieldsOf(error)
    return code === 404 && err_code !== streamNotFound ? undefined : 'again' // M3
  }
  return fieldsOf(message)
}

async function leaderGet(
  broker: Broker,
  stream: string,
  ask: object,
  withinMs: number,
): Promise<StoredMessage | undefined | 'again'> {
  const stored = await leaderMessage(broker, stream, ask, withinMs)
  if (stored === undefined || stored === 'again') return stored
  const { subject, seq, time, hdrs, data } = stored
  if (typeof subject !== 'string' || typeof seq !== 'number') return 'again'
  const headers = parseHeaders(textOf(hdrs))
  return {
    ...{ subject, seq, storedAt: timeOf(textOf(time)) },
    header: (name) => headers.get(name) ?? '',
    body: Buffer.from(textOf(data), 'base64').toString('utf8'),
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function parseHeaders(base64: string): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of Buffer.from(base64, 'base64').toString('utf8').split('\r\n').slice(1)) {
    const at = line.indexOf(':')
    if (at > 0) headers.set(line.slice(0, at), line.slice(at + 1).trim())
  }
  return headers
}
