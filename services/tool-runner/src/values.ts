// Secrets and configs for calls: asked for at the moment of use, for one version of an agent, and kept nowhere here.
//   V1. The registry opens a secret and seals it for this process alone; it gives what the version names, and nothing else.
//   V2. What is given is known to whoever masks before it is known to whoever uses it (`learnt`).
//   V3. A registry that is away for a moment fails no call: it is asked again until the deadline.
import { setTimeout as pause } from 'node:timers/promises'
import { type Broker, callService } from '@reins/broker'
import {
  ConfigEntry,
  isValueName,
  type Reply,
  type ResolvedSecrets,
  type ResolveSecrets,
  resolveSecretsVerb,
  serviceSubject,
} from '@reins/contracts'
import { readRegistry } from '@reins/journal'
import { makeRecipient } from '@reins/secrets'
import { missingConfig, missingSecret, type NamedValues, ToolFailure } from '@reins/tools'
import { Compile } from 'typebox/compile'

export interface ValuesOptions {
  readonly broker: Broker
  readonly learnt: (values: readonly string[]) => void
  readonly withinMs?: number
}

export type Resolve = (request: ResolveSecrets) => Promise<Reply<ResolvedSecrets>>

const askMs = 5000
const configEntry = Compile(ConfigEntry)

/** For the calls of a version of an agent. */
export function valuesOf(options: ValuesOptions, digest: string): NamedValues {
  const { broker, withinMs = 10_000 } = options
  const resolve: Resolve = (request) =>
    callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), request, askMs)
  return {
    secrets: async (name) => {
      const values = await resolveSecrets(resolve, [name], digest, withinMs)
      const value = values[name]
      if (value === undefined) throw missingSecret(name)
      options.learnt([value]) // V2
      return value
    },
    configs: async (name) => {
      if (!isValueName(name)) throw missingConfig(name)
      const record = await readRegistry(broker, 'config', name, { withinMs }).catch(() => {
        throw new ToolFailure('failed', `the config ${name} cannot be read now: the broker does not answer`)
      })
      const entry = configEntry.Check(record?.value) ? record.value : undefined
      if (entry?.kind !== 'kept') throw missingConfig(name)
      return entry.value
    },
  }
}

/** By name; those that there are not are left out. Rejects with a ToolFailure. */
export async function resolveSecrets(
  resolve: Resolve,
  names: readonly string[],
  digest: string,
  withinMs: number,
): Promise<Readonly<Record<string, string>>> {
  const told = names.join(', ').slice(0, 200)
  const recipient = makeRecipient()
  const deadline = performance.now() + withinMs
  for (;;) {
    const reply = await resolve({ names, digest, to: recipient.key })
    if (reply.ok) {
      const values = recipient.open(reply.value.values)
      if (values === undefined) throw new ToolFailure('failed', `the answer about the secret ${told} cannot be read`)
      return JSON.parse(values)
    }
    const { code, message, next } = reply.error
    if (code !== 'unavailable' || performance.now() > deadline)
      throw new ToolFailure(
        code === 'forbidden' ? 'refused' : 'failed',
        `the secret ${told} cannot be had: ${message}${next === undefined ? '' : ` ${next}`}`,
      )
    await pause(250) // V3
  }
}
