// MCP servers of a definition that a put has to look at twice: programs, which are code.
import { type AgentDefinition, canonicalJson, type McpServer, ReinsError, registerPermission } from '@reins/contracts'

/** Throws forbidden: the agent would start a program that it does not start yet. Called for who may not register code. */
export function mustHaveCommands(definition: AgentDefinition, current: AgentDefinition | undefined): void {
  const own = new Set(commandsOf(current).map(({ server }) => canonicalJson(server)))
  const foreign = commandsOf(definition).find(({ server }) => !own.has(canonicalJson(server)))
  if (foreign)
    throw new ReinsError(
      'forbidden',
      `mcp_servers[${foreign.at}] starts the program ${JSON.stringify(foreign.server.command?.slice(0, 100))} on the machine of the tool-runner. That needs the permission ${registerPermission}.`,
      { details: { permission: registerPermission } },
    )
}

const commandsOf = (definition: AgentDefinition | undefined): readonly { server: McpServer; at: number }[] =>
  (definition?.mcp_servers ?? [])
    .map((server, at) => ({ server, at }))
    .filter(({ server }) => server.command !== undefined)
