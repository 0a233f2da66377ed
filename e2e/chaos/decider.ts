// People, as chaos plays them: they look at what waits, and decide or answer at any gateway, each request with a key and repeated until
// some gateway has answered it. Two of them look at the same list, so that they come across each other. What a gateway took is written
// down: it must be in the log.
import type { AskedElicitation, ElicitationAnswered, ApprovalInfo } from '@reins/contracts'
import type { Api } from '../harness/api.ts'
import { pause } from '../harness/eventually.ts'
import type { Random } from './random.ts'

/** What was taken: a verdict about a call, or an action about a question. */
export interface Taken {
  readonly session: string
  readonly call: string
  readonly said: string
  /** Of a question. */
  readonly elicitation?: string
}

export interface DeciderOptions {
  readonly name: string
  readonly api: Api
  readonly random: Random
}

const withinMs = 120_000

export class Decider {
  readonly taken: Taken[] = []
  readonly counts = new Map<string, number>()
  readonly #options: DeciderOptions
  #requests = 0

  constructor(options: DeciderOptions) {
    this.#options = options
  }

  async run(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.round(0.5)
      await pause(this.#options.random.between(50, 400))
    }
  }

  /** Once through what waits; `share` of it is dealt with. The list is from an index, which may be away. */
  async round(share: number): Promise<void> {
    const { api, random } = this.#options
    const asking = { gateway: random.between(0, 1), withinMs: 5000 }
    const list = async <T>(path: string): Promise<T | undefined> => {
      const answer = await api.once<T>('GET', path, undefined, asking).catch(() => undefined)
      return answer?.status === 200 ? answer.body : undefined
    }
    const calls = await list<{ approvals: readonly ApprovalInfo[] }>('/v1/approvals?state=waiting')
    for (const one of calls?.approvals ?? []) if (random.chance(share)) await this.#decide(one)
    const questions = await list<{ elicitations: readonly AskedElicitation[] }>('/v1/elicitations?state=waiting')
    for (const one of questions?.elicitations ?? []) if (random.chance(share)) await this.#answer(one)
  }

  async #decide({ session, call, name, arguments: args }: ApprovalInfo): Promise<void> {
    const { random } = this.#options
    const edited = name === 'shell' ? edit(args) : { ...Object(args), note: 'edited' }
    const body = random.weighted<object>([
      [45, { verdict: 'approved' }],
      [15, { verdict: 'edited', args: edited }],
      [20, { verdict: 'denied', reason: 'Not now.' }],
      [8, { verdict: 'approved', scope: 'tool' }],
      [8, { verdict: 'approved', scope: 'target' }],
    ])
    const { verdict } = body as { verdict: string }
    if (await this.#post(`/v1/sessions/${session}/approvals/${call}`, body, verdict))
      this.taken.push({ session, call, said: verdict })
    if (random.chance(0.1)) await this.#revoke(session)
  }

  async #answer({ session, call, mode, elicitation_id: elicitation }: AskedElicitation): Promise<void> {
    const accepted = mode === 'url' ? { completed: true } : { content: { name: 'Ada' } }
    const body = this.#options.random.weighted<object>([
      [70, { action: 'accept', ...accepted }],
      [20, { action: 'decline' }],
      [10, { action: 'cancel' }],
    ])
    const { action } = body as { action: string }
    if (await this.#post(`/v1/sessions/${session}/elicitations/${elicitation}`, body, action))
      this.taken.push({ session, call, said: action, elicitation })
  }

  async #revoke(session: string): Promise<void> {
    const { api, random, name } = this.#options
    const key = `${name}-${this.#requests++}`
    await api.stubborn('DELETE', `/v1/sessions/${session}/grants`, undefined, {
      key,
      gateway: random.between(0, 1),
      withinMs,
    })
    this.#count('revoked')
  }

  /** Whether it was taken. Otherwise somebody else was first, or the call waits no more. */
  async #post(path: string, body: object, what: string): Promise<boolean> {
    const { api, random, name } = this.#options
    const key = `${name}-${this.#requests++}`
    const answer = await api.stubborn<ElicitationAnswered>('POST', path, body, {
      key,
      gateway: random.between(0, 1),
      withinMs,
    })
    this.#count(answer.status === 202 ? what : `refused with ${answer.status}`)
    return answer.status === 202
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

/** The same command, and a person's hand in it. */
function edit(args: unknown): object {
  const { command } = Object(args)
  return { command: `${command} # edited` }
}
