// Reading what a stream has stored, over the broker's raw API: by direct get from any replica, or from the leader.
//   M1. A batch may be cut by its connection: its end then comes without what stood before. What is handed out has no such gap, for each
//       message names the sequence of the one before it that matches.
import { setTimeout as pause } from 'node:timers/promises'
import type { Msg } from '@nats-io/nats-core'
import type { Broker } from './broker.ts'
import { BrokerUnavailable } from './unavailable.ts'

export interface StoredMessage {
  readonly subject: string
  readonly seq: number
  readonly header: (name: string) => string
  readonly body: string
}

/** How many frames one batch asks for: bounded, so that a slow reader never has more than this on the way. */
const batchSize = 500
const batchBytes = 4 * 1024 * 1024

/** A direct get's answer: the message's own headers, and Nats-Subject and Nats-Sequence. undefined: a status, not a message. */
export function storedFromDirect(msg: Msg): StoredMessage | undefined {
  const { headers } = msg
  const subject = headers?.get('Nats-Subject')
  if (!headers || !subject) return undefined
  return { subject, seq: Number(headers.get('Nats-Sequence')), header: (name) => headers.get(name), body: msg.string() }
}

/** The last message of a filter by direct get, or from the leader. undefined: none. */
export async function lastMessage(
  broker: Broker,
  stream: string,
  filter: string,
  options: { readonly leader?: boolean; readonly withinMs?: number } = {},
): Promise<StoredMessage | undefined> {
  const deadline = performance.now() + (options.withinMs ?? 10_000)
  for (;;) {
    const left = deadline - performance.now()
    if (left <= 0) throw new BrokerUnavailable(`reading the head of ${filter}`)
    const withinMs = Math.min(left, 2000)
    if (options.leader) {
      const answer = await leaderGet(broker, stream, { last_by_subj: filter }, withinMs)
      if (answer !== 'again') return answer
    } else {
      const outcome = await broker.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ last_by_subj: filter }), {
        withinMs,
      })
      if (outcome.kind === 'reply') {
        const stored = storedFromDirect(outcome.msg)
        if (stored) return stored
        if (outcome.msg.headers?.code === 404) return undefined
      }
    }
    await pause(50)
  }
}

export interface ReadOptions {
  /** Messages with a sequence greater than this. Default 0: from the start. */
  readonly after?: number
  /** Stop after so many messages. */
  readonly limit?: number
  /** Read from the stream's leader: a replicated stream's direct get may be stale. */
  readonly leader?: boolean
  /** ms until BrokerUnavailable. Default 10 000. */
  readonly withinMs?: number
}

/** All messages of a filter after a sequence, in order. */
export async function readMessages(
  broker: Broker,
  stream: string,
  filter: string,
  options: ReadOptions & { since?: number } = {},
): Promise<StoredMessage[]> {
  const deadline = performance.now() + (options.withinMs ?? 10_000)
  return options.leader
    ? readFromLeader(broker, stream, filter, options, deadline)
    : readDirect(broker, stream, filter, options, deadline)
}

async function readDirect(
  broker: Broker,
  stream: string,
  filter: string,
  options: ReadOptions & { since?: number },
  deadline: number,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = []
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  let after = options.after ?? 0
  while (found.length < limit) {
    const left = deadline - performance.now()
    if (left <= 0) throw new BrokerUnavailable(`reading ${filter}`)
    let ended = false
    const sizeBefore = found.length
    const from =
      after === 0 && options.since !== undefined
        ? { start_time: new Date(options.since).toISOString() }
        : { seq: after + 1 }
    const ask = {
      ...from,
      next_by_subj: filter,
      batch: Math.min(batchSize, limit - found.length),
      max_bytes: batchBytes,
    }
    const outcome = await broker.requestMany(
      `$JS.API.DIRECT.GET.${stream}`,
      JSON.stringify(ask),
      (msg) => {
        const stored = storedFromDirect(msg)
        if (stored) {
          // A connection that was cut in the middle of a batch gets its end without what came before: a fold must not have that gap.
          const before = Number(stored.header('Nats-Last-Sequence'))
          if (before > after) return 'last'
          found.push(stored)
          after = stored.seq
          return 'more'
        }
        // The end of all, or nothing there. Any other status is no answer: what came is good, the rest is asked for again.
        const code = msg.headers?.code
        ended = code === 404 || (code === 204 && !(Number(msg.headers?.get('Nats-Num-Pending')) > 0))
        return 'last'
      },
      { withinMs: Math.min(left, 2000) },
    )
    // A cut batch: what came is good, the rest is asked for again.
    if (outcome === 'no-responders') await pause(50)
    if (outcome !== 'done') continue
    if (ended) return found
    if (found.length === sizeBefore) await pause(20)
  }
  return found
}

async function readFromLeader(
  broker: Broker,
  stream: string,
  filter: string,
  options: ReadOptions,
  deadline: number,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = []
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  let after = options.after ?? 0
  while (found.length < limit) {
    const left = deadline - performance.now()
    if (left <= 0) throw new BrokerUnavailable(`reading ${filter} from the leader`)
    const answer = await leaderGet(broker, stream, { seq: after + 1, next_by_subj: filter }, Math.min(left, 2000))
    if (answer === undefined) return found
    if (answer === 'again') {
      await pause(50)
      continue
    }
    found.push(answer)
    after = answer.seq
  }
  return found
}

interface MessageGetReply {
  readonly message?: { readonly subject: string; readonly seq: number; readonly hdrs?: string; readonly data?: string }
  readonly error?: { readonly code: number }
}

async function leaderGet(
  broker: Broker,
  stream: string,
  ask: object,
  withinMs: number,
): Promise<StoredMessage | undefined | 'again'> {
  const outcome = await broker.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(ask), { withinMs })
  if (outcome.kind !== 'reply') return 'again'
  const { message, error } = outcome.msg.json<MessageGetReply>()
  if (error) return error.code === 404 ? undefined : 'again'
  if (!message) return 'again'
  const headers = parseHeaders(message.hdrs)
  return {
    subject: message.subject,
    seq: message.seq,
    header: (name) => headers.get(name) ?? '',
    body: Buffer.from(message.data ?? '', 'base64').toString('utf8'),
  }
}

function parseHeaders(base64: string | undefined): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of Buffer.from(base64 ?? '', 'base64')
    .toString('utf8')
    .split('\r\n')
    .slice(1)) {
    const at = line.indexOf(':')
    if (at > 0) headers.set(line.slice(0, at), line.slice(at + 1).trim())
  }
  return headers
}
