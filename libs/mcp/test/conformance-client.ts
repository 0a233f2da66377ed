// The client as the conformance suite drives it: `node conformance-client.ts URL`. It asks what there is and calls every tool once, with
// arguments made from each schema. A person who is asked accepts, and fills in nothing.
import type { AgentDefinition } from '@reins/contracts'
import { noGuard, runCall } from '@reins/tools'
import { McpServers } from '../src/mcp-servers.ts'

const url = process.argv.at(-1) ?? ''
const definition: AgentDefinition = {
  ...{ name: 'conformance', model: 'scripted/x', system_prompt: 'x' },
  mcp_servers: [{ name: 'suite', url, connect_timeout: 20, timeout: 20 }],
}
const servers = new McpServers({
  sandbox: {
    kind: 'none',
    detail: '',
    networkAllowed: false,
    filtered: false,
    spawn: () => ({ kind: 'refused', message: '' }),
  },
  workplaceOf: async () => ({ folder: process.cwd(), guard: noGuard }),
  asksPeople: true,
  now: () => performance.now(),
})
const asked = { definition, principal: 'suite', secret: async () => '' }
const [server] = [servers.serverOf(definition, 'mcp__suite__x')]
if (!server) throw new Error('no server')
const found = await servers.tools(server, asked)
if (found.kind === 'unavailable') throw new Error(found.outcome.output)
for (const { spec } of found.tools) {
  const properties = (spec.parameters.properties ?? {}) as Record<string, { type?: string }>
  const args = Object.fromEntries(
    Object.entries(properties).map(([name, { type }]) => [name, type === 'number' ? 2 : 'x']),
  )
  const outcome = await runCall(
    found.tools,
    { name: spec.name, arguments: args, definition },
    {
      ...{ signal: new AbortController().signal, session: 's', idempotencyKey: 'k', progress: () => undefined },
      keep: async () => ({ ref: undefined, dropped: 0 }),
      secrets: asked.secret,
      configs: async () => null,
      elicit: async () => ({ action: 'accept', content: {} }),
    },
  )
  console.log(spec.name, outcome.status, outcome.output.slice(0, 200))
}
await servers.close()
