// What servers under test are connected with: the sandbox of this machine, and no secrets but those given.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { AgentDefinition, McpServer } from '@reins/contracts'
import { detectSandbox, noGuard } from '@reins/tools'
import { McpServers } from '../src/mcp-servers.ts'
import type { PoolOptions } from '../src/pool.ts'

export const folder = mkdtempSync(path.join(tmpdir(), 'reins-mcp-'))
const modules = path.join(import.meta.dirname, '..', '..', '..', 'node_modules')
/** Programs of the test lie where its packages do, which may be a folder that the sandbox hides. */
const sandbox = await detectSandbox({
  allowUnsandboxed: true,
  programs: [path.dirname(process.execPath), modules, path.join(import.meta.dirname, 'doubles')],
})

export const options = (change: Partial<PoolOptions> = {}): PoolOptions => ({
  sandbox,
  workplaceOf: async () => ({ folder, guard: noGuard }),
  asksPeople: false,
  now: () => performance.now(),
  ...change,
})

export const definition = (...mcp_servers: McpServer[]): AgentDefinition => ({
  name: 'tester',
  model: 'scripted/x',
  system_prompt: 'x',
  mcp_servers,
})

/** Servers of a definition, for one person. Whoever makes them closes them. */
export function serversOf(
  given: AgentDefinition,
  secrets: Readonly<Record<string, string>> = {},
  change: Partial<PoolOptions> = {},
) {
  const servers = new McpServers(options(change))
  const asked = {
    definition: given,
    principal: 'ann',
    secret: async (name: string) => {
      const value = secrets[name]
      if (value === undefined)
        throw new Error(`there is no secret "${name}". A person has to set it first: reins secret set ${name}`)
      return value
    },
  }
  return { servers, asked }
}
