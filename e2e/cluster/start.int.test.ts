// One of three nodes is gone and stays away: every service can be started then, and turns are taken. Once for each node, since each leads
// other streams and consumers; services that were started before have made these.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceName } from '@reins/contracts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

const deadline = 600_000
const names: readonly ServiceName[] = ['registry', 'memory', 'tool-runner', 'executor', 'session-gateway']
let world: World
let running: readonly ServiceProcess[] = []
beforeAll(async () => {
  world = await World.open({ nodes: 3 })
  running = await Promise.all(names.map((name) => world.start(name)))
  await world.agent('helper')
}, deadline)
afterAll(() => world?.close(), deadline)

test.each([0, 1, 2])(
  'without node %d every service starts, and a turn with a call of a tool is whole',
  async (node) => {
    const { cluster } = world.servers
    await Promise.all(running.map((service) => service.kill()))
    await cluster?.kill(node)
    running = await Promise.all(names.map((name) => world.start(name)))
    const key = `without-${node}`
    const { session } = await world.api.create('helper', `!shell echo ${node}`, { key, withinMs: 120_000 })
    await world.settled(session.id, 120_000)
    expect(await world.verdict(session.id)).toEqual([])
    const events = (await world.readLog(session.id)).flatMap(({ frame }) => frame.events)
    expect(events.filter(({ type }) => type === 'tool-call.completed')).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ type: 'turn.completed' })
    await cluster?.start(node)
  },
  deadline,
)
