// Following a session for as long as the caller likes: the stream is opened again from its last cursor whenever it breaks.
//   F1. Each event is given once, in order; of a delta, each character once.
//   F2. Only what cannot get better ends it: a wrong token, no such session, a bad cursor. Everything else is waited out.
//   F4. Where tokens are refreshed, a stream that ends with its token is opened again with the next one; a server that takes that one
//       neither is believed.
//   F5. An event has a bound; whoever sends more sends it again, so that ends it.
//   F3. A silent connection is a broken one: the server says something every 15 s.
import type { StreamItem } from '@reins/contracts'
import { errorTable, ReinsError } from '@reins/contracts/errors'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { SeenDeltas } from './seen-deltas.ts'
import { mostAnswerBytes, tooLarge } from './transport/bounded.ts'
import { withoutCredentials } from './transport/shown-url.ts'
import { errorOf, type Transport, unreachable } from './transport/transport.ts'

/** The stream broke (`lost`, once per outage: it is tried again until it is back), or goes on (`back`). */
export type ConnectionItem =
  | { readonly type: 'connection'; readonly state: 'lost'; readonly error: ReinsError; readonly retryInMs: number }
  | { readonly type: 'connection'; readonly state: 'back' }
export type FollowItem = StreamItem | ConnectionItem

export interface FollowOptions {
  /** A cursor: only what comes behind it. */
  readonly after?: string
  /** Default true. */
  readonly deltas?: boolean
  readonly tree?: boolean
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal
}

export interface FollowParts {
  readonly transport: Transport
  readonly baseUrl: string
  /** ms of silence after which a connection is given up. */
  readonly silenceMs: number
  /** Resolves after so many ms, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

const firstRetryMs = 250
const lastRetryMs = 5000

export async function* follow(parts: FollowParts, session: string, options: FollowOptions): AsyncGenerator<FollowItem> {
  const stop = options.signal ?? new AbortController().signal
  const seen = new SeenDeltas()
  let after = options.after
  let retryInMs = firstRetryMs
  let lost = false
  let refused = false
  while (!stop.aborted) {
    const connection = new AbortController()
    const both = AbortSignal.any([stop, connection.signal])
    try {
      const stream = items(parts, session, { ...options, ...(after === undefined ? {} : { after }) }, both, connection)
      for await (const item of stream) {
        if (item === 'open') {
          if (lost) yield { type: 'connection', state: 'back' }
          lost = false
          refused = false
          continue
        }
        retryInMs = firstRetryMs
        after = item.cursor
        const fresh = seen.fresh(item) // F1
        if (fresh) yield fresh
      }
      throw unreachable(parts.baseUrl, undefined) // The server ended it: it is shutting down.
    } catch (error) {
      if (stop.aborted) return
      const known = error instanceof ReinsError ? error : unreachable(parts.baseUrl, error)
      const renewed = known.code === 'unauthorized' && parts.transport.renews && !refused // F4
      if (renewed) refused = true
      else if (errorTable[known.code].retry === 'never') throw known // F2
      if (!lost) yield { type: 'connection', state: 'lost', error: known, retryInMs }
      lost = true
      await parts.wait(retryInMs, stop)
      retryInMs = Math.min(retryInMs * 2, lastRetryMs)
    } finally {
      connection.abort()
    }
  }
}

async function* items(
  { transport, baseUrl, silenceMs }: FollowParts,
  session: string,
  { after, deltas, tree }: FollowOptions,
  signal: AbortSignal,
  connection: AbortController,
): AsyncGenerator<StreamItem | 'open'> {
  let silence: ReturnType<typeof setTimeout> | undefined
  const restartSilence = () => {
    clearTimeout(silence)
    silence = setTimeout(() => connection.abort(), silenceMs) // F3
  }
  try {
    restartSilence()
    const response = await transport.open({
      method: 'GET',
      path: `/v1/sessions/${encodeURIComponent(session)}/events`,
      query: { after, deltas, tree },
      headers: { accept: 'text/event-stream' },
      signal,
    })
    yield 'open'
    if (!response.body) return
    let parsed: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (event) => parsed.push(event) })
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (let unread = 0; ; ) {
      const { done, value } = await reader.read()
      if (done) return
      restartSilence()
      unread += value.length
      if (unread > mostAnswerBytes) throw tooLarge(withoutCredentials(baseUrl), 'sent one event of', mostAnswerBytes)
      parsed = []
      parser.feed(decoder.decode(value, { stream: true }))
      if (parsed.length > 0) unread = 0
      for (const { event, data } of parsed) {
        if (event === 'error') throw errorOf(0, data)
        yield JSON.parse(data) as StreamItem
      }
    }
  } finally {
    clearTimeout(silence)
  }
}
