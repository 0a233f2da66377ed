// What code that decides may ask for by name: a config, or by `agent:<its own name>` the definition that its session has pinned.
import type { Broker } from '@reins/broker'
import { readRegistry, type RegistryView } from '@reins/journal'
import type { Session } from '@reins/session'
import { isValueName } from '@reins/contracts'

const withinMs = 10_000

/** null: there is none of that name. Rejects where the broker does not answer. */
export function configOf(
  broker: Broker,
  registry: Pick<RegistryView, 'version'>,
): (name: string, session: Session) => Promise<unknown> {
  return async (name, { born }) => {
    if (born && name === `agent:${born.agent}`) return (await registry.version(born.digest))?.definition ?? null
    if (!isValueName(name)) return null
    const record = await readRegistry(broker, 'config', name, { withinMs })
    const { kind, value = null } = (record?.value ?? {}) as { readonly kind?: unknown; readonly value?: unknown }
    return kind === 'kept' ? value : null
  }
}
