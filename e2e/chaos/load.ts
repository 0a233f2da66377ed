// What clients do meanwhile: sessions with turns, tools, second messages, cancels, pauses, each request with a key and repeated until
// some gateway has answered it. What was accepted is written down: it must be in the log.
import type { MessageAccepted, OnBusy, SessionInfo } from '@reins/contracts'
import type { Answer, Api, Verb } from '../harness/api.ts'
import { pause } from '../harness/eventually.ts'
import type { Random } from './random.ts'

export const agents = [
  'chaos-wide',
  'chaos-narrow',
  'chaos-asks',
  'chaos-asks-narrow',
  'chaos-lead',
  'chaos-short',
  'chaos-spender',
] as const
/** Those that delegate three levels deep. */
const leads: readonly string[] = ['chaos-lead', 'chaos-spender']
/** Those whose calls of `shell` wait for people, and that have servers. */
export const asking: readonly string[] = agents.slice(2, 4)
/** How their servers are named: one over HTTP, one that tool-runners start. */
export const servers = { far: 'far', near: 'near' } as const
/** Where each run of a tool that may run once only leaves its line. */
export const witness = 'ran.txt'

export interface Accepted {
  readonly session: string
  readonly message: string
}

export interface LoadOptions {
  readonly api: Api
  readonly random: Random
  readonly over: AbortSignal
  /** Nothing but whole trees, one in each session, without cancels: 85 sessions each. */
  readonly wholeTrees?: boolean
  /** Whose sessions are begun. Default: all of them. */
  readonly agents?: readonly (typeof agents)[number][]
  /** A session was begun; what is called when its client has done with it. */
  begun(session: string): () => void
}

type Body = Readonly<Record<string, unknown>>

/** The scripted model parts its calls at ` & `, so that one inside of an instruction is written in another way. */
const delegated = (agent: string, instruction: string): string =>
  `call delegate ${JSON.stringify({ agent, instruction }).replaceAll('&', '\\u0026')}`

/** One client, until `over` aborts. */
export class Client {
  readonly accepted: Accepted[] = []
  /** Answers that differ though they are to the same request. */
  readonly problems: string[] = []
  readonly counts = new Map<string, number>()
  readonly #options: LoadOptions
  readonly #name: string
  #requests = 0
  #notes = 0
  #asks = false
  /** What is sent now is cancelled. */
  #hangs = false
  #agent: (typeof agents)[number] = 'chaos-wide'

  constructor(name: string, options: LoadOptions) {
    this.#name = name
    this.#options = options
  }

  async run(): Promise<void> {
    while (!this.#options.over.aborted) await this.#session()
  }

  get #leads(): boolean {
    return leads.includes(this.#agent)
  }

  get #key(): string {
    return `${this.#name}-${this.#requests++}`
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  async #session(): Promise<void> {
    const { api, random, over, wholeTrees = false } = this.#options
    const all = this.#options.agents ?? [...agents, 'chaos-lead', 'chaos-short']
    const agent = wholeTrees ? 'chaos-lead' : random.pick(all)
    this.#agent = agent
    this.#asks = asking.includes(agent)
    const created = await api.create(agent, undefined, {
      key: this.#key,
      gateway: random.between(0, 1),
      withinMs: 120_000,
    })
    const { id } = created.session
    const done = this.#options.begun(id)
    if (wholeTrees) {
      await this.#send(id, this.#tree(true))
      await this.#rest(id, over)
      return done()
    }
    // A window takes some messages until it is full.
    const acts = agent === 'chaos-short' ? random.between(5, 9) : random.between(1, 6)
    for (let left = acts; left > 0 && !over.aborted; left--) {
      await this.#act(id)
      if (random.chance(0.6)) await this.#rest(id)
      else await pause(random.between(0, 300))
    }
    if (random.chance(0.1)) await this.#steer(id, 'end')
    done()
  }

  async #act(id: string): Promise<void> {
    const { random } = this.#options
    const act = random.weighted<() => Promise<void>>([
      [30, () => this.#send(id, this.#message())],
      [12, () => this.#second(id)],
      [8, () => this.#twice(id)],
      [10, () => this.#cancelled(id)],
      [6, () => this.#paused(id)],
      [this.#leads ? 20 : 3, () => this.#hung(id)],
    ])
    await act()
  }

  /** What the scripted model understands. */
  #message(): string {
    const { random } = this.#options
    if (this.#leads && random.chance(0.7)) return this.#tree()
    if (this.#agent === 'chaos-short' && random.chance(0.9)) return this.#long()
    return this.#work()
  }

  /**
   * Delegations three levels deep, at most four in one answer; now and then as many as there can be, which are 85 sessions. Some of the
   * sessions at the bottom hang until they are cancelled.
   */
  #tree(whole = this.#options.random.chance(0.05)): string {
    const { random } = this.#options
    this.#count('trees')
    if (whole) this.#count('whole trees')
    const leaf = (): string => (this.#hangs && random.chance(0.3) ? 'hang' : this.#leafWork())
    const wide = (most: number, agent: string, work: () => string): string =>
      Array.from({ length: whole ? 4 : random.between(1, most) }, () => delegated(agent, work())).join(' & ')
    return wide(4, 'middle', () => wide(2, 'inner', () => wide(2, 'leaf', leaf)))
  }

  #leafWork(): string {
    const { random } = this.#options
    return random.weighted<() => string>([
      [5, () => 'say found'],
      [5, () => `!shell echo "$REINS_IDEMPOTENCY_KEY" >> ${witness}`],
      [2, () => `stream ${random.between(5, 30)} every 20`],
      [1, () => 'fail bad-request'],
    ])()
  }

  /** What fills a small window, and a plan that has to outlive it. */
  #long(): string {
    const { random } = this.#options
    this.#count('long messages')
    const words = 'a word of it. '.repeat(random.between(120, 260))
    const steps = [
      { name: 'one', description: 'First.' },
      { name: 'two', description: 'Then.' },
    ]
    return random.weighted<() => string>([
      [6, () => `${words}\n!say done`],
      [
        3,
        () =>
          `!shell echo "$REINS_IDEMPOTENCY_KEY" >> ${witness}; head -c ${random.between(200, 3000)} /dev/zero | tr '\\0' x`,
      ],
      [2, () => `call create_plan ${JSON.stringify({ steps })} && then call start_step {"step_name": "one"}`],
      [2, () => 'call mark_step_done {"step_name": "one", "result": "done"} & call get_plan {}'],
    ])()
  }

  #work(): string {
    const { random } = this.#options
    const once = (): string =>
      `!shell echo "$REINS_IDEMPOTENCY_KEY" >> ${witness}${random.chance(0.4) ? `; sleep 0.${random.between(1, 9)}` : ''}`
    const again = (): string => random.pick(['list', 'read notes.txt', 'write notes.txt: again', 'find *.txt'])
    const own = (): string => (random.chance(0.6) ? once() : again())
    const call = (): string => (this.#asks && random.chance(0.6) ? this.#noted() : own())
    const calls = (from: number, to: number): string =>
      Array.from({ length: random.between(from, to) }, call).join(' & ')
    return random.weighted<() => string>([
      [15, () => 'say done'],
      [20, () => `stream ${random.between(5, 60)} every ${random.between(5, 30)}`],
      [25, call],
      [20, () => calls(2, 6)],
      [10, () => `${calls(1, 3)} && then ${calls(1, 3)}`],
      [5, () => `fail rate-limited once retry ${random.between(50, 800)}`],
      [3, () => `fail network after ${random.between(1, 4)} once`],
      [2, () => 'fail bad-request'],
    ])()
  }

  /** A call of a server, under an id of its own. */
  #noted(): string {
    const { random } = this.#options
    const server = random.pick(Object.values(servers))
    const tool = random.weighted<string>([
      [35, 'once'],
      [20, 'again'],
      [20, 'ask'],
      [10, 'ask-again'],
      [15, 'page'],
    ])
    const args = {
      id: `${this.#name}-${this.#notes++}`,
      ...(random.chance(0.4) ? { ms: random.between(50, 900) } : {}),
      ...(random.chance(0.06) ? { breaks: true } : {}),
    }
    this.#count('calls of servers')
    return `call mcp__${server}__${tool} ${JSON.stringify(args)}`
  }

  async #send(id: string, content: string, onBusy?: OnBusy): Promise<void> {
    this.#count('messages')
    await this.#post(id, { content, ...(onBusy === undefined ? {} : { onBusy }) }, this.#key)
  }

  async #post(id: string, body: Body, key: string): Promise<Answer<MessageAccepted>> {
    const { api, random } = this.#options
    const answer = await api.stubborn<MessageAccepted>('POST', `/v1/sessions/${id}/messages`, body, {
      key,
      gateway: random.between(0, 1),
      withinMs: 120_000,
    })
    if (answer.status === 202) this.accepted.push({ session: id, message: answer.body.messageId })
    return answer
  }

  async #second(id: string): Promise<void> {
    const { random } = this.#options
    this.#count('second messages')
    await this.#send(id, this.#message())
    await pause(random.between(0, 80))
    await this.#send(id, this.#message(), random.pick<OnBusy>(['queue', 'join', 'interrupt', 'reject']))
  }

  /** The same request twice at once, at two gateways: one message. */
  async #twice(id: string): Promise<void> {
    this.#count('duplicate requests')
    const key = this.#key
    const body = { content: this.#message() }
    const [first, second] = await Promise.all([this.#post(id, body, key), this.#post(id, body, key)])
    if (first.status === 202 && second.status === 202 && first.body.messageId !== second.body.messageId)
      this.problems.push(`${id}: one request was answered as ${first.body.messageId} and as ${second.body.messageId}`)
  }

  async #cancelled(id: string): Promise<void> {
    this.#count('cancels')
    await this.#send(id, this.#message())
    // A tree takes a while until there is something below its root.
    await pause(this.#options.random.between(0, this.#leads ? 1500 : 150))
    await this.#steer(id, 'cancel')
  }

  async #paused(id: string): Promise<void> {
    this.#count('pauses')
    await this.#send(id, this.#message())
    await pause(this.#options.random.between(0, 100))
    await this.#steer(id, 'pause')
    await pause(this.#options.random.between(0, 1500))
    await this.#steer(id, 'resume')
  }

  async #hung(id: string): Promise<void> {
    this.#count('cancels')
    this.#hangs = true
    await this.#send(id, this.#leads ? this.#tree() : 'hang')
    this.#hangs = false
    await pause(this.#options.random.between(0, 2500))
    await this.#steer(id, 'cancel')
  }

  async #steer(id: string, verb: Verb): Promise<void> {
    const { api, random } = this.#options
    await api.stubborn('POST', `/v1/sessions/${id}/${verb}`, undefined, {
      key: this.#key,
      gateway: random.between(0, 1),
      withinMs: 120_000,
    })
  }

  /** Waits a while for it to be at rest: not for ever, chaos is about what happens on top. `until`: as long as it takes. */
  async #rest(id: string, until?: AbortSignal): Promise<void> {
    const { api, random, over } = this.#options
    for (let tries = 0; until ? !until.aborted : tries < 40 && !over.aborted; tries++) {
      await pause(100)
      const shown = await api
        .once<SessionInfo>('GET', `/v1/sessions/${id}`, undefined, { gateway: random.between(0, 1), withinMs: 3000 })
        .catch(() => undefined)
      if (shown?.status === 200 && shown.body.status !== 'running' && shown.body.status !== 'waiting') return
    }
  }
}
