// What services keep beside the sessions, on a real server, with keys: what counts of it, what does not, and what an older version has left.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { type Broker, connectBroker, makeHeaders, sealedSince } from '@reins/broker'
import {
  bucketStream,
  bucketSubject,
  buckets,
  execDurable,
  firedSubject,
  makeUlid,
  serviceNames,
  streams,
  timerSubject,
} from '@reins/contracts'
import { type IdempotencyEntry, type Journal, openIdempotency, openJournal } from '@reins/journal'
import { makeRoleKeys, rotateRoleKeys, sealsIn } from '@reins/local'
import { systemClock } from '@reins/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'reins-sealed-stores-'))
const brokers: Broker[] = []
let servers: TestServers
/** Without keys, as an older version. */
let older: Broker
let broker: Broker
let journal: Journal

const withKeys = async (): Promise<Broker> => {
  const made = await connectBroker({ url: servers.natsUrl, name: 'sealing', seals: sealsIn(folder, serviceNames) })
  brokers.push(made)
  return made
}
const journalOf = (of: Broker) => openJournal(of, { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
const keysOf = (of: Broker) => openIdempotency(of, { now: systemClock.now })
const entry: IdempotencyEntry = { body: 'b', session: 's', frame: 'f', subject: 'm', prev: 7 }

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  makeRoleKeys(folder)
  older = await servers.broker('older')
  broker = await withKeys()
  journal = await journalOf(broker)
})
afterAll(async () => {
  await Promise.all(brokers.map((one) => one.close()))
  await servers.close()
  rmSync(folder, { recursive: true, force: true })
})

test('a store that is new has nothing without a seal, and one that holds something has for a day', async () => {
  const manager = await jetstreamManager(broker.nc)
  const began = await sealedSince(manager, bucketStream(buckets.idempotency))
  expect(began).toBeLessThanOrEqual(systemClock.now() + 1000)
  const keys = await keysOf(broker)
  await (await keysOf(older)).create('aa', entry)
  expect(await keys.create('aa', entry)).toEqual({ kind: 'unreadable' })
  // As it is where an older version has used it.
  const stream = bucketStream(buckets.idempotency)
  await manager.streams.update(stream, { metadata: {}, allow_rollup_hdrs: true })
  await journalOf(broker)
  expect(await sealedSince(manager, stream)).toBeGreaterThan(systemClock.now() + 23 * 3_600_000)
  expect(await keys.create('aa', entry)).toEqual({ kind: 'existing', entry })
  await (await keysOf(older)).forget('aa')
  expect(await keys.create('aa', entry)).toEqual({ kind: 'created' })
  await manager.streams.update(stream, { metadata: { 'reins-sealed-from': '1' } })
})

test('no message takes the place of all others in a bucket', async () => {
  for (const name of [buckets.idempotency, buckets.pools, buckets.snapshots]) {
    const headers = makeHeaders([['Nats-Rollup', 'all']])
    const rolled = jetstream(broker.nc).publish(bucketSubject(name, 'a'), '{}', { headers })
    await expect(rolled).rejects.toThrow('rollup not permitted')
  }
})

test('a key of a request counts for that key, as a gateway has sealed it, until that has another key', async () => {
  const keys = await keysOf(broker)
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.idempotency)
  await keys.create('ba', entry)
  expect(await keys.create('ba', entry)).toEqual({ kind: 'existing', entry })
  await keys.forget('ba')
  expect(await keys.create('ba', entry)).toEqual({ kind: 'created' })
  await kv.delete('ba')
  expect(await keys.create('ba', entry)).toEqual({ kind: 'unreadable' })
  await keys.create('bb', entry)
  rotateRoleKeys(folder, ['session-gateway'])
  expect(await (await keysOf(await withKeys())).create('bb', entry)).toEqual({ kind: 'unreadable' })
})

test('a timer is sure where an executor has sealed it for a time that has come, and is given back until then', async () => {
  const session = makeUlid(systemClock.now(), Math.random)
  const fired = new Map<string, { readonly sure: boolean; readonly at: number }>()
  const consumption = await journal.timers.consumeFired(
    async (of, timer, sure) => void (of === session && fired.set(timer, { sure, at: systemClock.now() })),
    () => {},
  )
  const now = systemClock.now()
  await journal.timers.arm(session, 'sealed', now + 300)
  await (await journalOf(older)).timers.arm(session, 'unsealed', now + 300)
  await journal.timers.arm(session, 'moved', now + 2500)
  // As it was stored, and fired by the broker now.
  const manager = await jetstreamManager(broker.nc)
  const stored = await manager.streams.getMessage(streams.timers, { last_by_subj: timerSubject(session, 'moved') })
  const headers = makeHeaders([
    ['Nats-Schedule', `@at ${new Date(now + 300).toISOString()}`],
    ['Nats-Schedule-Target', firedSubject(session, 'moved')],
    ...['Reins-Timer-At', 'Reins-Seal'].map((name): [string, string] => [name, stored?.header.get(name) ?? '']),
  ])
  await jetstream(broker.nc).publish(timerSubject(session, 'moved'), '', { headers })
  await eventually(() => fired.size === 3)
  expect([...fired].map(([timer, { sure }]) => [timer, sure])).toEqual(
    expect.arrayContaining([
      ['sealed', true],
      ['unsealed', false],
      ['moved', true],
    ]),
  )
  expect(fired.get('moved')?.at).toBeGreaterThanOrEqual(now + 2500)
  await consumption.close()
})

test('a floor that lies beyond the end of a stream leaves out nothing that comes', async () => {
  const kv = await new Kvm(jetstream(broker.nc)).open(buckets.pools)
  const floor = 9_000_000_000
  const floors = Object.fromEntries(journal.streams.names.map((name) => [name, floor]))
  await kv.put('exec.beyond', JSON.stringify({ key: 'beyond', kind: 'exec', labels: {}, floor, floors }))
  await journal.work.ensurePool('exec', 'beyond', {})
  const manager = await jetstreamManager(broker.nc)
  for (const name of journal.streams.names) {
    const [{ config }, { state }] = await Promise.all([
      manager.consumers.info(name, execDurable('beyond')),
      manager.streams.info(name),
    ])
    expect(config.opt_start_seq ?? 0).toBeLessThanOrEqual(state.last_seq + 1)
  }
})
