// Work on a real server, where the contract suite cannot look: what a process leaves behind at the broker, and what it makes it do.
import { jetstreamManager } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import {
  bucketStream,
  buckets,
  type Draft,
  emptyHead,
  execDurable,
  makeUlid,
  type SessionEvent,
  streams,
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
  const ackWait = async () => (await manager.consumers.info(streams.sessions, execDurable('p2'))).config.ack_wait
  const consume = (on: (trigger: Trigger) => void) =>
    journal.work.consume('exec', 'p2', { free: () => 10, on, failed: () => {} })
  await journal.work.ensurePool('exec', 'p2', {})
  await (await consume(() => {})).close()

  const session = makeUlid(1_700_000_000_000, Math.random)
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
  await eventually(async () => (await manager.consumers.info(streams.sessions, execDurable('p2'))).num_waiting === 0)
  const second = await consume((trigger) => held.push(trigger))
  await eventually(() => held.length > 1)
  expect(held.at(-1)?.redelivered).toBe(true)
  held.at(-1)?.ack()
  await second.close()
  expect(await ackWait()).toBe(ackWaitMs * 1e6)
})
