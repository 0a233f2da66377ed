// Secrets and configs: kept by the registry service. The value of a secret only passes through here, on its way in.
//   GV1. What is wrong with the request that sets a secret is told without any part of its value.
import {
  type Config,
  type ConfigAnswer,
  type ConfigList,
  isMapping,
  type KeyRotation,
  maxSecretBytes,
  ReinsError,
  type Reply,
  type SecretAnswer,
  type SecretInfo,
  type SecretList,
  serviceSubject,
} from '@reins/contracts'
import type { GatewayConfig } from '../ports.ts'
import type { Agents } from './agents.ts'
import { namesOf } from './access/names.ts'
import { authorize, authorizeSome, type Caller, limited } from './caller.ts'
import { operations } from './operations.ts'

export interface ValueParts extends Pick<GatewayConfig, 'registry' | 'call' | 'admission'> {
  readonly agents: Pick<Agents, 'show'>
}

interface Page {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after: string | undefined
}

/** Definitions of agents are shown as configs of these names. */
const agentPrefix = 'agent:'

export class Values {
  readonly #parts: ValueParts

  constructor(parts: ValueParts) {
    this.#parts = parts
  }

  async putSecret(caller: Caller, name: string, body: unknown): Promise<SecretAnswer> {
    authorize(caller, operations.putSecret, { secret: name })
    const value = secretValue(body)
    return this.#write('secrets.put', { name, value, by: caller.by, ...limited(caller) })
  }

  /** Everything but its value. */
  async showSecret(caller: Caller, name: string): Promise<SecretInfo> {
    authorize(caller, operations.showSecret, { secret: name })
    return this.#ask('secrets.get', { name })
  }

  async listSecrets(caller: Caller, page: Page): Promise<SecretList> {
    const only = namesOf(authorizeSome(caller, operations.listSecrets), 'secret')
    return this.#ask('secrets.list', { ...asked(page), ...(only ? { only } : {}) })
  }

  async deleteSecret(caller: Caller, name: string): Promise<{ readonly name: string }> {
    authorize(caller, operations.deleteSecret, { secret: name })
    return this.#write('secrets.delete', { name, by: caller.by })
  }

  async rotateKey(caller: Caller): Promise<KeyRotation> {
    authorize(caller, operations.rotateSecretsKey)
    return this.#write('secrets.rotate', { by: caller.by }, 60_000)
  }

  async putConfig(caller: Caller, name: string, value: unknown): Promise<ConfigAnswer> {
    authorize(caller, operations.putConfig, { config: name })
    refuseAgent(name)
    return this.#write('configs.put', { name, value, by: caller.by, ...limited(caller) })
  }

  async showConfig(caller: Caller, name: string): Promise<Config> {
    authorize(caller, operations.showConfig, { config: name })
    if (!name.startsWith(agentPrefix)) return this.#ask('configs.get', { name })
    const agent = await this.#parts.agents.show(caller, name.slice(agentPrefix.length))
    const { definition, createdAt, updatedAt } = agent
    const by = this.#parts.registry.agent(agent.name)?.by ?? 'unknown'
    return { name, value: definition, createdAt, updatedAt, by }
  }

  async listConfigs(caller: Caller, page: Page): Promise<ConfigList> {
    const only = namesOf(authorizeSome(caller, operations.listConfigs), 'config')
    return this.#ask('configs.list', { ...asked(page), ...(only ? { only } : {}) })
  }

  async deleteConfig(caller: Caller, name: string): Promise<{ readonly name: string }> {
    authorize(caller, operations.deleteConfig, { config: name })
    refuseAgent(name)
    return this.#write('configs.delete', { name, by: caller.by })
  }

  #write<T>(verb: string, request: unknown, withinMs?: number): Promise<T> {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
    return this.#ask(verb, request, withinMs)
  }

  async #ask<T>(verb: string, request: unknown, withinMs?: number): Promise<T> {
    const reply: Reply<T> = await this.#parts.call<T>(serviceSubject('registry', verb), request, withinMs)
    if (reply.ok) return reply.value
    const { code, message, details, next } = reply.error
    throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
  }
}

const asked = ({ limit, after }: Page): object => ({ limit, ...(after === undefined ? {} : { after }) })

/** GV1. */
function secretValue(body: unknown): string {
  const form = 'The body is not valid: it must be a JSON object with the field "value", a text that is not empty.'
  if (!isMapping(body) || Object.keys(body).some((key) => key !== 'value'))
    throw new ReinsError('invalid_request', form)
  const { value } = body
  if (typeof value !== 'string' || value === '') throw new ReinsError('invalid_request', form)
  const bytes = Buffer.byteLength(value)
  if (bytes > maxSecretBytes)
    throw new ReinsError(
      'body_too_large',
      `The value of the secret has ${bytes} bytes; a secret has at most ${maxSecretBytes}.`,
    )
  return value
}

function refuseAgent(name: string): void {
  if (!name.startsWith(agentPrefix)) return
  const agent = name.slice(agentPrefix.length)
  throw new ReinsError(
    'invalid_request',
    `${JSON.stringify(name.slice(0, 80))} shows the definition of an agent, and cannot be written as a config.`,
    {
      next: `Use agent update: reins agent update ${agent.slice(0, 64)}`,
    },
  )
}
