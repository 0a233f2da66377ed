// Each row of PROTOCOL 12 on real processes: killed at that point, then the final log is checked. The cases run side by side in one
// world, each in a pool of its own; the servers are killed after them, when nobody else is at work.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { approvalCases } from './cases/approval-cases.ts'
import { Bench, countOf, wrongIn } from './bench.ts'
import { budgetCases } from './cases/budget-cases.ts'
import { compactionCases } from './cases/compaction-cases.ts'
import { delegationCases } from './cases/delegation-cases.ts'
import { executorCases, pairCases } from './cases/executor-cases.ts'
import { forkCases } from './cases/fork-cases.ts'
import { gatewayCases } from './cases/gateway-cases.ts'
import { resultCases } from './cases/result-cases.ts'
import { crashCases, toolRunnerCases } from './cases/tool-runner-cases.ts'

const survived = [
  ...executorCases,
  ...toolRunnerCases,
  ...gatewayCases,
  ...approvalCases,
  ...delegationCases,
  ...budgetCases,
  ...compactionCases,
  ...resultCases,
  ...forkCases,
]
const cases = [...survived, ...pairCases]
const all = [...cases, ...crashCases]
const deadline = 240_000

let world: World
let registry: ServiceProcess

beforeAll(async () => {
  world = await World.open()
  registry = await world.start('registry')
  await Promise.all([
    world.start('session-gateway'),
    world.start('session-gateway'),
    world.start('executor', { labels: Bench.labels([...survived, ...crashCases]) }),
    world.start('tool-runner', { labels: Bench.labels(cases) }),
  ])
}, deadline)

afterAll(() => world?.close(), deadline)

describe.concurrent('killed at a named point', () => {
  for (const { slug, title, run } of all) test(title, () => run(new Bench(world, slug)), deadline)
})

describe('the servers and the registry', () => {
  const inWork = 'servers'

  test(
    'nats-server killed in the middle of answers and tools, and back: everything ends, nothing runs twice',
    async () => {
      const bench = new Bench(world, inWork)
      await world.agent(inWork)
      const begun = await Promise.all([
        ...Array.from({ length: 3 }, () => bench.begin('stream 30 every 50')),
        ...Array.from({ length: 3 }, () => bench.begin(bench.leavesLine('; sleep 1'))),
      ])
      await Promise.all(
        begun.map(({ followers }, at) =>
          followers[0]?.sees(({ type }) => type === (at < 3 ? 'model-call.started' : 'tool-call.started')),
        ),
      )
      await world.servers.killNats()
      await world.servers.restartNats()
      const logs = await bench.allSound(begun)
      for (const [at, log] of logs.entries()) {
        expect(countOf(log, 'turn.completed')).toBe(1)
        if (at >= 3) expect(bench.ran(begun[at]?.session ?? '')).toBeLessThanOrEqual(1)
      }
      // What is kept in memory alone is kept again: who joins in the middle of an answer is shown what was said, without delay.
      const after = await bench.begin('stream 120 every 50')
      const [cut, other] = after.followers
      await cut?.seesText()
      const before = cut?.shown ?? 0
      cut?.cut()
      await cut?.showsMoreThan(before)
      const log = await bench.sound(after)
      expect(wrongIn(cut ? [cut] : [], log)).toEqual([])
      expect([cut?.connections, other?.connections]).toEqual([2, 1])
    },
    deadline,
  )

  test(
    'Postgres killed and back: lists answer with a clear error meanwhile, sessions go on',
    async () => {
      const bench = new Bench(world, inWork)
      await eventually(async () => (await world.api.list()).status === 200)
      await world.servers.killPostgres()
      const watched = await bench.begin(bench.leavesLine())
      await bench.sound(watched)
      const refused = await world.api.once<{ error: { code: string } }>('GET', '/v1/sessions')
      expect([refused.status, refused.body.error.code]).toEqual([503, 'unavailable'])
      await world.servers.restartPostgres()
      await eventually(async () => {
        const { status, body } = await world.api.list()
        return status === 200 && body.sessions.some(({ id }) => id === watched.session)
      })
    },
    deadline,
  )

  test(
    'the registry killed: no changes to agents, sessions go on; back: changes again',
    async () => {
      const bench = new Bench(world, inWork)
      await registry.kill()
      await bench.sound(await bench.begin(bench.leavesLine()))
      const definition = { name: 'changed', model: 'scripted/assistant', system_prompt: 'Be brief.' }
      const refused = await world.api.once<{ error: { code: string } }>('PUT', '/v1/agents/changed', definition)
      expect([refused.status, refused.body.error.code]).toEqual([503, 'unavailable'])
      await world.start('registry')
      expect((await world.api.once('PUT', '/v1/agents/changed', definition)).status).toBe(201)
    },
    deadline,
  )
})
