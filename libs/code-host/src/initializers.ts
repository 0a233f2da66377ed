// Initializers of agents, run for whoever needs to know what an agent is for an id: warm hosts without a network.
//   I1. A configuration has its time: an initializer that does not end is stopped with its host.
import { CodeHosts, type CodeHostsOptions } from './code-hosts.ts'

export interface InitializersOptions extends Pick<CodeHostsOptions, 'sandbox' | 'guard'> {
  readonly textOf: CodeHostsOptions['textOf']
  /** ms that one may take. Default 10 000. */
  readonly withinMs?: number
}

export interface InitializerCall {
  readonly bundle: { readonly digest: string; readonly file: string }
  readonly agent: string
  readonly input: { readonly id: string; readonly payload?: unknown; readonly env?: Readonly<Record<string, string>> }
}

export type InitializerAnswer =
  | { readonly kind: 'configuration'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }

/** Whoever makes it closes it. */
export class Initializers {
  readonly #hosts: CodeHosts
  readonly #withinMs: number

  constructor({ withinMs = 10_000, ...options }: InitializersOptions) {
    this.#hosts = new CodeHosts({ ...options, most: 4 })
    this.#withinMs = withinMs
  }

  async run({ bundle, agent, input }: InitializerCall): Promise<InitializerAnswer> {
    const timeout = AbortSignal.timeout(this.#withinMs)
    const facts = { idempotencyKey: `${agent}/${input.id}`, session: '', agent }
    const call = {
      ...{ what: 'configure', name: agent, input, facts, progress: () => {}, log: () => {} },
      request: async () => ({}),
    }
    try {
      const answer = await this.#hosts.run({ ...bundle, network: false }, call, timeout)
      switch (answer.kind) {
        case 'value':
          return { kind: 'configuration', value: answer.value }
        case 'error':
          return { kind: 'failed', message: answer.message }
        case 'not-run':
          return { kind: 'refused', message: answer.message }
        case 'lost':
          return { kind: 'failed', message: `${bundle.file}: the process ended while the initializer ran` }
        default:
          return answer satisfies never
      }
    } catch (error) {
      if (!timeout.aborted) throw error
      const message = `${bundle.file}: the initializer did not end within ${this.#withinMs / 1000} s. Let it wait for nothing; a tool may`
      return { kind: 'failed', message } // I1
    }
  }

  close(): Promise<void> {
    return this.#hosts.close()
  }
}
