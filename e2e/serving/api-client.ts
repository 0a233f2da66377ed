// A client of api mode, as a program writes one: requests, and frames as they come over the wire.
export interface Frame {
  /** The `id:` of the event. */
  readonly cursor: string
  readonly type: string
  readonly [field: string]: unknown
}

export interface Asked {
  readonly token?: string
  readonly body?: unknown
  readonly lastEventId?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of the answer. */
  readonly onHeaders?: (headers: Headers) => void
}

export class ApiClient {
  readonly #url: () => string
  readonly #token: string
  constructor(url: () => string, token: string) {
    this.#url = url
    this.#token = token
  }

  fetch(route: string, { body, lastEventId, method, headers, token = this.#token }: Asked = {}): Promise<Response> {
    return fetch(`${this.#url()}${route}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(110_000),
    })
  }

  /** All frames, to the end of the stream. */
  async frames(route: string, asked: Asked): Promise<Frame[]> {
    const frames: Frame[] = []
    for await (const frame of this.stream(route, asked)) frames.push(frame)
    return frames
  }

  async *stream(route: string, asked: Asked): AsyncGenerator<Frame> {
    const response = await this.fetch(route, asked)
    if (response.status !== 200) throw new Error(`${route}: ${response.status} ${await response.text()}`)
    asked.onHeaders?.(response.headers)
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) yield { cursor: id ?? '', ...JSON.parse(data) }
      }
    }
  }

  /** Of a refusal before the stream. */
  async refusal(route: string, asked: Asked): Promise<{ status: number; code: string; message: string }> {
    const response = await this.fetch(route, asked)
    const { error } = (await response.json()) as { error: { code: string; message: string } }
    return { status: response.status, code: error.code, message: error.message }
  }
}

export const textOf = (frames: readonly Frame[]): string =>
  frames.flatMap(({ type, text }) => (type === 'token' ? [String(text)] : [])).join('')

/** Without what differs from run to run. */
export const bare = (frames: readonly Frame[]): readonly Record<string, unknown>[] =>
  frames.map(({ cursor: _, ...rest }) => rest)
