// An MCP server on stdin and stdout that asks people, in one file that needs nothing. A person has been to its page when there is a file
// `authorised` in its folder: it says so by itself, and lets calls through from then on. Each question is a line of `asked.log`.
import { appendFileSync, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const text = (words) => ({ content: [{ type: 'text', text: words }] })
const tool = (name) => ({ name, inputSchema: { type: 'object', properties: { key: { type: 'string' } } } })

let asked = 0
const waiting = new Map()
const ask = (params) =>
  new Promise((resolve) => {
    const id = `ask-${++asked}`
    waiting.set(id, resolve)
    appendFileSync('asked.log', `${params.message}\n`) // Before anybody can see the question, and kill the asker for it.
    send({ id, method: 'elicitation/create', params })
  })

const page = (id) => ({
  ...{ mode: 'url', elicitationId: id, url: `https://bank.example/allow?state=${id}` },
  message: 'Allow access to your account',
})
const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, plan: { type: 'string', enum: ['free', 'paid'], default: 'free' } },
  required: ['name'],
}
const said = ({ action, content }) => text(`${action} ${JSON.stringify(content ?? null)}`)

/** Pages that a person has to open first, by what they are for. */
const pages = new Map()
function gated(key) {
  const refused = pages.get(key)
  if (refused !== undefined && existsSync('authorised')) return { result: text(`in with ${key}`) }
  const id = `${key}-${pages.size}`
  pages.set(key, id)
  const told = setInterval(() => {
    if (!existsSync('authorised')) return
    clearInterval(told)
    send({ method: 'notifications/elicitation/complete', params: { elicitationId: id } })
  }, 50)
  return { error: { code: -32042, message: 'Authorisation is needed', data: { elicitations: [page(id)] } } }
}

const answers = {
  initialize: ({ protocolVersion }) => ({
    ...{ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'asking', version: '1.0.0' } },
  }),
  'tools/list': () => ({
    tools: [...['form', 'page', 'gated'].map(tool), { ...tool('again'), annotations: { idempotentHint: true } }],
  }),
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params = {}, result } = JSON.parse(line)
  if (method === undefined) return void waiting.get(id)?.(result)
  if (id === undefined) return
  if (method !== 'tools/call') return void send({ id, result: answers[method]?.(params) ?? {} })
  const { name, arguments: given = {} } = params
  if (name === 'form' || name === 'again')
    send({ id, result: said(await ask({ message: 'Who are you?', requestedSchema: schema })) })
  else if (name === 'page') send({ id, result: said(await ask(page('p'))) })
  else send({ id, ...gated(String(given.key)) })
})
