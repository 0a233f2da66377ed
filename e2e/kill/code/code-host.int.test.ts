// Calls of user-written tools on real processes: the host, or the whole tool-runner, is killed in the middle of a call. What a tool did
// outside is counted by a server that it calls.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostsOf, killHosts } from '../../harness/code-hosts.ts'
import { bundledCode } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { World } from '../../harness/world.ts'
import { countOf, eventsOf } from '../bench.ts'

const deadline = 120_000
const agent = 'code-host'

let world: World
let counter: Counter

beforeAll(async () => {
  counter = await startCounter()
  world = await World.open()
  await Promise.all([world.start('registry'), world.start('session-gateway'), world.start('executor')])
  const tools = [{ file: './tools.ts', network: true }]
  const definition = { name: agent, model: 'scripted/assistant', system_prompt: 'Do what you are told.', tools }
  const files = [{ file: './tools.ts', text: bundledCode(toolsFile(counter.url)) }]
  const { status, body } = await world.api.once('PUT', `/v1/agents/${agent}`, { definition, files })
  expect([status, body]).toEqual([201, expect.anything()])
}, deadline)

afterAll(async () => {
  await world?.close()
  counter?.server.close()
  counter?.server.closeAllConnections()
}, deadline)

/** Each tells the server that it runs, and waits for what that says. */
const toolsFile = (url: string): string => `
  import { defineTool } from '@reins/agent'
  const tool = (replay) => defineTool({
    description: 'Tells a server.', parameters: { type: 'object' }, risk: 'external', replay,
    execute: async (_, { idempotencyKey }) => (await fetch('${url}/' + encodeURIComponent(idempotencyKey))).text(),
  })
  export const once = tool('never')
  export const again = tool('safe')
`

const runner = (): Promise<ServiceProcess> =>
  world.start('tool-runner', { environment: { REINS_ALLOW_SHELL_NETWORK: '1' } })

/** A session whose call has reached the server, which holds it. */
async function inTheCall(tool: string): Promise<string> {
  counter.hold = true
  const { session } = await world.api.create(agent, `call ${tool} {}`)
  await eventually(() => counter.times(session.id) === 1, { describe: () => `the call of ${tool} reaches the server` })
  counter.hold = false
  return session.id
}

async function logOf(session: string) {
  expect(await world.verdict(session)).toEqual([])
  const log = await world.readLog(session)
  expect(countOf(log, 'turn.completed')).toBe(1)
  return log
}

test('a host killed in a call that must not run twice: unknown, recorded at once, and the runner goes on', async () => {
  const one = await runner()
  const session = await inTheCall('once')
  killHosts(one.pid)
  const log = await logOf(session)
  expect(countOf(log, 'tool-call.outcome-unknown')).toBe(1)
  expect(countOf(log, 'tool-call.completed')).toBe(0)
  const [unknown] = eventsOf(log).filter(({ type }) => type === 'tool-call.outcome-unknown')
  expect(unknown?.by).toBe(one.instance())
  expect(counter.times(session)).toBe(1)
  const { session: next } = await world.api.create(agent, 'call once {}')
  expect(countOf(await logOf(next.id), 'tool-call.completed', { status: 'ok' })).toBe(1)
  await one.kill()
}, 120_000)

test('a host killed in a call that may run again: it runs again in another host, with the same key', async () => {
  const one = await runner()
  const session = await inTheCall('again')
  killHosts(one.pid)
  const log = await logOf(session)
  expect(countOf(log, 'tool-call.completed', { status: 'ok', output: 'counted' })).toBe(1)
  expect(counter.times(session)).toBe(2)
  await one.kill()
}, 120_000)

test.each([
  ['killed', 'kill'],
  ['told to end', 'terminate'],
] as const)(
  'a tool-runner %s in a call that must not run twice: unknown, and not run again elsewhere',
  async (_, end) => {
    const one = await runner()
    const session = await inTheCall('once')
    const other = await runner()
    await one[end]()
    const log = await logOf(session)
    expect(countOf(log, 'tool-call.outcome-unknown')).toBe(1)
    expect(counter.times(session)).toBe(1)
    await eventually(() => hostsOf(one.pid).length === 0)
    await other.kill()
  },
  120_000,
)

test.each([
  ['killed', 'kill'],
  ['told to end', 'terminate'],
] as const)(
  'a tool-runner %s in a call that may run again: another one fetches the code and runs it',
  async (_, end) => {
    const one = await runner()
    const session = await inTheCall('again')
    const other = await runner()
    await one[end]()
    const log = await logOf(session)
    expect(countOf(log, 'tool-call.completed', { status: 'ok', output: 'counted' })).toBe(1)
    expect(counter.times(session)).toBe(2)
    await other.kill()
  },
  120_000,
)

interface Counter {
  readonly server: Server
  readonly url: string
  /** Whether who comes waits for ever. */
  hold: boolean
  /** How often calls of this session came. */
  times(session: string): number
}

async function startCounter(): Promise<Counter> {
  const keys: string[] = []
  const server = createServer((request, response) => {
    keys.push(decodeURIComponent(request.url?.slice(1) ?? ''))
    if (!counter.hold) response.end('counted')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const times = (session: string) => keys.filter((key) => key.startsWith(`${session}/`)).length
  return { server, url: `http://127.0.0.1:${port}`, hold: false, times }
}
