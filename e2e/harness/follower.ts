// A client that follows a session by SSE and writes down what it was shown, over cut connections and dead gateways: each time it
// comes back with the cursor that it has, at the next gateway.
//   F1. Events must come in order, each once: (n, i) follows the one before.
//   F2. Text has its offset: what comes again (a cursor behind an event knows nothing of the answer around it) is the same text.
//   F3. Text that begins behind the end of what was shown has left a gap. Only a broker that forgot what it kept in memory may make one.
import { type ApiDelta, type ApiEvent, decodeCursor } from '@reins/contracts'
import type { Api } from './api.ts'
import { eventually, pause } from './eventually.ts'
import type { StoredFrame } from './stored-log.ts'

interface Seen {
  readonly n: number
  readonly i: number
  readonly type: string
  readonly data: string
}

export class Follower {
  readonly session: string
  readonly events: Seen[] = []
  /** What it was shown that it should not have been. */
  readonly problems: string[] = []
  /** Text of each block of the attempts that it saw being made. */
  readonly blocks = new Map<string, string>()
  deltas = 0
  /** F3. */
  gaps = 0
  connections = 0
  restarted = 0
  queued = 0
  slow = 0
  readonly #api: Api
  readonly #closing = new AbortController()
  #gateway: number
  #cursor: string | undefined
  #cut = new AbortController()
  /** Where the present connection began, for whoever looks for a fault. */
  #began = 'the start'

  constructor(api: Api, session: string, gateway: number) {
    this.#api = api
    this.session = session
    this.#gateway = gateway
    void this.#follow()
  }

  /** Cuts its connection: it comes back. */
  cut(): void {
    this.#cut.abort()
  }

  close(): void {
    this.#closing.abort()
  }

  /** Resolves when it has seen an event that fits. */
  sees(fits: (event: Seen) => boolean, withinMs?: number): Promise<Seen> {
    return eventually(() => this.events.find(fits), {
      ...(withinMs === undefined ? {} : { withinMs }),
      describe: () => `an event of ${this.session}; seen: ${this.events.map(({ type }) => type).join(' ')}`,
    })
  }

  /** Resolves when it has shown some of the answer. */
  async seesText(): Promise<void> {
    const before = this.deltas
    await eventually(() => this.deltas > before, { describe: () => `text of ${this.session}` })
  }

  /** Resolves when it has shown more of an answer than so many characters. */
  async showsMoreThan(characters: number): Promise<void> {
    await eventually(() => this.shown > characters, { describe: () => `more text of ${this.session}` })
  }

  /** Characters of all blocks. */
  get shown(): number {
    return [...this.blocks.values()].reduce((sum, { length }) => sum + length, 0)
  }

  async #follow(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#cut = new AbortController()
      try {
        await this.#read(AbortSignal.any([this.#closing.signal, this.#cut.signal]))
      } catch {
        // Cut, or nobody there.
      }
      this.#gateway++
      if (!this.#closing.signal.aborted) await pause(50)
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.#api.url(this.#gateway)}/v1/sessions/${this.session}/events`, {
      headers: {
        ...this.#api.headers,
        accept: 'text/event-stream',
        ...(this.#cursor === undefined ? {} : { 'last-event-id': this.#cursor }),
      },
      signal,
    })
    if (response.status !== 200 || !response.body) {
      const text = await response.text()
      if (response.status < 500) this.problems.push(`following was refused: ${response.status} ${text}`)
      await pause(100)
      return
    }
    this.connections++
    this.#began = this.#cursor === undefined ? 'the start' : JSON.stringify(decodeCursor(this.#cursor))
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      rest += decoder.decode(chunk, { stream: true })
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        this.#item(rest.slice(0, end))
        rest = rest.slice(end + 2)
      }
    }
  }

  #item(text: string): void {
    const field = (name: string): string | undefined =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2)
    const type = field('event')
    const data = field('data')
    const cursor = field('id')
    if (cursor !== undefined) this.#cursor = cursor
    if (type === undefined || data === undefined || type === 'error') return
    if (type === 'delta') this.#delta(JSON.parse(data) as ApiDelta)
    else if (type === 'answer.restarted') this.restarted++
    else if (type === 'session.queued') this.queued++
    else if (type === 'tool.slow') this.slow++
    else this.#event(JSON.parse(data) as ApiEvent)
  }

  #event({ n, i, type, data }: ApiEvent): void {
    const last = this.events.at(-1)
    const follows = last ? (n === last.n && i === last.i + 1) || (n === last.n + 1 && i === 0) : n === 1 && i === 0
    if (!follows) this.problems.push(`event ${n}.${i} (${type}) came after ${last ? `${last.n}.${last.i}` : 'nothing'}`)
    this.events.push({ n, i, type, data: JSON.stringify(data) })
  }

  #delta({ data }: ApiDelta): void {
    this.deltas++
    const key = `${data.call}/${data.attempt}/${data.block}/${data.kind}`
    const known = this.blocks.get(key) ?? ''
    const again = known.slice(data.offset, data.offset + data.text.length)
    if (!data.text.startsWith(again))
      this.problems.push(
        `text of ${key} at ${data.offset} differs from what was shown there (connection ${this.connections} began at ${this.#began})`,
      )
    if (data.offset <= known.length) this.blocks.set(key, known + data.text.slice(again.length))
    else this.gaps++
  }
}

/** What the follower saw that differs from the log; it must have seen the last frame already. */
export function differences(follower: Follower, stored: readonly Pick<StoredFrame, 'frame'>[]): readonly string[] {
  const expected = stored.flatMap(({ frame }) =>
    frame.events.map(({ type, data }, i) => ({ n: frame.n, i, type, data: JSON.stringify(data) })),
  )
  const found = [...follower.problems]
  expected.forEach((event, at) => {
    const seen = follower.events[at]
    if (!seen) found.push(`event ${event.n}.${event.i} (${event.type}) was not seen`)
    else if (seen.n !== event.n || seen.i !== event.i || seen.type !== event.type || seen.data !== event.data)
      found.push(`event ${event.n}.${event.i} (${event.type}) was seen as ${seen.n}.${seen.i} (${seen.type})`)
  })
  for (const extra of follower.events.slice(expected.length))
    found.push(`event ${extra.n}.${extra.i} (${extra.type}) is not in the log`)
  return found.slice(0, 5).map((what) => `${follower.session}: a follower: ${what}`)
}
