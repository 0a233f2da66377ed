// The client of the benchmarks: as cheap as node:http gets, since it shares the machine with what it measures.
// Requests of JSON are those of json-client.ts.
import http from 'node:http'
import { JsonClient } from './json-client.ts'
import type { AgentDefinition, CreatedSession, SentFile, TurnResult } from '@reins/contracts'

export interface StreamItem {
  readonly type: string
  readonly data: string
  /** process.hrtime.bigint() when the bytes were here. */
  readonly at: bigint
  /** Which read of the socket it came in. */
  readonly read: number
}

export class ApiClient {
  readonly #url: URL
  readonly #headers: http.OutgoingHttpHeaders
  readonly #client: JsonClient

  constructor(url: string, token: string, connections = 64) {
    this.#url = new URL(url)
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    this.#client = new JsonClient(url, this.#headers, connections)
  }

  /** A new session and its first turn, when that has ended. */
  async begin(agent: string, message: string): Promise<string> {
    const created = await this.#client.json<CreatedSession & Partial<TurnResult>>('POST', '/v1/sessions?wait=turn', {
      agent,
      message,
    })
    completed(created.turn)
    return created.session.id
  }

  /** A further turn, when it has ended. */
  async turn(session: string, content: string): Promise<void> {
    const { turn } = await this.#client.json<TurnResult>('POST', `/v1/sessions/${session}/messages?wait=turn`, {
      content,
    })
    completed(turn)
  }

  /** A new session whose turn is not waited for. */
  async start(agent: string, message?: string): Promise<CreatedSession> {
    return this.#client.json('POST', '/v1/sessions', { agent, ...(message === undefined ? {} : { message }) })
  }

  /** `files`: contents of those that the definition names. */
  async putAgent(definition: AgentDefinition, files?: readonly SentFile[]): Promise<void> {
    const body = files === undefined ? definition : { definition, files }
    await this.#client.json('PUT', `/v1/agents/${definition.name}`, body)
  }

  get(path: string): Promise<unknown> {
    return this.#client.json('GET', path)
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#client.json('POST', path, body)
  }

  put(path: string, body: unknown): Promise<unknown> {
    return this.#client.json('PUT', path, body)
  }

  /** Reads a session's events from the start, or behind the cursor `after`, and as they come. Resolves when it is open; `onEnd` when it breaks. */
  follow(
    session: string,
    on: (item: StreamItem) => void,
    onEnd: () => void = () => {},
    after?: string,
  ): Promise<{ close(): void }> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        new URL(
          `/v1/sessions/${session}/events${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`,
          this.#url,
        ),
        { headers: { ...this.#headers, accept: 'text/event-stream' }, agent: false },
        (response) => {
          if (response.statusCode !== 200) return reject(new Error(`events of ${session}: ${response.statusCode}`))
          resolve({ close: () => request.destroy() })
          readEvents(response, on)
          response.on('close', onEnd)
          response.on('error', () => {})
        },
      )
      request.on('error', (error) => {
        reject(error)
        onEnd()
      })
      request.end()
    })
  }

  close(): void {
    this.#client.close()
  }
}

function completed(turn: TurnResult['turn'] | undefined): void {
  if (turn?.status !== 'completed') throw new Error(`a turn of the benchmark did not complete: ${JSON.stringify(turn)}`)
}

/** Gives each event of a stream with the time at which it was read. */
export function readEvents(response: http.IncomingMessage, on: (item: StreamItem) => void): void {
  let rest = ''
  let read = 0
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const at = process.hrtime.bigint()
    read++
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const type = /^event: (.*)$/m.exec(block)?.[1]
      if (type !== undefined) on({ type, data: block.slice(block.indexOf('\ndata: ') + 7), at, read })
    }
  })
}
