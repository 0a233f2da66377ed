// Secrets and configs for calls: asked for at the moment of use, for one version of an agent, and kept nowhere here.
//   V1. The registry opens a secret and seals it for this process alone; it gives what the version names, and nothing else.
//   V2. What is given is known to whoever masks before it is known to whoever uses it (`learnt`).
//   V4. Before a call of an agent that names secrets, whoever masks learns them all, once a minute: a tool that another runner ran may
//       have written one where this runner's tools find it. Where the registry is away, the call goes on without.
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
import { makeRecipient, secretNamesIn } from '@reins/secrets'
import type { Log } from '@reins/telemetry'
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

const resolveOver =
  (broker: Broker, within: number): Resolve =>
  (request) =>
    callService<ResolvedSecrets>(broker, serviceSubject('registry', resolveSecretsVerb), request, within)

/** V4. */
export function learnNamed(
  { broker, learnt }: ValuesOptions,
  now: () => number,
  log: Log,
): (digest: string, definition: unknown) => Promise<void> {
  const known = new Map<string, { readonly names: readonly string[]; until: number }>()
  return async (digest, definition) => {
    const version = known.get(digest) ?? { names: [...secretNamesIn(definition)].slice(0, 100), until: 0 }
    if (known.size >= 1000 && !known.has(digest)) known.clear()
    known.set(digest, version)
    if (version.names.length === 0 || now() < version.until) return
    try {
      learnt(Object.values(await resolveSecrets(resolveOver(broker, learnMs), version.names, digest, 0)))
      version.until = now() + learntForMs
    } catch (error) {
      version.until = now() + learnAgainMs
      const why = error instanceof Error ? error.message : String(error)
      log.warn({ digest, why }, 'the secrets that an agent names cannot be learnt now, in order to mask them')
    }
  }
}

const learnMs = 1500
const learntForMs = 60_000
const learnAgainMs = 5000

/** For the calls of a version of an agent. */
export function valuesOf(options: ValuesOptions, digest: string): NamedValues {
  const { broker, withinMs = 10_000 } = options
  const resolve = resolveOver(broker, askMs)
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
