// A registry that seals what an older one has left, and is killed while it does.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Broker, connectBroker, ensureTopology, lastMessage, readMessages } from '@reins/broker'
import { registrySubject, type SessionStreams, serviceNames, streams } from '@reins/contracts'
import { readRegistry } from '@reins/journal'
import { makeRoleKeys, rotateRoleKeys, sealsIn } from '@reins/local'
import { start } from '@reins/registry'
import { type PausePoint, systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServers, testServers } from './servers.ts'

let servers: TestServers
let sessionStreams: SessionStreams
const brokers: Broker[] = []
const keys = mkdtempSync(path.join(tmpdir(), 'reins-keys-'))

const connect = async (folder: string): Promise<Broker> => {
  const broker = await connectBroker({ url: servers.natsUrl, name: 'sealing', seals: sealsIn(folder, serviceNames) })
  brokers.push(broker)
  return broker
}
const serve = (broker: Broker, pauseAt?: PausePoint) =>
  start({
    ...{ broker, sessionStreams, databaseUrl: undefined, log: silentLog, clock: systemClock, metrics: new Metrics() },
    bootstrapTokens: [{ hash: 'a'.repeat(64), principal: 'admin', permissions: ['*'] }],
    ...(pauseAt ? { pauseAt } : {}),
  })
const mark = registrySubject('sealed', 'registry')

beforeAll(async () => {
  servers = await testServers({ postgres: false })
  const broker = await servers.broker('topology')
  sessionStreams = await ensureTopology(broker, { replicas: 1 })
  await (await serve(broker)).close({ withinMs: 5000 }) // without keys: a token and a principal
  for (const name of ['one', 'two', 'three'])
    await broker.request(registrySubject('config', name), JSON.stringify({ name, value: name }))
}, 60_000)
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.close()))
  await servers?.close()
  rmSync(keys, { recursive: true, force: true })
})

test('a registry that dies at any record goes on there: each is sealed once, and the mark comes last', async () => {
  makeRoleKeys(keys)
  const subjects = [
    ...['one', 'two', 'three'].map((name) => registrySubject('config', name)),
    registrySubject('token', 'a'.repeat(64)),
  ]
  for (let deaths = 0; deaths < 3; deaths++) {
    const broker = await connect(keys)
    const dies = async (point: string): Promise<void> => {
      if (point === 'registry.record-sealed') throw new Error('killed')
    }
    await expect(serve(broker, dies)).rejects.toThrow('killed')
    expect(await lastMessage(broker, streams.registry, mark)).toBeUndefined()
  }
  const broker = await connect(keys)
  await (await serve(broker)).close({ withinMs: 5000 })
  for (const subject of subjects) {
    const all = await readMessages(broker, streams.registry, subject)
    expect(all.map(({ header }) => header('Reins-Seal') !== '')).toEqual([false, true])
  }
  // A second start writes nothing, and what comes unsealed now is not believed.
  const { seq } = (await lastMessage(broker, streams.registry, 'reg.>'))!
  await (await serve(await connect(keys))).close({ withinMs: 5000 })
  expect((await lastMessage(broker, streams.registry, 'reg.>'))!.seq).toBe(seq)
  await broker.request(registrySubject('config', 'one'), JSON.stringify({ name: 'one', value: 'forged' }))
  const read = await readRegistry(await connect(keys), 'config', 'one')
  // A process that has not looked for the mark yet would believe it: each looks before it reads (watchRegistry, the registry's start).
  expect(read?.value).toMatchObject({ value: 'forged' })
  expect((await readRegistry(broker, 'config', 'one'))?.value).toEqual({ name: 'one', value: 'one' })
}, 60_000)

test('with a new key it seals everything anew, and not what was forged; without any key nothing is checked', async () => {
  const folder = path.join(keys, 'rotated')
  mkdirSync(folder)
  for (const name of ['registry.key', 'registry.pub']) cpSync(path.join(keys, name), path.join(folder, name))
  rotateRoleKeys(folder, ['registry'])
  const broker = await connect(folder)
  await (await serve(broker)).close({ withinMs: 5000 })
  expect((await readRegistry(broker, 'config', 'one'))?.value).toEqual({ name: 'one', value: 'one' })
  const last = await lastMessage(broker, streams.registry, registrySubject('config', 'one'))
  expect(broker.seals.isNewest('r', last!.header('Reins-Seal'))).toBe(true)
  const none = await servers.broker('no keys')
  expect((await readRegistry(none, 'config', 'two'))?.value).toEqual({ name: 'two', value: 'two' })
}, 60_000)
