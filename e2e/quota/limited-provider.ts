// A provider with a limit, which speaks OpenAI's chat completions and answers what it was asked. It keeps its own account of what came when,
// and answers 429 beyond its limit, as providers do: by a bucket that fills evenly.
import http from 'node:http'

export interface Asked {
  /** ms since it was started. */
  readonly at: number
  /** The newest message. */
  readonly text: string
  readonly status: 200 | 429
}

export interface LimitedProvider {
  readonly url: string
  readonly asked: readonly Asked[]
  /** From now on it takes so many a minute, a tenth of them (rounded up) at once; undefined: all. */
  limit(requestsPerMinute: number | undefined): void
  /** The next request is refused, with so many seconds in Retry-After, and every other one until these are over. */
  refuseNext(seconds: number): void
  close(): Promise<void>
}

export async function startLimitedProvider(): Promise<LimitedProvider> {
  const asked: Asked[] = []
  const started = performance.now()
  let perMinute: number | undefined
  let level = 0
  let filledAt = 0
  let refusing: number | undefined
  let closedUntil = 0

  const takes = (now: number): number | undefined => {
    if (refusing !== undefined) {
      closedUntil = now + refusing * 1000
      refusing = undefined
    }
    if (now < closedUntil) return Math.ceil((closedUntil - now) / 1000)
    if (perMinute === undefined) return undefined
    const most = Math.ceil(perMinute / 10) + 1
    level = Math.min(most, level + ((now - filledAt) * perMinute) / 60_000)
    filledAt = now
    if (level < 1) return 1
    level -= 1
    return undefined
  }

  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.on('end', () => {
      const at = performance.now() - started
      const text = newest(JSON.parse(body))
      const retryAfter = takes(at)
      asked.push({ at, text, status: retryAfter === undefined ? 200 : 429 })
      if (retryAfter !== undefined) {
        response.writeHead(429, { 'content-type': 'application/json', 'retry-after': String(retryAfter) })
        return response.end('{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}')
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const chunk = (choice: object, more: object = {}) =>
        `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'm', choices: [choice], ...more })}\n\n`
      response.write(
        chunk({ index: 0, delta: { role: 'assistant', content: `You said ${text}.` }, finish_reason: null }),
      )
      const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
      response.end(`${chunk({ index: 0, delta: {}, finish_reason: 'stop' }, { usage })}data: [DONE]\n\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it has no address')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    asked,
    limit(requests) {
      perMinute = requests
      level = Number.POSITIVE_INFINITY
      filledAt = performance.now() - started
    },
    refuseNext(seconds) {
      refusing = seconds
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function newest({ messages }: { readonly messages: readonly { readonly content: unknown }[] }): string {
  const content = messages.at(-1)?.content
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map(({ text = '' }: { text?: string }) => text).join('') : ''
}
