// examples/agents/custom_tools.ts as its first lines say: put by the command line, and used by the turns of an agent.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'

const deadline = 120_000
const root = path.join(import.meta.dirname, '..', '..')
const agent = 'support-bot'

let world: World

beforeAll(async () => {
  world = await World.open()
  for (const name of ['registry', 'session-gateway', 'executor', 'tool-runner'] as const) await world.start(name)
  const words = ['create', agent, '--model', 'scripted/assistant', '--system-prompt', 'You are a support agent.']
  const { status, stderr } = spawnSync(
    process.execPath,
    [await bundledBinary(), 'agent', ...words, '--tools-file', 'examples/agents/custom_tools.ts'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: path.dirname(process.execPath), HOME: root, REINS_URL: world.api.url(), REINS_TOKEN: world.token },
    },
  )
  expect([status, stderr]).toEqual([0, expect.anything()])
}, deadline)

afterAll(() => world?.close(), deadline)

const begin = async (message: string): Promise<string> => (await world.api.create(agent, message)).session.id

const eventsIn = async (session: string) => (await world.readLog(session)).flatMap(({ frame }) => frame.events)

async function resultOf(session: string): Promise<unknown> {
  expect(await world.verdict(session)).toEqual([])
  const [completed] = (await eventsIn(session)).filter((event) => event.type === 'tool-call.completed')
  return completed && { status: completed.data.status, ...JSON.parse(completed.data.output) }
}

test('an order is found; of one that there is none of, the model is told what to ask', async () => {
  expect(await resultOf(await begin('call find_order {"number": "A-100"}'))).toMatchObject({ customer: 'Ada' })
  expect(await resultOf(await begin('call find_order {"number": "X"}'))).toMatchObject({
    status: 'error',
    error: expect.stringContaining('ask the customer for its number'),
  })
}, 120_000)

test('a small amount is paid back at once', async () => {
  const session = await begin('call refund {"number": "A-101", "euros": 50}')
  expect(await resultOf(session)).toEqual({ status: 'ok', paid: 50, to: 'Grace' })
  expect((await eventsIn(session)).map(({ type }) => type)).not.toContain('approval.requested')
}, 120_000)

test('a large amount waits for a person, because the tool says so, and is paid back once', async () => {
  const session = await begin('call refund {"number": "A-101", "euros": 200}')
  const call = await eventually(async () => {
    const [asked] = (await eventsIn(session)).filter((event) => event.type === 'approval.requested')
    return asked?.data.call
  })
  const approved = await world.api.once('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })
  expect(approved.status).toBeLessThan(300)
  expect(await resultOf(session)).toEqual({ status: 'ok', paid: 200, to: 'Grace' })
  const types = (await eventsIn(session)).map(({ type }) => type)
  expect(types.filter((type) => type === 'approval.needed')).toHaveLength(1)
  expect(types.filter((type) => type === 'tool-call.started')).toHaveLength(1)
}, 120_000)
