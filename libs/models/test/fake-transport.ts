// A transport whose server is a function: it shows what an adapter sent, and answers with given bytes.
import type { Transport } from '../src/transport.ts'

export interface Sent {
  readonly url: string
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

export interface FakeTransport extends Transport {
  readonly sent: Sent[]
}

/** Answers in turn; the last one again and again. */
export function fakeTransport(...answers: readonly (() => Response)[]): FakeTransport {
  const sent: Sent[] = []
  const fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: String(input), headers: new Headers(init.headers), body: JSON.parse(String(init.body)) })
    const answer = answers[Math.min(sent.length, answers.length) - 1]
    if (!answer) throw new Error('connect ECONNREFUSED')
    return answer()
  }
  return { sent, clients: (make) => () => make({ fetch, timeout: 1_000 }), close: () => {} }
}

/** Server-sent events, with the event's name where the data has a type. */
export function sse(...events: readonly unknown[]): () => Response {
  const text = events
    .map((event) => {
      const name =
        typeof event === 'object' && event !== null && 'type' in event ? `event: ${String(event.type)}\n` : ''
      return `${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`
    })
    .join('')
  return () => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): () => Response {
  return () =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })
}
