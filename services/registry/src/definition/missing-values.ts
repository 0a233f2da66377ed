// Secrets, configs and prices that a definition needs and that are not there yet: the agent is stored all the same, and whoever put it is told.
import { type AgentDefinition, type PriceOf, secretsOfMcpServers, storedCode } from '@reins/contracts'

export interface KnownValues {
  readonly hasSecret: (name: string) => Promise<boolean>
  readonly hasConfig: (name: string) => Promise<boolean>
  /** Absent: nobody is warned of prices that are not known. */
  readonly priceOf?: PriceOf
}

/** One sentence for each, with who needs it and the command that sets it. */
export async function missingValues(
  definition: AgentDefinition,
  { hasSecret, hasConfig, priceOf }: KnownValues,
): Promise<readonly string[]> {
  const warnings: string[] = []
  for (const [secret, needing] of secretsOf(definition))
    if (!(await hasSecret(secret)))
      warnings.push(`There is no secret ${secret} yet, so ${needing} Set it: reins secret set ${secret}`)
  for (const [config, tools] of requested(definition, 'config_requests'))
    if (!(await hasConfig(config)))
      warnings.push(`There is no config ${config} yet, so ${failing(tools)} Set it: reins config set ${config} VALUE`)
  for (const model of inDollars(definition))
    if (priceOf && priceOf(model) === undefined)
      warnings.push(
        `There is no price of the model ${model} yet, so sessions with a budget in US dollars are refused. Add it to the file that REINS_PRICES_FILE names, or give the budget a limit in tokens.`,
      )
  return warnings
}

/** The models whose calls count in US dollars. */
function inDollars({ model, budget, context, agents = [] }: AgentDefinition): ReadonlySet<string> {
  const below = agents.flatMap((agent) =>
    typeof agent === 'object' &&
    'model' in agent &&
    agent.model !== undefined &&
    (budget ?? agent.budget)?.usd !== undefined
      ? [agent.model]
      : [],
  )
  return new Set(budget?.usd === undefined ? below : [model, context?.summary_model ?? model, ...below])
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
