// Secrets that a definition names: to give an agent one that it does not have yet needs a permission for that secret.
import { type AgentDefinition, ReinsError, segmentOf } from '@reins/contracts'
import { secretNamesIn } from '@reins/secrets'

/** Throws forbidden. Called for who may not use every secret. */
export function mustHaveSecrets(
  definition: AgentDefinition,
  current: AgentDefinition | undefined,
  may: readonly string[],
): void {
  const had = current ? secretNamesIn(current) : new Set<string>()
  for (const name of secretNamesIn(definition)) {
    if (had.has(name) || may.includes(name)) continue
    const permission = `secret:use:${segmentOf(name)}`
    throw new ReinsError(
      'forbidden',
      `The definition names the secret ${name}, which the agent does not have yet. That needs the permission ${permission}.`,
      { details: { permission } },
    )
  }
}
