// A tool-runner is killed while one of its calls asks a person, and another tool-runner takes over: the call ends as unknown, or is
// repeated, as its class and the question say. The MCP server of these calls runs here and counts them.
import type { ElicitationAnswered, ElicitationList } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Exchange, initialize, type OddServer, oddServer } from '../../libs/mcp/test/odd-http.ts'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'
import { countOf } from './bench.ts'

const deadline = 120_000
const agent = 'asks'

let world: World
let server: AskingServer

beforeAll(async () => {
  server = await AskingServer.start()
  world = await World.open()
  await Promise.all([world.start('registry'), world.start('session-gateway'), world.start('executor')])
  await world.agent(agent, { tools: [], mcp_servers: [{ name: 'bank', url: server.url }] })
}, deadline)

afterAll(async () => {
  await world?.close()
  await server?.close()
}, deadline)

/** A session whose call asks at a tool-runner, which is then killed. Without a point, the call waits for a person when that happens. */
async function killedAsking(
  tool: string,
  point: string | undefined,
  end: 'kill' | 'terminate' = 'kill',
): Promise<string> {
  server.calls = 0
  const victim = await world.start('tool-runner', point === undefined ? {} : { pauseAt: point })
  const { session } = await world.api.create(agent, `call mcp__bank__${tool} {}`)
  if (point === undefined) await questionOf(session.id)
  else await victim.paused()
  await victim[end]()
  expect(server.calls).toBe(1)
  return session.id
}

async function questionOf(session: string): Promise<string> {
  const path = `/v1/sessions/${session}/elicitations`
  return eventually(async () => {
    const { elicitations } = (await world.api.once<ElicitationList>('GET', path)).body
    return elicitations[0]?.elicitation_id
  })
}

async function accept(session: string, tool: string): Promise<void> {
  const path = `/v1/sessions/${session}/elicitations/${await questionOf(session)}`
  const how = tool === 'page' ? { completed: true } : { content: { name: 'Ada' } }
  const { status, body } = await world.api.once<ElicitationAnswered>('POST', path, { action: 'accept', ...how })
  expect([status, body]).toEqual([202, expect.objectContaining({ state: 'answered' })])
}

async function endedLog(session: string) {
  expect(await world.verdict(session)).toEqual([])
  const log = await world.readLog(session)
  expect(countOf(log, 'turn.completed')).toBe(1)
  return log
}

const asked = 'tool-runner.after-elicitation'

test.each([
  ['that must not run twice: unknown, and not run again', 'once', undefined, 1],
  ['that must not run twice, before it let its trigger go: unknown, and not run again', 'once', asked, 1],
  ['that may run again: repeated, and its server gets the answer', 'again', undefined, 2],
  ['that may run again, before it let its trigger go: repeated, and its server gets the answer', 'again', asked, 2],
  ['of which nothing ran: repeated, though it must not run twice', 'page', undefined, 2],
  ['of which nothing ran, before it let its trigger go: repeated, though it must not run twice', 'page', asked, 2],
])(
  'killed while a person is asked for a call %s',
  async (_, tool, point, calls) => {
    const session = await killedAsking(tool, point)
    const other = await world.start('tool-runner')
    await accept(session, tool)
    const log = await endedLog(session)
    expect(countOf(log, 'elicitation.requested')).toBe(1)
    expect(countOf(log, 'elicitation.answered')).toBe(1)
    expect(countOf(log, 'tool-call.outcome-unknown')).toBe(2 - calls)
    expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(calls - 1)
    expect(server.calls).toBe(calls)
    await other.kill()
  },
  deadline,
)

test.each([
  ['that must not run twice: unknown, and nobody is asked', 'once'],
  ['that may run again: repeated, and a person is asked once', 'again'],
])(
  'killed before the question is in the log, in a call %s',
  async (_, tool) => {
    const session = await killedAsking(tool, 'tool-runner.before-elicitation')
    const other = await world.start('tool-runner')
    if (tool === 'again') await accept(session, tool)
    const log = await endedLog(session)
    const calls = tool === 'again' ? 2 : 1
    expect(countOf(log, 'elicitation.requested')).toBe(calls - 1)
    expect(countOf(log, 'tool-call.outcome-unknown')).toBe(2 - calls)
    expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(calls - 1)
    expect(server.calls).toBe(calls)
    await other.kill()
  },
  deadline,
)

test.each([
  ['that must not run twice: unknown at once, and nobody is asked any more', 'once'],
  ['that may run again: the question waits on, and the call is repeated with its answer', 'again'],
  ['of which nothing ran: the question waits on, and the call is repeated', 'page'],
])(
  'told to end while a person is asked for a call %s',
  async (_, tool) => {
    const session = await killedAsking(tool, undefined, 'terminate')
    const other = await world.start('tool-runner')
    if (tool !== 'once') await accept(session, tool)
    const log = await endedLog(session)
    const calls = tool === 'once' ? 1 : 2
    expect(countOf(log, 'elicitation.requested')).toBe(1)
    expect(countOf(log, 'tool-call.outcome-unknown')).toBe(2 - calls)
    expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(calls - 1)
    expect(server.calls).toBe(calls)
    await other.kill()
  },
  deadline,
)

/** Its tools `once` and `again` ask for a name in the middle of a call; `page` refuses the first call until a page was opened. */
class AskingServer {
  calls = 0
  readonly #server: OddServer

  private constructor(server: OddServer) {
    this.#server = server
  }

  static async start(): Promise<AskingServer> {
    const open = new Map<string, Exchange>()
    const begin = (exchange: Exchange): void => {
      const first = ++here.calls === 1
      const { message, response } = exchange
      if (message.params.name !== 'page') {
        const id = `question-${open.size}`
        open.set(id, exchange)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        send(exchange, { id, method: 'elicitation/create', params: form })
      } else if (first) exchange.error(-32042, 'Open the page first.', { elicitations: [page] })
      else exchange.result(done)
    }
    const server = await oddServer({
      initialize: ({ result }) => result(initialize()),
      'tools/list': ({ result }) => result({ tools }),
      'tools/call': begin,
      // An answer to a question has no method.
      undefined: ({ message, response }) => {
        response.writeHead(202).end()
        const call = open.get(String(message.id))
        if (!call) return
        send(call, { id: call.message.id, result: done })
        call.response.end()
      },
    })
    const here = new AskingServer(server)
    return here
  }

  get url(): string {
    return this.#server.url
  }

  close(): Promise<void> {
    return this.#server.close()
  }
}

const send = ({ response }: Exchange, message: object): void =>
  void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)

const inputSchema = { type: 'object', properties: {} }
const tools = [
  { name: 'once', description: 'Asks for a name.', inputSchema },
  { name: 'again', description: 'Asks for a name.', inputSchema, annotations: { idempotentHint: true } },
  { name: 'page', description: 'Wants a page to be opened.', inputSchema },
]
const form = {
  message: 'Who are you?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
}
const page = { mode: 'url', elicitationId: 'p', url: 'https://example.com/allow', message: 'Please allow it.' }
const done = { content: [{ type: 'text', text: 'done' }] }
