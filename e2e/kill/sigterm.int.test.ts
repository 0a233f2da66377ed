// SIGTERM under load waits for no time-out: with an ack_wait of ten minutes, whatever were left to one would not end in this test.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { Bench, countOf, eventsOf, wrongIn } from './bench.ts'

const tenMinutes = 600_000
const deadline = 120_000
let world: World
let executors: ServiceProcess[]
let runners: ServiceProcess[]

beforeAll(async () => {
  world = await World.open({ ackWaitMs: tenMinutes })
  await world.start('registry')
  const [one, two, three, four] = await Promise.all([
    world.start('executor'),
    world.start('executor'),
    world.start('tool-runner'),
    world.start('tool-runner'),
    world.start('session-gateway'),
    world.start('session-gateway'),
  ])
  executors = [one, two]
  runners = [three, four]
  await world.agent('load')
}, deadline)

afterAll(() => world?.close(), deadline)

test('an executor told to end in the middle of answers hands them over at once', async () => {
  const bench = new Bench(world, 'load')
  // Long enough for the first to be under way when the last has begun.
  const begun = await Promise.all(Array.from({ length: 8 }, () => bench.begin('stream 160 every 50')))
  await Promise.all(begun.map(({ followers }) => followers[0]?.showsMoreThan(0)))
  const [first] = executors
  expect(await first?.terminate()).toEqual({ code: 0, signal: null })
  const logs = await bench.allSound(begun)
  for (const log of logs) expect(countOf(log, 'turn.completed', { reason: 'answered' })).toBe(1)
  // Who pulls more gets more, but among so many some were the first one's.
  expect(logs.filter((log) => countOf(log, 'model-call.completed', { attempt: 2 }) === 1).length).toBeGreaterThan(0)
}, 120_000)

test('a tool-runner told to end in the middle of tools says what is not known, and what may run again does', async () => {
  const bench = new Bench(world, 'load')
  const begun = await Promise.all(
    Array.from({ length: 6 }, () => bench.begin(`${bench.leavesLine('; sleep 4')} & write load-safe.txt: again`)),
  )
  await Promise.all(begun.map(({ followers }) => followers[0]?.sees(({ type }) => type === 'tool-call.started')))
  const [first] = runners
  expect(await first?.terminate()).toEqual({ code: 0, signal: null })
  const logs = await bench.allSound(begun)
  for (const [at, log] of logs.entries()) {
    expect(countOf(log, 'turn.completed')).toBe(1)
    expect(countOf(log, 'tool-call.outcome-unknown') + countOf(log, 'tool-call.completed')).toBe(2)
    expect(bench.ran(begun[at]?.session ?? '')).toBeLessThanOrEqual(1)
  }
}, 120_000)

test('a pool scaled to none in the middle of answers, and back: the metrics say that it is wanted, and nothing is lost', async () => {
  const name = 'scaled'
  const labels = { scaled: 'true' }
  await world.agent(name, { affinity: labels })
  /** What an autoscaler is told of the executors of the pool. */
  const told = async (): Promise<{ readonly work: number; readonly instances: number }> => {
    const gateway = world.gateways.find((one) => one.alive())
    const headers = { authorization: `Bearer ${world.token}` }
    const text = await (await fetch(`${gateway?.url}/metrics`, { headers })).text()
    const of = (metric: string): number =>
      Number(new RegExp(`^${metric}\\{[^}]*kind="executor",labels="scaled=true"\\} (\\d+)`, 'm').exec(text)?.[1])
    return {
      work: of('reins_pool_backlog') + of('reins_pool_in_progress'),
      instances: of('reins_pool_instances'),
    }
  }
  const says = (work: (now: number) => boolean, instances: number) =>
    eventually(async () => {
      const now = await told()
      return work(now.work) && now.instances === instances
    })
  const bench = new Bench(world, name)
  const first = await world.start('executor', { labels })
  const early = await Promise.all(Array.from({ length: 3 }, () => bench.begin('stream 160 every 50')))
  await Promise.all(early.map(({ followers }) => followers[0]?.showsMoreThan(0)))
  expect(await first.terminate()).toEqual({ code: 0, signal: null })
  const late = await Promise.all(Array.from({ length: 2 }, () => bench.begin('say late')))
  await says((work) => work === 5, 0)
  const second = await world.start('executor', { labels })
  const logs = await bench.allSound([...early, ...late])
  for (const log of logs) expect(countOf(log, 'turn.completed', { reason: 'answered' })).toBe(1)
  await says((work) => work === 0, 1)
  expect(await second.terminate()).toEqual({ code: 0, signal: null })
  await says((work) => work === 0, 0)
}, 240_000)

test('all services told to end while a call waits for a person: it is approved afterwards, and runs once', async () => {
  const name = 'waits'
  await world.agent(name, { affinity: { waits: 'true' }, tools: [{ shell: { approval: 'always' } }] })
  const labels = { waits: 'true' }
  const victims = await Promise.all([world.start('executor', { labels }), world.start('tool-runner', { labels })])
  const bench = new Bench(world, name)
  const watched = await bench.begin(bench.leavesLine())
  await watched.followers[0]?.sees(({ type }) => type === 'approval.requested')
  for (const victim of victims) expect(await victim.terminate()).toEqual({ code: 0, signal: null })
  const asked = eventsOf(await world.readLog(watched.session)).find(({ type }) => type === 'approval.requested')
  const call = asked?.type === 'approval.requested' ? asked.data.call : ''
  const path = `/v1/sessions/${watched.session}/approvals/${call}`
  expect((await world.api.once('POST', path, { verdict: 'approved' })).status).toBe(202)
  await Promise.all([world.start('executor', { labels }), world.start('tool-runner', { labels })])
  const log = await bench.sound(watched)
  expect(countOf(log, 'approval.requested')).toBe(1)
  expect(countOf(log, 'tool-call.completed', { status: 'ok' })).toBe(1)
  expect(bench.ran(watched.session)).toBe(1)
}, 120_000)

test('a gateway told to end sends its clients elsewhere in the middle of a sentence', async () => {
  const bench = new Bench(world, 'load')
  const watched = await bench.begin('stream 80 every 50')
  await Promise.all(watched.followers.map((follower) => follower.seesText()))
  const before = watched.followers.map(({ shown }) => shown)
  const [first] = world.gateways
  expect(await first?.terminate()).toEqual({ code: 0, signal: null })
  await Promise.all(watched.followers.map((follower, at) => follower.showsMoreThan(before[at] ?? 0)))
  const log = await bench.sound(watched)
  expect(countOf(log, 'model-call.completed')).toBe(1)
  expect(wrongIn(watched.followers, log)).toEqual([])
}, 120_000)
