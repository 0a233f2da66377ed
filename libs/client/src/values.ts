// Secrets and configs as typed calls.
import type {
  Config,
  ConfigAnswer,
  ConfigList,
  KeyRotation,
  SecretAnswer,
  SecretInfo,
  SecretList,
} from '@reins/contracts'
import { answers } from './answers.ts'
import { allPages } from './pages.ts'
import type { Transport } from './transport/transport.ts'

export interface SecretCalls {
  /** Nothing that the server answers ever holds the value. */
  set(name: string, value: string): Promise<SecretAnswer>
  get(name: string): Promise<SecretInfo>
  /** All of them. */
  list(): Promise<readonly SecretInfo[]>
  delete(name: string): Promise<void>
  /** Answers when all secrets are under the new key. */
  rotateKey(): Promise<KeyRotation>
}

export interface ConfigCalls {
  set(name: string, value: unknown): Promise<ConfigAnswer>
  /** `agent:<name>` is the definition of an agent. */
  get(name: string): Promise<Config>
  /** All of them. */
  list(): Promise<readonly Config[]>
  delete(name: string): Promise<void>
}

const limit = 500

export function secretCalls(transport: Transport): SecretCalls {
  const at = (name: string): string => `/v1/secrets/${encodeURIComponent(name)}`
  return {
    set: (name, value) => transport.json({ method: 'PUT', path: at(name), body: { value } }, answers.secretPut),
    get: async (name) =>
      (await transport.json<{ secret: SecretInfo }>({ method: 'GET', path: at(name) }, answers.secret)).secret,
    list: () =>
      allPages(async (after) => {
        const query = { limit, after }
        const page = await transport.json<SecretList>({ method: 'GET', path: '/v1/secrets', query }, answers.secrets)
        return { items: page.secrets, next: page.next }
      }),
    async delete(name) {
      await transport.json({ method: 'DELETE', path: at(name) }, answers.anything)
    },
    rotateKey: () => transport.json({ method: 'POST', path: '/v1/secrets-key/rotate' }, answers.keyRotation),
  }
}

export function configCalls(transport: Transport): ConfigCalls {
  const at = (name: string): string => `/v1/configs/${encodeURIComponent(name)}`
  return {
    set: (name, value) => transport.json({ method: 'PUT', path: at(name), body: { value } }, answers.configPut),
    get: async (name) =>
      (await transport.json<{ config: Config }>({ method: 'GET', path: at(name) }, answers.config)).config,
    list: () =>
      allPages(async (after) => {
        const query = { limit, after }
        const page = await transport.json<ConfigList>({ method: 'GET', path: '/v1/configs', query }, answers.configs)
        return { items: page.configs, next: page.next }
      }),
    async delete(name) {
      await transport.json({ method: 'DELETE', path: at(name) }, answers.anything)
    },
  }
}
