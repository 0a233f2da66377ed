// A cluster of three as a service's own user meets it: who waits for the answer of a stream hears that it has a new leader.
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { type Broker, connectBroker } from '@reins/broker'
import { findNatsServer, natsUsers } from '@reins/local'
import { openJournal } from '@reins/journal'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { type NatsCluster, nodeName, startCluster } from '../harness/nats-cluster.ts'
import { searchPath } from './config.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'reins-elections-'))
let cluster: NatsCluster
let operator: Broker
let executor: Broker

beforeAll(async () => {
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(homedir(), '.cache', 'reins'),
    searchPath,
    log: () => {},
  })
  const users = natsUsers(folder)
  cluster = await startCluster(folder, { binary, users, durability: 'interval' })
  const as = (name: string) => {
    const { user, password = '' } = users.find((one) => one.user === name) ?? { user: name }
    const url = `nats://${user}:${encodeURIComponent(password)}@${cluster.ports.map((port) => `127.0.0.1:${port}`).join(',')}`
    return connectBroker({ url, name: 'elections', cluster: true })
  }
  operator = await as('reins')
  executor = await as('executor')
  await openJournal(operator, { replicas: 3, ackWaitMs: 5000, now: Date.now })
})
afterAll(async () => {
  await operator?.close()
  await executor?.close()
  await cluster?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('a new leader is heard of, and ends the wait of who asks its stream again, and of nobody else', async () => {
  const manager = await jetstreamManager(operator.nc, { checkAPI: false })
  const leader = async () => (await manager.streams.info('SES')).cluster?.leader
  // The stream was only just made.
  const before = await eventually(async () => (await leader().catch(() => undefined)) || undefined)
  const node = [0, 1, 2].find((one) => nodeName(one) === before)
  expect(node).toBeDefined()
  const heard: string[] = []
  executor.onElected((stream, durable) => void heard.push(durable === undefined ? stream : `${stream} ${durable}`))
  // Heard by somebody who never answers: only an election, or the time, ends the wait.
  let arrived = Promise.withResolvers<void>()
  operator.nc.subscribe('ctl.silent', { callback: () => arrived.resolve() })
  const forEver = { withinMs: 110_000 }
  // Each node has to hear first that somebody listens; until then it says that nobody does.
  const { asked } = await eventually(async () => {
    arrived = Promise.withResolvers()
    const asked = executor.request('ctl.silent', '', { ...forEver, repeatedTo: 'SES' })
    return (await Promise.race([asked, arrived.promise])) === undefined && { asked }
  })
  let others = 'waits'
  void executor.request('ctl.silent', '', { ...forEver, repeatedTo: 'TIM-not' }).then(() => (others = 'ended'))
  await executor.nc.flush() // asked while whoever listens is there
  await cluster.kill(node ?? 0)
  expect(await asked).toEqual({ kind: 'timed-out' })
  expect(heard).toContain('SES')
  expect(others).toBe('waits')
  await eventually(async () => ((await leader().catch(() => before)) ?? before) !== before)
})
