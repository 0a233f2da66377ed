// A small MCP server on stdin and stdout, in one file that needs nothing: it can be copied into any workspace. What it does beside the
// usual is told by its arguments: `--tool NAME` adds a tool.
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const args = process.argv.slice(2)
const option = (name) => args[args.indexOf(`--${name}`) + 1]
const log = args.includes('--log') ? option('log') : undefined
let tools = [
  {
    name: 'echo',
    description: 'Says it again',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'slow',
    description: 'Takes its time',
    inputSchema: { type: 'object', properties: { ms: { type: 'number' } } },
  },
  {
    name: 'slow-read',
    description: 'Takes its time, and changes nothing',
    inputSchema: { type: 'object', properties: { ms: { type: 'number' } } },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'learn',
    description: 'Gets another tool',
    inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
  },
  {
    name: 'wipe',
    description: 'Deletes everything',
    inputSchema: { type: 'object' },
    annotations: { readOnlyHint: false, destructiveHint: true },
  },
  {
    name: 'environment',
    description: 'Tells a variable',
    inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
    annotations: { readOnlyHint: true },
  },
]

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const note = (text) => log && appendFileSync(log, `${text}\n`)
const text = (words) => ({ content: [{ type: 'text', text: words }] })

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'small', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': async ({ name, arguments: given = {} }) => {
    note(`${name} ${JSON.stringify(given)}`)
    if (name === 'echo') return text(String(given.text))
    if (name === 'environment') return text(String(process.env[given.name] ?? 'not set'))
    if (name === 'learn') {
      tools = [...tools, { name: String(given.name), inputSchema: { type: 'object' } }]
      send({ method: 'notifications/tools/list_changed' })
      return text('learnt')
    }
    if (name.startsWith('slow')) {
      await new Promise((resolve) => setTimeout(resolve, given.ms ?? 60_000))
      note(`${name} done`)
      return text('done at last')
    }
    return text(`${name} was called`)
  },
}

note(`started ${process.pid}`)
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params = {} } = JSON.parse(line)
  if (id === undefined || method === undefined) return
  const answer = answers[method]
  if (answer) send({ id, result: await answer(params) })
  else send({ id, error: { code: -32601, message: `no method ${method}` } })
})
