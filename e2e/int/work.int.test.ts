// Work on a real server, where the contract suite cannot look: what a process leaves behind at the broker, and what it makes it do.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { type Broker, listen } from '@reins/broker'
import {
  bucketStream,
  buckets,
  controlSubject,
  type Draft,
  emptyHead,
  execDurable,
  makeUlid,
  type SessionEvent,
  toExec,
} from '@reins/contracts'
import { type Journal, openJournal, type Trigger } from '@reins/journal'
import { systemClock } from '@reins/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

/** So long that nothing comes again by itself while these tests run. */
const ackWaitMs = 3_600_000
let servers: TestServers
let broker: Broker
let journal: Journal

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  broker = await servers.broker('work')
  journal = await openJournal(broker, { replicas: 1, ackWaitMs, now: systemClock.now })
})
afterAll(() => servers.close())

test('looking for pools, however often, leaves no consumer behind', async () => {
  await journal.work.ensurePool('exec', 'p1', { gpu: 'true' })
  await journal.work.ensurePool('tool', 'p1', { gpu: 'true' })
  for (let look = 0; look < 20; look++)
    expect((await journal.work.pools()).map(({ key, kind, labels }) => [key, kind, labels])).toEqual([
      ['p1', 'exec', { gpu: 'true' }],
      ['p1', 'tool', { gpu: 'true' }],
    ])
  const manager = await jetstreamManager(broker.nc)
  expect((await manager.streams.info(bucketStream(buckets.pools))).state.consumer_count).toBe(0)
})

test('whoever opens a pool that nobody serves gets at once what its dead holder did not ack, and ack_wait is what it was', async () => {
  const manager = await jetstreamManager(broker.nc)
  const session = makeUlid(1_700_000_000_000, Math.random)
  const ackWait = async () =>
    (await manager.consumers.info(journal.streams.of(session), execDurable('p2'))).config.ack_wait
  const consume = (on: (trigger: Trigger) => void) =>
    journal.work.consume('exec', 'p2', { free: () => 10, on, failed: () => {} })
  await journal.work.ensurePool('exec', 'p2', {})
  await (await consume(() => {})).close()

  const named: SessionEvent = { type: 'session.renamed', data: { title: 'x' } }
  const { hash } = emptyHead(session)
  const draft: Draft = {
    id: 'f1',
    n: 1,
    prev: 0,
    at: 1,
    by: 'test',
    role: 'e',
    needs: 1,
    status: 'idle',
    pool: 'p2',
    events: [named],
  }
  await journal.sessions.append(session, draft, toExec('p2'), hash)
  const held: Trigger[] = []
  const first = await consume((trigger) => held.push(trigger))
  await eventually(() => held.length > 0)
  await first.close()
  await eventually(
    async () => (await manager.consumers.info(journal.streams.of(session), execDurable('p2'))).num_waiting === 0,
  )
  const second = await consume((trigger) => held.push(trigger))
  await eventually(() => held.length > 1)
  expect(held.at(-1)?.redelivered).toBe(true)
  held.at(-1)?.ack()
  await second.close()
  expect(await ackWait()).toBe(ackWaitMs * 1e6)
})

const poisons = ['garbage', '', 'null', '[]', '{}', '{"key":"a.*.>","kind":"exec","labels":{},"floor":0}', '{"key":7}']

test('an entry of a pool that cannot be read hides nothing else, and is written anew when its pool is opened', async () => {
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.pools)
  await journal.work.ensurePool('exec', 'p3', { gpu: 'true' })
  const others = async () => (await journal.work.pools()).filter(({ key }) => key !== 'p4')
  const known = await others()
  for (const poison of poisons) {
    await kv.put('exec.p4', poison)
    await kv.put('exec.some-other-thing', poison)
    expect(await others()).toEqual(known)
    const another = await openJournal(broker, { replicas: 1, ackWaitMs, now: systemClock.now })
    await another.work.ensurePool('exec', 'p4', { arch: 'arm' })
    expect((await journal.work.pools()).find(({ key }) => key === 'p4')?.labels).toEqual({ arch: 'arm' })
  }
})

test('a listener that throws loses that message, and hears the next one', async () => {
  const heard: string[] = []
  const failures: unknown[] = []
  const own = await servers.broker('listener')
  listen(
    own,
    controlSubject('listener'),
    (msg) => {
      if (msg.string() === 'poison') throw new Error('not taken')
      heard.push(msg.string())
    },
    { failed: (error) => failures.push(error) },
  )
  await own.nc.flush()
  for (const said of ['one', 'poison', 'two']) broker.publish(controlSubject('listener'), said)
  await expect.poll(() => heard, { timeout: 30_000 }).toEqual(['one', 'two'])
  expect(failures).toHaveLength(1)
})
