// A planted secret that user-written tools, MCP servers and a model bring up in every form, on services that are processes of their own:
// it is in no event, delta, stored file, database page or log; and neither it nor a secret of the services themselves is in what they tell
// of themselves: spans with all that was said, metrics, health, the doctor.

import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { clientProgram, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Does, initialize, type OddServer, oddServer } from '../../libs/mcp/test/odd-http.ts'
import { bundledBinary } from '../../scripts/bundle.ts'
import { bundledCode } from '../harness/bundled-code.ts'
import { Collector } from '../harness/collector.ts'
import { eventually } from '../harness/eventually.ts'
import { filesBelow } from '../harness/files-with.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { broughtUp, found } from './forms.ts'

const planted = 'pl4nted/S3cret+of=the&world'
/** What the services are started with. */
const own = { model: 'sk-0wn-m0del/Key+of=it', collector: 'c0llector.Pass-word~' }
const forms = [...broughtUp(planted), ...broughtUp(own.model)]
const all = forms.join(' | ')
const agent = 'leaking'

let world: World
let services: readonly ServiceProcess[]
let model: LeakingModel
let tells: OddServer
let down: OddServer
let collector: Collector
let environment: Record<string, string>

beforeAll(async () => {
  model = await leakingModel()
  tells = await oddServer(leakingServer)
  down = await oddServer({ initialize: ({ response }) => void response.writeHead(500).end(`<p>${all}</p>`) })
  world = await World.open()
  collector = await Collector.open()
  environment = {
    REINS_MODEL_PROVIDERS: JSON.stringify([{ name: 'odd', baseUrl: model.url, apiKeyEnv: 'ODD_KEY' }]),
    ODD_KEY: own.model,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.replace('//', `//us:${own.collector}@`),
    REINS_TRACE_CONTENT: '1',
  }
  services = await Promise.all([
    world.start('registry', { environment }),
    world.start('session-gateway', { environment }),
    world.start('executor', { environment }),
    world.start('tool-runner', { environment }),
    world.start('memory', { environment }),
  ])
}, 120_000)

afterAll(async () => {
  await world?.close()
  await Promise.all([tells, down].map((server) => server?.close()))
  model?.server.closeAllConnections()
  model?.server.close()
  await collector?.close()
}, 120_000)

test('what tools, servers and a model bring up of a secret is nowhere', async () => {
  expect((await world.api.once('PUT', '/v1/secrets/PLANTED', { value: planted })).status).toBe(201)
  const named = { auth: 'bearer' as const, secret: 'PLANTED' }
  const definition = {
    ...{ name: agent, model: 'odd/leaking', system_prompt: 'You help.', max_tool_calls: 50 },
    tools_file: './tools.ts',
    mcp_servers: [
      { name: 'tells', url: tells.url, ...named },
      { name: 'down', url: down.url, headers: { 'x-key': 'secret:PLANTED' } },
    ],
  }
  const files = [{ file: './tools.ts', text: bundledCode(toolsFile) }]
  const put = await world.api.once('PUT', `/v1/agents/${agent}`, { definition, files })
  expect([put.status, put.body]).toEqual([201, expect.anything()])

  const deltas = followDeltas()
  const { session } = await world.api.create(agent, 'leak')
  await world.settled(session.id)
  await world.api.send(session.id, 'page')
  const question = await eventually(async () => {
    const { body } = await world.api.once<{ elicitations: { elicitation_id: string }[] }>(
      'GET',
      `/v1/sessions/${session.id}/elicitations`,
    )
    return body.elicitations[0]?.elicitation_id
  })
  await world.api.once('POST', `/v1/sessions/${session.id}/elicitations/${question}`, { action: 'decline' })
  await world.settled(session.id)
  await world.api.send(session.id, 'fail')
  await world.settled(session.id)

  const log = await world.readLog(session.id)
  const events = JSON.stringify(log)
  const types = new Set(log.flatMap(({ frame }) => frame.events.map(({ type }) => type)))
  for (const type of ['toolset.resolved', 'tool-call.completed', 'elicitation.requested', 'model-call.failed'])
    expect(types).toContain(type)
  expect(events.split('[redacted]').length).toBeGreaterThan(60)
  // Each of the tools has run.
  expect(model.asked.at(-2)).toContain('ran to its end')
  const shown = await world.api.once('GET', `/v1/sessions/${session.id}/events?limit=1000`)
  const stores = [...filesBelow(world.servers.folder, (file) => file.endsWith('secrets.key'))]
  expect(stores.length).toBeGreaterThan(20)
  const everywhere = new Map([
    ['the log', events],
    ['the events', JSON.stringify(shown.body)],
    ['the deltas', deltas()],
    ['what the model was asked', model.asked.join('\n')],
    ...services.map((service) => [`the log of ${service.name}`, service.log().join('\n')] as const),
    ...stores.map(({ file, bytes }) => [file, bytes.toString('latin1')] as const),
  ])
  expect(deltas()).toContain('[redacted]')
  for (const [place, text] of everywhere) expect([place, found(text, planted)]).toEqual([place, []])

  const spans = await eventually(() => {
    const all = collector.bodies.join('\n')
    return all.includes('gen_ai.tool.call.result') && all
  })
  const asText = async (at: string) => (await fetch(`${world.api.url()}${at}`, { headers: world.api.headers })).text()
  const told = new Map([
    ['the log', events],
    ['the deltas', deltas()],
    ['the spans', spans],
    ...services.map((service) => [`the log of ${service.name}`, service.log().join('\n')] as const),
    ['the metrics', await asText('/metrics')],
    ['the health', await asText('/health')],
    ['the agent', await asText(`/v1/agents/${agent}`)],
    ['the secrets', await asText('/v1/secrets')],
    ['the audit', await asText('/v1/audit')],
    ['a trace', await typed('session', 'trace', session.id, '--json')],
    ['a trace with what was said', await typed('session', 'trace', session.id, '--json', '--content')],
    ['the doctor', await doctor()],
  ])
  expect(spans).toContain('[redacted]')
  expect(told.get('a trace with what was said')).toContain('gen_ai.tool.call.result')
  const passwords = [...services.map(({ name }) => world.servers.natsUrl(name)), world.servers.databaseUrl]
    .map((url) => decodeURIComponent(new URL(url).password))
    .filter((password) => password.length >= 8)
  expect(passwords.length).toBeGreaterThan(4)
  for (const [place, text] of told)
    for (const secret of [planted, own.model, own.collector, world.token, ...passwords])
      expect([place, text === '', found(text, secret)]).toEqual([place, false, []])
}, 240_000)

/** What a command of the client prints. */
async function typed(...words: readonly string[]): Promise<string> {
  let text = ''
  const write = (said: string): boolean => {
    text += said
    return true
  }
  const output = Object.assign(new EventEmitter(), { write })
  const env = loadCliEnvironment({ HOME: world.servers.folder, REINS_URL: world.api.url(), REINS_TOKEN: world.token })
  const context = {
    ...processContext({ now: Date.now, readAdminToken: async () => undefined, env }),
    ...{ stdout: output, stderr: output },
  }
  await runProgram(clientProgram(context), words, context)
  return text
}

/** Of whoever would start a service with these settings. */
async function doctor(): Promise<string> {
  const env = {
    ...environment,
    ...{ NATS_URL: world.servers.natsUrl('registry'), DATABASE_URL: world.servers.databaseUrl },
    ...{ PATH: process.env.PATH, HOME: world.servers.folder, HTTPS_PROXY: `http://p:${own.collector}@127.0.0.1:1` },
    REINS_DATA_DIR: path.join(world.servers.folder, 'data'),
  }
  const child = spawn(process.execPath, [await bundledBinary(), 'doctor'], { env, cwd: world.servers.folder })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part))
  await new Promise((resolve) => child.once('close', resolve))
  return text
}

/** Each block of what was streamed, put together: a secret may not come in pieces either. */
function followDeltas(): () => string {
  const blocks = new Map<string, string>()
  const messages = world.broker.nc.subscribe('live.>', {
    callback: (_error, message) => {
      for (const delta of [message.json<unknown>()].flat() as { [name: string]: unknown; text?: string }[]) {
        const { text = '', offset: _, ...where } = delta
        const key = `${message.subject} ${JSON.stringify(where)}`
        blocks.set(key, (blocks.get(key) ?? '') + text)
      }
    },
  })
  void messages
  return () => [...blocks].map(([key, text]) => `${key}: ${text}`).join('\n')
}

const toolsFile = `
  import { defineTool } from '@reins/agent'
  const forms = (secret) => [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.from('x'.repeat(before) + secret)
    return [secret, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
  })
  const tool = (execute) => defineTool({
    description: 'Tells.', parameters: { type: 'object' }, risk: 'external', secret_requests: ['PLANTED'], execute,
  })
  export const leak = tool(async (_, context) => {
    const all = forms(context.secrets.PLANTED)
    for (const form of all) {
      for (let at = 0; at < form.length; at += 5) context.progress(form.slice(at, at + 5))
      context.progress('\\n')
      context.log.info('it is ' + form, { form, [form]: 1 })
      console.log(form)
    }
    process.stderr.write(all.join('\\n'))
    return { all, [all[0]]: all.join(' '), note: 'ran to its end' }
  })
  export const breaks = tool(async (_, context) => { throw new Error('It is ' + forms(context.secrets.PLANTED).join(' ')) })
`

const sse = (response: ServerResponse, messages: readonly object[]): void =>
  void response
    .writeHead(200, { 'content-type': 'text/event-stream' })
    .end(messages.map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`).join(''))

const toolNames = ['tell', 'refuse', 'page']
const leakingServer: Readonly<Record<string, Does>> = {
  initialize: ({ result }) =>
    result({ ...initialize(), serverInfo: { name: `s ${planted}`, version: '1' }, instructions: all }),
  'tools/list': ({ result }) =>
    result({
      tools: [
        ...toolNames.map((name) => ({ name, description: `Say ${all}`, inputSchema: { type: 'object' } })),
        { name: 'held', inputSchema: { type: 'object', properties: { a: { default: planted } } } },
      ],
    }),
  'tools/call': ({ message, response, error }) => {
    const { name, _meta = {} } = message.params
    const { progressToken } = _meta
    if (name === 'refuse') return error(-32000, all)
    if (name === 'page') {
      const page = { mode: 'url', elicitationId: planted, url: `https://x.example/?t=${encodeURIComponent(planted)}` }
      return error(-32042, all, { elicitations: [{ ...page, message: all.slice(0, 1500) }] })
    }
    const resource = { uri: `x:${planted}`, mimeType: 'text/plain', text: all }
    const content = [
      { type: 'text', text: `${all} ran to its end` },
      { type: 'image', mimeType: 'image/png', data: Buffer.from(`xx${planted}`).toString('base64') },
      { type: 'audio', mimeType: 'audio/wav', data: Buffer.from(`RIFF ${planted} `).toString('base64') },
      { type: 'resource_link', uri: `x:${encodeURIComponent(planted)}`, name: planted },
      { type: 'resource', resource },
      { type: planted },
    ]
    sse(response, [
      ...forms.flatMap((form, progress) => [
        { method: 'notifications/progress', params: { progressToken, progress, message: form } },
        { method: 'notifications/message', params: { level: 'info', data: { form } } },
      ]),
      { id: message.id, result: { content, structuredContent: { [planted]: forms } } },
    ])
  },
}

interface LeakingModel {
  readonly server: Server
  readonly url: string
  /** The last message that it was sent, each time. */
  readonly asked: string[]
}

/** Brings the secret up in all that it says; calls each tool in turn; answers with an error where it is told to fail. */
async function leakingModel(): Promise<LeakingModel> {
  const asked: string[] = []
  const calls = ['leak', 'breaks', 'mcp__tells__tell', 'mcp__tells__refuse']
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { messages } = JSON.parse(text) as { readonly messages: readonly { role: string; content: unknown }[] }
    const last = JSON.stringify(messages.at(-1))
    asked.push(text)
    const said = messages.findLast(({ role }) => role === 'user')
    const isFirst = last.includes('"user"')
    if (isFirst && JSON.stringify(said).includes('fail'))
      return void response.writeHead(400).end(JSON.stringify({ error: { message: `No: ${all}` } }))
    const wanted = !isFirst ? [] : JSON.stringify(said).includes('page') ? ['mcp__tells__page'] : calls
    const pieces = (field: string) =>
      Array.from({ length: Math.ceil(all.length / 7) }, (_, at) => ({ [field]: all.slice(at * 7, at * 7 + 7) }))
    const deltas = [
      ...pieces('reasoning_content'),
      ...pieces('content'),
      ...wanted.map((name, index) => ({
        tool_calls: [
          {
            index,
            id: `call_${index}`,
            type: 'function',
            function: { name, arguments: JSON.stringify({ a: planted }) },
          },
        ],
      })),
    ]
    const chunks = [
      ...deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] })),
      { choices: [{ index: 0, delta: {}, finish_reason: wanted.length > 0 ? 'tool_calls' : 'stop' }] },
    ]
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of chunks)
      response.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', ...chunk })}\n\n`)
    response.end('data: [DONE]\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked }
}
