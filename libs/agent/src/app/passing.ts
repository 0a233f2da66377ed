// What `next()` of a route asks of the gateway, and its answer as a Response: its body is fetched when somebody reads it, and otherwise
// goes from the gateway to the client without passing through here.
import type { Context } from 'hono'
import { servings } from './servings.ts'

/** What the gateway said: what it will send if nobody changes it. */
interface Passed {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: number
}

/** Two copies of this file may be in one bundle: one in the app, one below the entry. */
const bodyKey: unique symbol = Symbol.for('reins.passed-body')

/** The gateway's number of this body, where it was left alone. */
export const passedBody = (body: ReadableStream | null): number | undefined =>
  body === null || body.locked ? undefined : (body as { [bodyKey]?: number })[bodyKey]

/** `sent`: with the whole request, for the code that it begins. */
export async function ask(c: Context, asked: object, sent = false): Promise<Response> {
  const serving = servings().getStore()
  if (!serving) throw new Error('this request does not come through Reins')
  const { door } = serving
  const named: unknown = c.get('principal' as never)
  const url = new URL(c.req.url)
  const value = {
    ...asked,
    method: c.req.method,
    query: Object.fromEntries(url.searchParams),
    ...(typeof named === 'string' ? { principal: named } : {}),
    headers: Object.fromEntries(passedHeaders.map((name) => [name, c.req.header(name)])),
    url: url.pathname,
    ...(sent ? { sent: { url: c.req.url, headers: Object.fromEntries(c.req.raw.headers) } } : {}),
  }
  const { status, headers, body } = (await door.request('serve', value)) as Passed
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await door.request('read', { body })
        if (typeof chunk === 'string') controller.enqueue(Buffer.from(chunk, 'base64'))
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  Object.defineProperty(stream, bodyKey, { value: body })
  return new Response(stream, { status, headers: headers.map(([name, value]): [string, string] => [name, value]) })
}

/** Of the client's headers, what the gateway goes by. */
const passedHeaders = ['accept', 'content-type', 'idempotency-key', 'last-event-id', 'x-webhook', 'traceparent']

export async function bodyText(c: Context): Promise<string> {
  return c.req.method === 'POST' ? c.req.text() : ''
}
