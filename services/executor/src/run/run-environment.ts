// `ctx.env` of a workflow: the values of the configs and secrets that its project declares, read anew for each replay.
//   RE1. The values of secrets are learnt by whoever masks before code is given them, and are kept nowhere here.
//   RE2. The registry gives the secrets that this build of the project declares, and no others.
import type { Broker } from '@reins/broker'
import { isValueName } from '@reins/contracts'
import { parseBundle, readRegistry } from '@reins/journal'
import { type Resolve, resolveSecrets } from '@reins/secrets'
import type { Session } from '@reins/session'

export type RunEnvironment =
  | { readonly kind: 'given'; readonly env: Readonly<Record<string, string>> }
  /** The project declares what is not set. */
  | { readonly kind: 'missing'; readonly message: string }

export interface RunEnvironmentOptions {
  readonly broker: Broker
  readonly resolve: Resolve
  readonly learnt: (values: readonly string[]) => void
}

interface Declared {
  readonly env: readonly string[]
  readonly secrets: readonly string[]
}

const withinMs = 10_000
/** Builds whose names are kept: what a build declares never changes. */
const mostKnown = 1000

/** Rejects where the broker or the registry does not answer. */
export function runEnvironment({
  broker,
  resolve,
  learnt,
}: RunEnvironmentOptions): (session: Session) => Promise<RunEnvironment> {
  const known = new Map<string, Declared>()
  const declaredBy = async (digest: string): Promise<Declared> => {
    const kept = known.get(digest)
    if (kept) return kept
    const record = await readRegistry(broker, 'bundle', digest, { withinMs })
    const { env = [], secrets = [] } = parseBundle(record?.value)?.project ?? {}
    if (known.size >= mostKnown) known.clear()
    known.set(digest, { env, secrets })
    return { env, secrets }
  }
  return async ({ run }) => {
    if (!run?.workflow) return { kind: 'given', env: {} }
    const { env: names, secrets } = await declaredBy(run.digest)
    const env: Record<string, string> = {}
    for (const name of names) {
      const value = await configNamed(broker, name)
      if (value === undefined) return missing('config', name, `reins config set ${name} VALUE`)
      env[name] = typeof value === 'string' ? value : JSON.stringify(value)
    }
    if (secrets.length === 0) return { kind: 'given', env }
    const found = await resolveSecrets(resolve, secrets, run.digest, withinMs)
    if (found.kind !== 'resolved')
      throw new Error(
        `the secrets of the project cannot be had: ${found.kind === 'refused' ? found.error.message : 'the answer cannot be read'}`,
      )
    learnt(Object.values(found.values)) // RE1
    for (const name of secrets) {
      const value = found.values[name]
      if (value === undefined) return missing('secret', name, `reins secret set ${name}`)
      env[name] = value
    }
    return { kind: 'given', env }
  }
}

async function configNamed(broker: Broker, name: string): Promise<unknown> {
  if (!isValueName(name)) return undefined
  const record = await readRegistry(broker, 'config', name, { withinMs })
  const { kind, value } = (record?.value ?? {}) as { readonly kind?: unknown; readonly value?: unknown }
  return kind === 'kept' ? value : undefined
}

const missing = (what: string, name: string, command: string): RunEnvironment => ({
  kind: 'missing',
  message: `The project declares the ${what} ${name}, which is not set. Set it, and start the workflow again: ${command}`,
})
