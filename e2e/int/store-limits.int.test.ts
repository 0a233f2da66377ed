// The limits in bytes of streams and buckets, on a real server: what is owed has none, and whatever is full says so and stops nobody.
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, storeLimits } from '@reins/broker'
import { allSessionStreamNames, bucketStream, buckets, objectStores, objectStream, streams } from '@reins/contracts'
import { type Journal, openIdempotency, openJournal } from '@reins/journal'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServers, testServers } from './servers.ts'

let servers: TestServers
let broker: Broker
let journal: Journal
type Manager = Awaited<ReturnType<typeof jetstreamManager>>
let manager: Manager

const open = async (name: string): Promise<Journal> =>
  openJournal(await servers.broker(name), {
    ...{ live: broker, ackWaitMs: 60_000, replicas: 1, now: () => Date.now() },
  } as Parameters<typeof openJournal>[1])
const small = (stream: string, max_bytes: number) => manager.streams.update(stream, { max_bytes })
const snapshot = (n: number, state: unknown) => ({ seq: n, n, hash: 'h', foldVersion: 1, state })

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  broker = await servers.broker('reins')
  journal = await open('reins')
  manager = await jetstreamManager(broker.nc)
})
afterAll(() => servers.close())

test('what somebody counts on for ever has no limit, and what has one drops or refuses as it says', async () => {
  const limited = new Map(storeLimits.map(({ stream, bytes, whenFull }) => [stream, [bytes, whenFull]]))
  const found = new Map<string, unknown>()
  for await (const { config } of manager.streams.list())
    if (config.max_bytes > 0 && config.storage === 'file')
      found.set(config.name, [config.max_bytes, config.discard === 'new' ? 'refuse' : 'drop-oldest'])
  expect(found).toEqual(limited)
  for (const owed of [
    ...allSessionStreamNames,
    ...[streams.registry, streams.memories, streams.timers, objectStream(objectStores.bundles)],
  ])
    expect([owed, limited.has(owed)]).toEqual([owed, false])
})

test('a limit that an operator has set stays when Reins starts again', async () => {
  await small(bucketStream(buckets.pools), 5_000_000)
  await open('reins')
  expect((await manager.streams.info(bucketStream(buckets.pools))).config.max_bytes).toBe(5_000_000)
})

test('snapshots beyond the limit push out the oldest, and the newest is there', async () => {
  await small(bucketStream(buckets.snapshots), 200_000)
  const large = 'x'.repeat(20_000)
  for (let at = 0; at < 30; at++) await journal.snapshots.write(`session${at}`, snapshot(1, { at, large }))
  expect(await journal.snapshots.read('session0')).toBeUndefined()
  expect((await journal.snapshots.read('session29'))?.state).toEqual({ at: 29, large })
  expect((await manager.streams.info(bucketStream(buckets.snapshots))).state.bytes).toBeLessThanOrEqual(200_000)
})

test('keys beyond the limit are not noted, and those that are there still recognise what comes again', async () => {
  const keys = await openIdempotency(broker, { now: Date.now })
  const entry = { body: 'b', session: 's', frame: 'f', subject: 'm', prev: 7 }
  await small(bucketStream(buckets.idempotency), 10_000)
  const kinds: string[] = []
  for (let at = 0; at < 200 && kinds.at(-1) !== 'full'; at++)
    kinds.push((await keys.create(`a${at.toString(16)}`, entry)).kind)
  expect([kinds[0], kinds.at(-1)]).toEqual(['created', 'full'])
  expect(await keys.create('a0', { ...entry, frame: 'g' })).toEqual({ kind: 'existing', entry })
})

test('outputs beyond the limit are refused, those that are there can be read, and pools are served', async () => {
  const { ref } = await journal.outputs.put('S', Buffer.from('first'))
  await small(objectStream(objectStores.outputs), 60_000)
  await expect(journal.outputs.put('S', Buffer.alloc(100_000, 'y'))).rejects.toThrow(/maximum bytes exceeded|timeout/i)
  const kept = await journal.outputs.get('S', ref ?? '')
  expect(kept?.size).toBe(5)
  await small(bucketStream(buckets.pools), 100)
  await journal.work.ensurePool('exec', 'fresh', {})
  expect(await journal.work.backlog('exec', 'fresh')).toMatchObject({ backlog: 0 })
})
