// A transport whose server is a function: it shows what an adapter sent, and answers with given bytes, cut as one wants.
import type { Reply, ReplyHeaders } from '../src/http/exchange.ts'
import type { Transport } from '../src/http/transport.ts'

export interface Sent {
  readonly url: string
  readonly headers: Headers
  readonly body: Record<string, unknown>
  /** As it went out. */
  readonly text: string
}

export interface Answered {
  readonly status: number
  readonly headers: ReplyHeaders
  readonly parts: readonly Uint8Array[]
  /** How the body ends: the connection stays open, or breaks. */
  readonly end?: 'open' | 'reset'
}

export interface FakeTransport extends Transport {
  readonly sent: Sent[]
  /** How many answers were let go before their end. */
  readonly left: number
}

/** Answers in turn; the last one again and again. */
export function fakeTransport(...answers: readonly (() => Answered)[]): FakeTransport {
  const sent: Sent[] = []
  let left = 0
  return {
    sent,
    get left() {
      return left
    },
    async post(url, { headers, body, signal }) {
      sent.push({ url, headers: new Headers(headers), body: JSON.parse(body), text: body })
      const answer = answers[Math.min(sent.length, answers.length) - 1]
      if (!answer) throw new Error('connect ECONNREFUSED')
      return replyOf(answer(), signal, () => {
        left += 1
      })
    },
    close: () => {},
  }
}

function replyOf({ status, headers, parts, end }: Answered, signal: AbortSignal, onLeave: () => void): Reply {
  let at = 0
  let gone = false
  let held: PromiseWithResolvers<void> | undefined
  const read = async (): Promise<Uint8Array | undefined> => {
    const part = parts[at++]
    if (part) return part
    if (end === 'reset') throw new Error('the connection broke in the middle of the answer')
    if (end === 'open')
      return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return undefined
  }
  return {
    status,
    headers,
    read,
    flow(into) {
      const pump = async (): Promise<void> => {
        for (let part = await read(); part && !gone; part = await read()) {
          into.data(part)
          await held?.promise
        }
        into.end()
      }
      pump().catch((error: Error) => into.failed(error))
    },
    hold() {
      held ??= Promise.withResolvers()
    },
    goOn() {
      held?.resolve()
      held = undefined
    },
    leave() {
      gone = true
      onLeave()
    },
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export function sent(text: string, contentType = 'text/event-stream', status = 200): () => Answered {
  return () => ({ status, headers: { 'content-type': contentType }, parts: [bytes(text)] })
}

/** Server-sent events, with the event's name where the data has a type. */
export function sse(...events: readonly unknown[]): () => Answered {
  const text = events
    .map((event) => {
      const name =
        typeof event === 'object' && event !== null && 'type' in event ? `event: ${String(event.type)}\n` : ''
      return `${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`
    })
    .join('')
  return sent(text)
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): () => Answered {
  return () => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    parts: [bytes(JSON.stringify(body))],
  })
}
