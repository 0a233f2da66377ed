// How long whole outputs are kept, on a real server: they go by themselves, and a bucket takes over a limit that has changed.
import { jetstreamManager } from '@nats-io/jetstream'
import type { Broker } from '@reins/broker'
import { makeUlid, objectStores, outputsKeptMs } from '@reins/contracts'
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
  const { config, state } = await manager.streams.info(`OBJ_${objectStores.outputs}`)
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
