// One of three nodes is gone and stays away: every service can be started then, memory with its archive too, and turns are taken. Once for
// each node, since each leads other streams and consumers; services that were started before have made these.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { archivistUser, type ServiceName, type SessionInfo } from '@reins/contracts'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

const deadline = 600_000
const names: readonly ServiceName[] = ['registry', 'memory', 'tool-runner', 'executor', 'session-gateway']
const patiently = { withinMs: 180_000 }
let world: World
let running: readonly ServiceProcess[] = []
const startAll = (): Promise<readonly ServiceProcess[]> => {
  const environment = { REINS_ARCHIVE_AFTER: '1h', REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser) }
  return Promise.all(names.map((name) => world.start(name, { environment })))
}
beforeAll(async () => {
  world = await World.open({ nodes: 3 })
  running = await startAll()
  await world.agent('helper')
}, deadline)
afterAll(() => world?.close(), deadline)

test.each([0, 1, 2])(
  'without node %d every service starts, a turn with a call of a tool is whole, and whoever comes sees what is going on',
  async (node) => {
    const { cluster } = world.servers
    await Promise.all(running.map((service) => service.kill()))
    await cluster?.kill(node)
    running = await startAll()
    const key = `without-${node}`
    const { session } = await world.api.create('helper', `!shell echo ${node}`, { key, withinMs: 120_000 })
    await world.settled(session.id, 120_000)
    expect(await world.verdict(session.id)).toEqual([])
    const events = (await world.readLog(session.id)).flatMap(({ frame }) => frame.events)
    expect(events.filter(({ type }) => type === 'tool-call.completed')).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ type: 'turn.completed' })

    // Whoever comes while an answer is being made sees the session, also where what was streamed of it lay on that node.
    const asked = { key: `answer-without-${node}`, withinMs: 120_000 }
    const { id } = (await world.api.create('helper', 'stream 2400 every 50', asked)).session
    const typesOf = async () => (await world.readLog(id)).flatMap(({ frame }) => frame.events.map(({ type }) => type))
    await eventually(async () => (await typesOf()).includes('model-call.started'), { withinMs: 60_000 })
    const follower = world.follow(id, 0)
    await follower.sees(({ type }) => type === 'model-call.started', 60_000)
    expect(await typesOf()).not.toContain('model-call.completed')
    await world.api.control(id, 'cancel')
    expect(await world.verdict(id, [follower])).toEqual([])
    follower.close()

    // What is erased waits for the node, and for nothing else: so memory follows the orders.
    await world.api.stubborn('POST', `/v1/sessions/${session.id}/end`, undefined, { key: `end-${node}`, ...patiently })
    await eventually(
      async () => (await world.api.once('DELETE', `/v1/sessions/${session.id}`)).status === 202,
      patiently,
    )
    const memory = running[names.indexOf('memory')]
    await eventually(() => memory?.log().some((line) => line.includes('not erased yet')) ?? false, patiently)
    await cluster?.start(node)
    const erased = async () =>
      (await world.api.once<SessionInfo>('GET', `/v1/sessions/${session.id}`)).body.erased?.completed === true
    await eventually(erased, patiently)
  },
  deadline,
)
