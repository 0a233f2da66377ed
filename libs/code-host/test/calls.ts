// Calls of tools in hosts of this machine, for tests.
import { noGuard } from '@reins/tools'
import { onTestFinished } from 'vitest'
import { type Bundle, CodeHosts, type CodeHostsOptions, type HostsAnswer } from '../src/code-hosts.ts'
import type { HostCall, HostLog } from '../src/host-process.ts'
import { sandboxOfThisMachine } from './bundle.ts'

const sandbox = await sandboxOfThisMachine()

export interface Heard {
  readonly progress: string[]
  readonly logs: HostLog[]
}

export interface TestHosts {
  readonly hosts: CodeHosts
  /** `bundle`: by the name of its text. */
  run(
    bundle: string,
    name: string,
    input?: unknown,
    more?: Partial<HostCall> & { signal?: AbortSignal },
  ): Promise<HostsAnswer>
  readonly heard: Heard
}

export function hostsOf(texts: Readonly<Record<string, string>>, options: Partial<CodeHostsOptions> = {}): TestHosts {
  const hosts = new CodeHosts({ sandbox, guard: noGuard, textOf: async (digest) => texts[digest], ...options })
  onTestFinished(() => hosts.close())
  const heard: Heard = { progress: [], logs: [] }
  const never = new AbortController().signal
  return {
    hosts,
    heard,
    run: (digest, name, input = {}, { signal = never, ...more } = {}) => {
      const bundle: Bundle = { digest, file: `./${digest}.ts`, network: false }
      const call: HostCall = {
        ...{ what: 'tool', name, input, facts: { idempotencyKey: 's/c', session: 's', agent: 'coder' } },
        progress: (text) => heard.progress.push(text),
        log: (entry) => heard.logs.push(entry),
        request: async () => ({}),
        ...more,
      }
      return hosts.run(bundle, call, signal)
    },
  }
}

export const value = (of: unknown) => ({ kind: 'value', value: of })
