// Objects on a real server: reading them leaves nothing behind, whole outputs go by themselves, and a bucket takes over a limit that has
// changed.
import { randomBytes } from 'node:crypto'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Objm } from '@nats-io/obj'
import { type Broker, objectBytes, ownerOfPieces, storeObject } from '@reins/broker'
import {
  bundleDigest,
  makeUlid,
  objectAllChunksFilter,
  objectStores,
  objectStream,
  outputsKeptMs,
} from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { systemClock } from '@reins/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

let servers: TestServers
let broker: Broker
beforeAll(async () => {
  servers = await testServers({ postgres: false })
  broker = await servers.broker('outputs-test')
})
afterAll(() => servers?.close())

const open = (keptMs?: number): Promise<Journal> =>
  openJournal(broker, {
    ...{ replicas: 1, ackWaitMs: 1000, now: systemClock.now },
    ...(keptMs === undefined ? {} : { outputsKeptMs: keptMs }),
  })
const session = (): string => makeUlid(systemClock.now(), Math.random)

async function bucket(): Promise<{ readonly keptMs: number; readonly messages: number }> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const { config, state } = await manager.streams.info(objectStream(objectStores.outputs))
  return { keptMs: config.max_age / 1e6, messages: state.messages }
}

test('an output goes by itself when its time is over, bytes and all', async () => {
  await open()
  expect((await bucket()).keptMs).toBe(outputsKeptMs)
  const journal = await open(1500)
  expect((await bucket()).keptMs).toBe(1500)
  const id = session()
  const { ref = '' } = await journal.outputs.put(id, Buffer.alloc(300_000, 'x'))
  expect((await bucket()).messages).toBeGreaterThan(0)
  await eventually(async () => (await journal.outputs.get(id, ref)) === undefined)
  await eventually(async () => (await bucket()).messages === 0)
})

test('a limit that is longer again holds for what is kept from then on', async () => {
  const journal = await open(60_000)
  expect((await bucket()).keptMs).toBe(60_000)
  const id = session()
  const { ref = '' } = await journal.outputs.put(id, Buffer.from('stays'))
  expect((await journal.outputs.get(id, ref))?.size).toBe(5)
})

test('no reading of an output or a bundle leaves a consumer behind, read to its end or not', async () => {
  const journal = await open()
  const id = session()
  const bytes = randomBytes(300_000)
  const { ref = '' } = await journal.outputs.put(id, bytes)
  const digest = bundleDigest(bytes)
  await journal.bundles.put(digest, bytes)
  for (let n = 0; n < 50; n++) {
    expect(bytes.equals((await journal.bundles.get(digest)) ?? Buffer.of())).toBe(true)
    const pieces: Uint8Array[] = []
    for await (const piece of (await journal.outputs.get(id, ref))?.bytes ?? []) {
      pieces.push(piece)
      if (n % 5 === 4) break
    }
    const read = Buffer.concat(pieces)
    expect(bytes.subarray(0, read.length).equals(read)).toBe(true)
    expect(read.length).toBe(n % 5 === 4 ? 128 * 1024 : bytes.length)
  }
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  for (const store of [objectStores.outputs, objectStores.bundles])
    expect((await manager.streams.info(objectStream(store))).state.consumer_count).toBe(0)
})

test('what the client of the broker has put is read to the byte, whatever its length', async () => {
  const store = await new Objm(jetstream(broker.nc)).open(objectStores.bundles)
  for (const length of [0, 1, 128 * 1024, 128 * 1024 + 1]) {
    const bytes = randomBytes(length)
    const name = `a name/of ${length} bytes`
    await store.putBlob({ name }, bytes)
    const read = await objectBytes(broker, objectStores.bundles, name, { mostBytes: length })
    expect(read && bytes.equals(read)).toBe(true)
    await store.delete(name)
    expect(await objectBytes(broker, objectStores.bundles, name, { mostBytes: length })).toBeUndefined()
  }
})

test('pieces of an output name its session, also where no description names them', async () => {
  const journal = await open()
  const id = session()
  const cut = async function* (): AsyncGenerator<Uint8Array> {
    yield randomBytes(10)
    throw new Error('the process died')
  }
  const part = { name: `${id}/cut`, owner: id, mtime: 1 }
  await expect(storeObject(broker, objectStores.outputs, part, cut())).rejects.toThrow('the process died')
  const bytes = randomBytes(300_000)
  const { ref = '' } = await journal.outputs.put(id, bytes)
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const { state } = await manager.streams.info(objectStream(objectStores.outputs), {
    subjects_filter: objectAllChunksFilter(objectStores.outputs),
  })
  const counts = Object.entries(state.subjects ?? {}).filter(([subject]) => ownerOfPieces(subject) === id)
  expect(counts.map(([, count]) => count).sort()).toEqual([1, 3])
  // The client of the broker, by which an older version reads, finds it whole.
  const store = await new Objm(jetstream(broker.nc)).open(objectStores.outputs)
  expect(Buffer.from((await store.getBlob(`${id}/${ref}`)) ?? [])).toEqual(bytes)
})
