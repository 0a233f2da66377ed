// Long-term memory on real processes that are killed in the middle of a call: what was stored is stored once, and the call says so.
import type { MemoryHistory } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceProcess } from '../harness/service-process.ts'
import { type ServiceSettings, World } from '../harness/world.ts'
import { countOf, eventsOf } from '../kill/bench.ts'

const deadline = 180_000

let world: World
beforeAll(async () => {
  world = await World.open()
  await world.start('registry')
  await Promise.all([world.start('session-gateway'), world.start('executor')])
}, deadline)
afterAll(() => world?.close(), deadline)

/** `memory`, `runner`: what they start with; the killed one is replaced by one that goes on. */
async function killed(
  at: 'memory' | 'tool-runner',
  point: string,
  settings: { readonly key: string; readonly provider: 'builtin' | 'sqlite' },
): Promise<void> {
  const { key, provider } = settings
  const agent = `keeper-${key}`
  await world.agent(agent, { long_term_memory: { provider, scope: 'killed' } })
  const start = (name: 'memory' | 'tool-runner'): Promise<ServiceProcess> => {
    const more: ServiceSettings = name === at ? { pauseAt: point } : {}
    return world.start(name, more)
  }
  const running = { memory: await start('memory'), 'tool-runner': await start('tool-runner') }
  const { session } = await world.api.create(agent, `call store_memory {"key": "${key}", "value": "once"}`)
  await running[at].paused()
  await running[at].kill()
  running[at] = await world.start(at)
  const { id } = session
  expect(await world.verdict(id)).toEqual([])
  const log = await world.readLog(id)
  expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(1)
  expect(countOf(log, 'turn.completed')).toBe(1)
  const completed = eventsOf(log).find(({ type }) => type === 'tool-call.completed')
  const output = completed?.type === 'tool-call.completed' ? completed.data.output : '{}'
  expect(JSON.parse(output)).toEqual({ status: 'ok', key, outcome: 'created', version: 1 })
  const store = provider === 'sqlite' ? 'sqlite:memory.db' : 'builtin'
  const { body } = await world.api.once<MemoryHistory>(
    'GET',
    `/v1/memory/history?scope=killed&key=${key}&store=${store}`,
  )
  expect(body.records).toMatchObject([{ kind: 'stored', version: 1, by: { session: id } }])
  await Promise.all(Object.values(running).map((one) => one.kill()))
}

test.each(['builtin', 'sqlite'] as const)(
  'memory killed behind a change of the provider %s and before its answer: the call asks again, and it is one change',
  (provider) => killed('memory', 'memory.after-change', { key: `answer-${provider}`, provider }),
  deadline,
)

test(
  'memory killed before a change: the call asks the next one',
  () => killed('memory', 'memory.before-change', { key: 'before', provider: 'builtin' }),
  deadline,
)

test(
  'a tool-runner killed with the answer: another one calls again, and nothing is stored twice',
  () => killed('tool-runner', 'tool-runner.before-outcome', { key: 'runner', provider: 'builtin' }),
  deadline,
)
