// Telling how a conversation goes on, until it is somebody else's turn to speak.
//   TL1. A cursor stands behind all that was told with it: where one item is told as several events, the earlier ones carry the cursor
//        of the item before, so that whoever comes back misses none of them.
//   TL2. It ends with a last event, always: also where the gateway stays away, the token is revoked, or this process closes.
//   TL3. What somebody was asked is told when the history has been read: it may have been answered since.
//   TL4. What a session below waits for is told as well: nobody else would be asked.
import { type AgentEvent, type Ask, askEvent, isLastEvent, step } from '@reins/client'
import { decodeCursor, isChild, ReinsError, type StreamItem } from '@reins/contracts'
import { firstAskBelow } from './asks-below.ts'
import type { Place, Talk, TalkClient } from './talk.ts'

export interface Told {
  readonly event: AgentEvent
  readonly cursor: string
}

export interface TellParts {
  readonly client: TalkClient
  /** The gateway, as it may be shown. */
  readonly server: string
  /** ms for which the gateway may be away. */
  readonly awayMs: number
  /** The reader has left: nothing is told any more. */
  readonly left: AbortSignal
  /** This process closes. */
  readonly closing: AbortSignal
}

type Turn =
  | { readonly kind: 'item'; readonly result: IteratorResult<unknown> }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'below'; readonly ask: Ask | undefined }
  | { readonly kind: 'away' | 'closing' }

export async function* tell(talk: Talk, parts: TellParts): AsyncGenerator<Told> {
  const { client, server, awayMs, left, closing } = parts
  const { session } = talk
  let { progress, after: cursor } = talk
  if (talk.made) yield { event: { kind: 'session_id', id: session }, cursor }
  if (talk.only) return yield { event: talk.only, cursor }

  const stop = new AbortController()
  const signal = AbortSignal.any([left, stop.signal])
  const items = client.sessions.follow(session, { after: talk.after, signal })[Symbol.asyncIterator]()
  const nextItem = (): Promise<Turn> =>
    items.next().then(
      (result): Turn => ({ kind: 'item', result }),
      (error: unknown): Turn => ({ kind: 'failed', error }),
    )
  const onClosing = Promise.withResolvers<Turn>()
  const close = () => onClosing.resolve({ kind: 'closing' })
  if (closing.aborted) close()
  closing.addEventListener('abort', close, { once: true })
  let away = Promise.withResolvers<Turn>()
  let patience: ReturnType<typeof setTimeout> | undefined
  let below: Promise<Turn> | undefined
  let history = talk.head !== undefined && !isAt(talk.after, talk.head)
  let next = nextItem()
  try {
    for (;;) {
      const [ask] = history ? [] : progress.asks
      if (ask) return yield { event: askEvent(ask), cursor } // TL3
      if (progress.below.size > 0 && !isChild(session)) below ??= watchBelow(client, session, signal) // TL4
      const turn = await Promise.race([next, away.promise, onClosing.promise, ...(below ? [below] : [])])
      if (left.aborted) return
      switch (turn.kind) {
        case 'below': {
          if (turn.ask) return yield { event: askEvent(turn.ask), cursor }
          below = new Promise(() => undefined)
          break
        }
        case 'away':
          return yield { event: stayedAway(server, awayMs), cursor }
        case 'closing':
          return yield { event: closes, cursor }
        case 'failed':
          return yield { event: failedFor(turn.error), cursor }
        case 'item': {
          if (turn.result.done) return yield { event: stayedAway(server, awayMs), cursor }
          const item = turn.result.value as StreamItem | Connection
          next = nextItem()
          if (isConnection(item)) {
            clearTimeout(patience)
            if (item.state === 'lost') patience = setTimeout(() => away.resolve({ kind: 'away' }), awayMs)
            else away = Promise.withResolvers()
            break
          }
          const { progress: now, events } = step(progress, item)
          progress = now
          for (const [at, event] of events.entries()) {
            const told = { event, cursor: at === events.length - 1 ? item.cursor : cursor } // TL1
            yield told
            if (isLastEvent(event)) return
          }
          cursor = item.cursor
          if (history && talk.head && 'n' in item) history = !isBehind(item, talk.head)
          break
        }
        default:
          turn satisfies never
      }
    }
  } finally {
    clearTimeout(patience)
    closing.removeEventListener('abort', close)
    stop.abort()
    void next.then(() => items.return?.(undefined)).catch(() => undefined)
  }
}

interface Connection {
  readonly type: 'connection'
  readonly state: 'lost' | 'back'
}
const isConnection = (item: StreamItem | Connection): item is Connection =>
  item.type === 'connection' && 'state' in item

const watchBelow = (client: TalkClient, session: string, signal: AbortSignal): Promise<Turn> =>
  firstAskBelow(client, session, signal).then(
    (ask): Turn => ({ kind: 'below', ask }),
    (): Turn => ({ kind: 'below', ask: undefined }),
  )

const isBehind = (place: Place, head: Place): boolean => place.n > head.n || (place.n === head.n && place.i >= head.i)

function isAt(cursor: string, head: Place): boolean {
  const place = decodeCursor(cursor)
  return place !== undefined && isBehind(place, head)
}

const stayedAway = (server: string, ms: number): AgentEvent => ({
  kind: 'error',
  message: `The server ${server} has not answered for ${Math.ceil(ms / 1000)} s. What was asked goes on there: come back with the last id that you got as Last-Event-ID.`,
})

const closes: AgentEvent = {
  kind: 'error',
  message:
    'This process is shutting down. The session goes on: come back here, or to another process that serves the agent, with the last id that you got as Last-Event-ID.',
}

function failedFor(error: unknown): AgentEvent {
  if (!(error instanceof ReinsError))
    return { kind: 'error', message: 'The stream failed. Come back with Last-Event-ID.' }
  return { kind: 'error', message: `${error.message} ${error.next}` }
}
