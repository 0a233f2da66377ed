// A client of the HTTP API that knows nothing but HTTP: what a stranger would write. It may ask any of several gateways.
import type {
  ControlAccepted,
  CreatedSession,
  MessageAccepted,
  OnBusy,
  SessionList,
  TurnResult,
} from '@reins/contracts'
import { pause } from './eventually.ts'

export interface Answer<T> {
  readonly status: number
  readonly body: T
}

export interface Asking {
  /** Idempotency-Key. */
  readonly key?: string
  /** Which gateway is asked first. Default 0. */
  readonly gateway?: number
  readonly withinMs?: number
  /** Of `stubborn`: after so long another gateway is asked. Default 12 000. */
  readonly patienceMs?: number
}

export type Verb = 'cancel' | 'pause' | 'resume' | 'release' | 'end'

export class Api {
  readonly #urls: () => readonly string[]
  readonly #token: string

  constructor(urls: () => readonly string[], token: string) {
    this.#urls = urls
    this.#token = token
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` }
  }

  url(gateway = 0): string {
    const urls = this.#urls()
    const url = urls[gateway % urls.length]
    if (url === undefined) throw new Error('no gateway runs')
    return url
  }

  /** One request to one gateway. Rejects when the connection breaks or nothing comes in time. */
  async once<T>(method: string, path: string, body?: unknown, asking: Asking = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.url(asking.gateway)}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(asking.key === undefined ? {} : { 'idempotency-key': asking.key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(asking.withinMs ?? 60_000),
    })
    return { status: response.status, body: (await response.json()) as T }
  }

  /** The same request, with the same key, at one gateway after the other, until one answers it. */
  async stubborn<T>(method: string, path: string, body: unknown, asking: Asking & { key: string }): Promise<Answer<T>> {
    const deadline = performance.now() + (asking.withinMs ?? 60_000)
    for (let turn = asking.gateway ?? 0; ; turn++) {
      try {
        const answer = await this.once<T>(method, path, body, {
          key: asking.key,
          gateway: turn,
          withinMs: asking.patienceMs ?? 12_000,
        })
        if (answer.status < 500) return answer
      } catch {
        // The connection broke: whether it was done is what the key is for.
      }
      if (performance.now() > deadline) throw new Error(`${method} ${path} was not answered in time`)
      await pause(100)
    }
  }

  async create(agent: string, message?: string, asking?: Asking & { key: string }): Promise<CreatedSession> {
    const body = { agent, ...(message === undefined ? {} : { message }) }
    const answer = asking
      ? await this.stubborn<CreatedSession>('POST', '/v1/sessions', body, asking)
      : await this.once<CreatedSession>('POST', '/v1/sessions', body)
    return expectStatus(answer, [200, 201], 'creating a session')
  }

  async send(session: string, content: string, onBusy?: OnBusy, asking: Asking = {}): Promise<MessageAccepted> {
    const body = { content, ...(onBusy === undefined ? {} : { onBusy }) }
    const answer = await this.once<MessageAccepted>('POST', `/v1/sessions/${session}/messages`, body, asking)
    return expectStatus(answer, [202], 'sending a message')
  }

  async turn(session: string, content: string, asking: Asking = {}): Promise<TurnResult> {
    const answer = await this.once<TurnResult>(
      'POST',
      `/v1/sessions/${session}/messages?wait=turn`,
      { content },
      asking,
    )
    return expectStatus(answer, [200], 'a turn')
  }

  async control(session: string, verb: Verb, asking: Asking = {}): Promise<ControlAccepted> {
    const answer = await this.once<ControlAccepted>('POST', `/v1/sessions/${session}/${verb}`, undefined, asking)
    return expectStatus(answer, [200, 202], verb)
  }

  list(asking: Asking = {}): Promise<Answer<SessionList>> {
    return this.once<SessionList>('GET', '/v1/sessions?limit=500', undefined, asking)
  }
}

function expectStatus<T>({ status, body }: Answer<T>, expected: readonly number[], what: string): T {
  if (expected.includes(status)) return body
  throw new Error(`${what}: status ${status}: ${JSON.stringify(body)}`)
}
