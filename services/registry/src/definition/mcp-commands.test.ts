import type { AgentDefinition, McpServer } from '@reins/contracts'
import { expect, test } from 'vitest'
import { mustHaveCommands } from './mcp-commands.ts'

const agent = (...mcp_servers: McpServer[]): AgentDefinition => ({
  name: 'a',
  model: 'm/m',
  system_prompt: 'x',
  mcp_servers,
})
const notes: McpServer = { command: 'notes-server', args: ['.'] }

test('who may not register code may keep the programs that an agent starts, and add servers that listen elsewhere', () => {
  mustHaveCommands(agent({ url: 'https://a.example' }), undefined)
  mustHaveCommands(agent(notes, { url: 'https://a.example' }), agent(notes))
})

test('and may add or change no program: the refusal names the permission', () => {
  for (const [next, current] of [
    [agent(notes), undefined],
    [agent({ ...notes, args: ['/'] }), agent(notes)],
  ] as const)
    expect(() => mustHaveCommands(next, current)).toThrow(/notes-server[\s\S]*workflow:\*:\*:register/)
})
