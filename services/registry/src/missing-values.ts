// Secrets and configs that a definition names and that are not there yet: the agent is stored all the same, and whoever put it is told.
import { type AgentDefinition, secretsOfMcpServers, storedCode } from '@reins/contracts'

export interface KnownValues {
  readonly hasSecret: (name: string) => Promise<boolean>
  readonly hasConfig: (name: string) => Promise<boolean>
}

/** One sentence for each, with who needs it and the command that sets it. */
export async function missingValues(
  definition: AgentDefinition,
  { hasSecret, hasConfig }: KnownValues,
): Promise<readonly string[]> {
  const warnings: string[] = []
  for (const [secret, needing] of secretsOf(definition))
    if (!(await hasSecret(secret)))
      warnings.push(`There is no secret ${secret} yet, so ${needing} Set it: reins secret set ${secret}`)
  for (const [config, tools] of requested(definition, 'config_requests'))
    if (!(await hasConfig(config)))
      warnings.push(`There is no config ${config} yet, so ${failing(tools)} Set it: reins config set ${config} VALUE`)
  return warnings
}

/** By name: what does not work without it. */
function secretsOf(definition: AgentDefinition): ReadonlyMap<string, string> {
  const ofServers = 'the MCP servers that need it are not available.'
  const found = new Map<string, string>(secretsOfMcpServers(definition).map((secret) => [secret, ofServers]))
  for (const [secret, tools] of requested(definition, 'secret_requests'))
    found.set(secret, found.has(secret) ? `${ofServers.slice(0, -1)}, and ${failing(tools)}` : failing(tools))
  return found
}

const failing = (tools: readonly string[]): string =>
  tools.length === 1 ? `calls of the tool ${tools[0]} fail.` : `calls of the tools ${tools.join(', ')} fail.`

/** By name: the tools that ask for it. */
function requested(
  definition: AgentDefinition,
  kind: 'secret_requests' | 'config_requests',
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const { tools } of storedCode(definition))
    for (const tool of tools)
      for (const name of tool[kind] ?? []) found.set(name, [...(found.get(name) ?? []), tool.name])
  return found
}
