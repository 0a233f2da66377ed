// The log as it lies in the stream: frames with the bytes of their events, read from the broker and from nowhere else.

import { type Broker, findSessionStreams, storedHeadersOf } from '@reins/broker'
import {
  type Address,
  allSessionsFilter,
  decodeFrame,
  eventsOf,
  type Frame,
  parseSessionSubject,
  sessionFilter,
  type SessionStreams,
} from '@reins/contracts'
import { asPrefix } from '@reins/journal'
import { forkIn } from '@reins/session'
import { eventually, pause } from './eventually.ts'

export interface StoredFrame {
  readonly session: string
  /** Who must act on it. */
  readonly to: Address
  readonly frame: Frame
  /** As they were written: what the hash is over. */
  readonly eventsJson: string
}

const batch = 500
/** In a row, each of a second at most. */
const maxSilences = 30

/** All frames of a session, or of every session, that lie behind those in `known`; in order of sequence in each stream. */
export async function readStored(
  broker: Broker,
  session?: string,
  known: readonly StoredFrame[] = [],
): Promise<readonly StoredFrame[]> {
  const streams = await eventually(() => findSessionStreams(broker).catch(() => undefined), {
    withinMs: 60_000,
    describe: () => 'the broker says which streams hold the sessions',
  })
  if (session !== undefined) return readSession(broker, streams, session)
  const ends = new Map<string, number>()
  for (const one of known) {
    const stream = streams.of(one.session)
    ends.set(stream, Math.max(ends.get(stream) ?? 0, one.frame.seq))
  }
  const found: StoredFrame[] = []
  for (const stream of streams.names)
    found.push(...(await readStream(broker, stream, allSessionsFilter, ends.get(stream) ?? 0)))
  return found
}

/** Of a fork, first what it has from the session that it was forked from. */
async function readSession(broker: Broker, streams: SessionStreams, session: string): Promise<readonly StoredFrame[]> {
  const own = await readStream(broker, streams.of(session), sessionFilter(session), 0)
  const fork = own[0] && forkIn(own[0].frame)
  if (!fork) return own
  const before = await readSession(broker, streams, fork.from)
  const prefix = before.filter(({ frame }) => frame.n <= fork.n)
  return [...prefix.map((one) => ({ ...one, frame: asPrefix(one.frame) })), ...own]
}

async function readStream(
  broker: Broker,
  stream: string,
  filter: string,
  from: number,
): Promise<readonly StoredFrame[]> {
  const found: StoredFrame[] = []
  let silences = 0
  for (let after = from; ; ) {
    let pending = 0
    const before = after
    const outcome = await broker.requestMany(
      `$JS.API.DIRECT.GET.${stream}`,
      JSON.stringify({ seq: after + 1, next_by_subj: filter, batch, max_bytes: 4 * 1024 * 1024 }),
      (msg) => {
        const headers = storedHeadersOf(msg)
        const subject = headers?.said('Nats-Subject')
        if (!headers || !subject) {
          pending = Number(msg.headers?.get('Nats-Num-Pending') ?? 0)
          return 'last'
        }
        const parsed = parseSessionSubject(subject)
        after = Number(headers.said('Nats-Sequence'))
        const body = msg.string()
        if (parsed)
          found.push({
            session: parsed.session,
            to: parsed.to,
            frame: decodeFrame({ ...parsed, seq: after, body, header: headers.header }),
            eventsJson: eventsOf(body) ?? '',
          })
        return 'more'
      },
      { withinMs: 1000 },
    )
    // A server that is being killed answers nothing: what came is good, the rest is asked for again.
    if (outcome === 'done' && pending === 0) return found
    if (after > before) silences = 0
    else if (++silences > maxSilences) throw new Error(`the log could not be read: ${outcome}`)
    if (outcome === 'no-responders') await pause(100)
  }
}

export function bySession(frames: readonly StoredFrame[]): ReadonlyMap<string, readonly StoredFrame[]> {
  const sessions = new Map<string, StoredFrame[]>()
  for (const stored of frames) {
    const known = sessions.get(stored.session)
    if (known) known.push(stored)
    else sessions.set(stored.session, [stored])
  }
  return sessions
}
