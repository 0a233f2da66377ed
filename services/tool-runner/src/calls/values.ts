// Secrets and configs for calls: asked for at the moment of use, for one version of an agent, and kept nowhere here.
//   V1. What is given is known to whoever masks before it is known to whoever uses it (`learnt`).
//   V2. A registry that is away for a moment fails no call (NS2 of libs/secrets).
import { type Broker, callService } from '@reins/broker'
import {
  ConfigEntry,
  formOf,
  isValueName,
  type ResolvedSecrets,
  resolveSecretsVerb,
  serviceSubject,
} from '@reins/contracts'
import { readRegistry } from '@reins/journal'
import { type Resolve, resolveSecrets } from '@reins/secrets'
import { missingConfig, missingSecret, type NamedValues, ToolFailure } from '@reins/tools'

export interface ValuesOptions {
  readonly broker: Broker
  readonly learnt: (values: readonly string[]) => void
  readonly withinMs?: number
}

const askMs = 5000
const isConfigEntry = formOf(ConfigEntry)

export const resolveOver =
  (broker: Broker, within: number): Resolve =>
  (request) =>
    callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), request, within)

/** For the calls of a version of an agent. */
export function valuesOf(options: ValuesOptions, digest: string): NamedValues {
  const { broker, withinMs = 10_000 } = options
  const resolve = resolveOver(broker, askMs)
  return {
    secrets: async (name) => {
      const values = await resolveForCall(resolve, [name], digest, withinMs)
      const value = values[name]
      if (value === undefined) throw missingSecret(name)
      options.learnt([value]) // V1
      return value
    },
    configs: async (name) => {
      if (!isValueName(name)) throw missingConfig(name)
      const record = await readRegistry(broker, 'config', name, { withinMs }).catch(() => {
        throw new ToolFailure('failed', `the config ${name} cannot be read now: the broker does not answer`)
      })
      const entry = isConfigEntry(record?.value) ? record.value : undefined
      if (entry?.kind !== 'kept') throw missingConfig(name)
      return entry.value
    },
  }
}

/** By name; those that there are not are left out. Rejects with a ToolFailure. */
export async function resolveForCall(
  resolve: Resolve,
  names: readonly string[],
  digest: string,
  withinMs: number,
): Promise<Readonly<Record<string, string>>> {
  const told = names.join(', ').slice(0, 200)
  const found = await resolveSecrets(resolve, names, digest, withinMs)
  switch (found.kind) {
    case 'resolved':
      return found.values
    case 'unreadable':
      throw new ToolFailure('failed', `the answer about the secret ${told} cannot be read`)
    case 'refused': {
      const { code, message, next } = found.error
      throw new ToolFailure(
        code === 'forbidden' ? 'refused' : 'failed',
        `the secret ${told} cannot be had: ${message}${next === undefined ? '' : ` ${next}`}`,
      )
    }
    default:
      return found satisfies never
  }
}
