// `ctx.env` of a workflow: the values of the configs and secrets that its project declares, read anew for each replay.
import type { Broker } from '@reins/broker'
import { isValueName } from '@reins/contracts'
import { parseBundle, readRegistry } from '@reins/journal'
import { type DeclaredValues, type ProjectValues, projectValues, type Resolve } from '@reins/secrets'
import type { Session } from '@reins/session'

export type RunEnvironment = ProjectValues

export interface RunEnvironmentOptions {
  readonly broker: Broker
  readonly resolve: Resolve
  readonly learnt: (values: readonly string[]) => void
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
  const known = new Map<string, DeclaredValues>()
  const declaredBy = async (digest: string): Promise<DeclaredValues> => {
    const kept = known.get(digest)
    if (kept) return kept
    const record = await readRegistry(broker, 'bundle', digest, { withinMs })
    const { env = [], secrets = [] } = parseBundle(record?.value)?.project ?? {}
    if (known.size >= mostKnown) known.clear()
    known.set(digest, { env, secrets })
    return { env, secrets }
  }
  const config = (name: string) => configNamed(broker, name)
  return async ({ run }) => {
    if (!run?.workflow) return { kind: 'given', env: {} }
    return projectValues({ config, resolve, learnt }, await declaredBy(run.digest), run.digest)
  }
}

async function configNamed(broker: Broker, name: string): Promise<unknown> {
  if (!isValueName(name)) return undefined
  const record = await readRegistry(broker, 'config', name, { withinMs })
  const { kind, value } = (record?.value ?? {}) as { readonly kind?: unknown; readonly value?: unknown }
  return kind === 'kept' ? value : undefined
}
