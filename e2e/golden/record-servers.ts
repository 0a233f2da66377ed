// Records golden journals of calls to MCP servers: questions to people, results of all kinds of content, and tools that change:
// `node e2e/golden/record-servers.ts <folder>`. As with record.ts: what is committed is never recorded anew.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording
const folder = mkdtempSync(path.join(tmpdir(), 'reins-golden-servers-'))
const doubles = path.resolve(import.meta.dirname, '../../libs/mcp/test/doubles')
for (const file of ['asking-server.mjs', 'small-server.mjs'])
  copyFileSync(path.join(doubles, file), path.join(folder, file))

/** Answers each call with every kind of content. */
writeFileSync(
  path.join(folder, 'drawing-server.mjs'),
  `import { createInterface } from 'node:readline'
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const content = [
  { type: 'text', text: 'A dot:' },
  { type: 'image', mimeType: 'image/png', data: dot },
  { type: 'audio', mimeType: 'audio/wav', data: 'UklGRg==' },
  { type: 'resource_link', uri: 'dots:all', name: 'all dots', mimeType: 'text/plain' },
  { type: 'resource', resource: { uri: 'dots:1', mimeType: 'text/plain', text: 'the first dot' } },
]
const answers = {
  initialize: ({ protocolVersion }) => ({
    ...{ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'drawing', version: '1.0.0' } },
  }),
  'tools/list': () => ({ tools: [{ name: 'draw', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }] }),
  'tools/call': () => ({ content, structuredContent: { dots: 1 } }),
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {} } = JSON.parse(line)
  if (id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method]?.(params) ?? {} }) + '\\n')
})
`,
)

async function agent(name: string, program: string, more: object = {}): Promise<void> {
  const server = { name: 'bank', command: 'node', args: [program], workspace: folder, ...more }
  await call('PUT', `/agents/${name}`, {
    ...{ name, model: 'scripted/assistant', system_prompt: 'You do what you are told.', mcp_servers: [server] },
  })
}

/** The question of a session that waits now. */
async function question(session: string): Promise<string> {
  for (;;) {
    const { elicitations } = (await call('GET', `/sessions/${session}/elicitations`)) as unknown as {
      readonly elicitations: readonly { readonly elicitation_id: string }[]
    }
    if (elicitations[0]) return elicitations[0].elicitation_id
    await pause(50)
  }
}

async function answered(session: string, ...answers: readonly object[]): Promise<void> {
  for (const answer of answers) {
    await call('POST', `/sessions/${session}/elicitations/${await question(session)}`, answer)
  }
}

await agent('asking', 'asking-server.mjs')
const asked = await newSession('asking')
await send(asked, 'call mcp__bank__form {}')
await answered(asked, { action: 'accept', content: { name: 'Ada' } })
await until(asked, 'turn.completed', 1)
await send(asked, 'call mcp__bank__page {}')
await answered(asked, { action: 'decline' })
await until(asked, 'turn.completed', 2)
await send(asked, 'call mcp__bank__gated {"key": "one"} & call mcp__bank__gated {"key": "two"}')
const opened = await question(asked)
await call('POST', `/sessions/${asked}/elicitations/${opened}`, { action: 'accept' })
writeFileSync(path.join(folder, 'authorised'), '')
await until(asked, 'turn.completed', 3)
await send(asked, 'call mcp__bank__form {}')
await question(asked)
await call('POST', `/sessions/${asked}/cancel`)
await until(asked, 'turn.cancelled')
await save('elicitations', asked)

await agent('hurried', 'asking-server.mjs', { elicitation_timeout: 1 })
const expired = await newSession('hurried')
await ask(expired, 'call mcp__bank__form {}')
await save('elicitation-expired', expired)

await agent('drawing', 'drawing-server.mjs')
const drawn = await newSession('drawing')
await ask(drawn, 'call mcp__bank__draw {}')
await save('content-blocks', drawn)

await agent('learning', 'small-server.mjs')
const learnt = await newSession('learning')
await ask(learnt, 'call mcp__bank__learn {"name": "fly"}')
await until(learnt, 'toolset.changed')
await ask(learnt, 'call mcp__bank__fly {}')
await save('toolset-changed', learnt)

await recording.close()
rmSync(folder, { recursive: true, force: true })
process.exit(0)
