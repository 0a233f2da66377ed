// Values that are none, said or written by somebody who has the password of a service: the product goes on, and starts again.
import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { buckets, controlSubject, heartbeatSubject, sessionSubject, toLog } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

const deadline = 180_000
const nonsense = [
  'garbage',
  '',
  'null',
  '[]',
  '{}',
  '{"instance":"x","pools":7}',
  '{"ask":"abort"}',
  '{"key":"exec.*.>"}',
]
let world: World
let executor: ServiceProcess

beforeAll(async () => {
  world = await World.open()
  await world.start('registry')
  await Promise.all([world.start('session-gateway'), world.start('tool-runner'), world.start('memory')])
  executor = await world.start('executor')
  await world.agent('helper')
}, deadline)

afterAll(() => world?.close(), deadline)

const answers = async (): Promise<string> => {
  const { session } = await world.api.create('helper')
  const { turn } = await world.api.turn(session.id, 'shell echo done')
  return turn.status
}

test(
  'on the subjects of liveness it is as good as unsaid',
  async () => {
    const before = await answers()
    for (const said of nonsense) {
      for (const service of ['executor', 'tool-runner'] as const)
        world.broker.publish(heartbeatSubject(service, 'somebody'), said)
      for (const instance of ['executor', 'tool-runner', 'somebody'])
        world.broker.publish(controlSubject(instance), said)
    }
    await world.broker.nc.flush()
    expect(await answers()).toBe(before)
  },
  deadline,
)

test(
  'in the bucket of pools it is no pool, also for processes that start',
  async () => {
    const kv = await new Kvm(jetstream(world.broker.nc)).open(buckets.pools)
    const before = await answers()
    for (const [at, text] of nonsense.entries()) await kv.put(`exec.nonsense-${at}`, text)
    for (const kind of ['exec', 'tool']) await kv.put(`${kind}.default`, 'garbage')
    const list = await world.api.once<{ pools: readonly unknown[] }>('GET', '/v1/pools')
    expect(list.status).toBe(200)
    await executor.kill()
    executor = await world.start('executor')
    expect(await answers()).toBe(before)
  },
  deadline,
)

test(
  'on the subject of a session it quarantines that session, which still says so',
  async () => {
    const { session } = await world.api.create('helper')
    for (const said of nonsense) world.broker.publish(sessionSubject(session.id, 'g', toLog), said)
    await world.broker.nc.flush()
    const shown = () => world.api.once<{ status?: string }>('GET', `/v1/sessions/${session.id}`)
    await eventually(async () => (await shown()).body.status === 'quarantined')
    expect((await shown()).status).toBe(200)
    // What is sent now waits in the log until somebody has looked at the session.
    const sent = await world.api.once('POST', `/v1/sessions/${session.id}/messages`, { content: 'Hi' })
    expect(sent.status).toBe(202)
    expect((await world.api.once('GET', `/v1/sessions/${session.id}/events`)).status).toBe(200)
    expect((await world.api.once('GET', `/v1/sessions/${session.id}/state`)).status).toBe(200)
  },
  deadline,
)
