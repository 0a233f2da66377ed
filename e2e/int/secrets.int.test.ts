import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { type Broker, callService, connectBroker, ensureTopology } from '@reins/broker'
import {
  type PutAgentResult,
  type Reply,
  type ResolvedSecrets,
  type ServiceName,
  serviceNames,
  serviceSubject,
} from '@reins/contracts'
import { findNatsServer, natsUsers, startNats } from '@reins/local'
import { start } from '@reins/registry'
import { keyFile, makeRecipient } from '@reins/secrets'
import { systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchPath } from './config.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'reins-secrets-'))
const brokers = new Map<ServiceName, Broker>()
const closing: (() => Promise<unknown>)[] = []
const value = 'ghp_0123456789abcdefghij'
let digest = ''

const as = (service: ServiceName): Broker => {
  const broker = brokers.get(service)
  if (!broker) throw new Error(`${service} is not connected`)
  return broker
}
const ask = <T>(service: ServiceName, verb: string, request: unknown, withinMs = 5000): Promise<Reply<T>> =>
  callService<T>(as(service), serviceSubject('registry', verb), request, withinMs)

beforeAll(async () => {
  const { path: binary } = await findNatsServer({
    cacheDir: path.join(homedir(), '.cache', 'reins'),
    searchPath,
    log: () => {},
  })
  const users = natsUsers(folder)
  const nats = await startNats({ binary, dataDir: path.join(folder, 'nats'), durability: 'interval', users })
  closing.push(() => nats.close())
  for (const name of serviceNames) {
    const user = users.find((one) => one.user === name)
    if (!user) throw new Error(`there is no user ${name}`)
    const url = nats.url.replace('nats://', `nats://${user.user}:${encodeURIComponent(user.password)}@`)
    brokers.set(name, await connectBroker({ url, name }))
  }
  const sessionStreams = await ensureTopology(as('registry'), { replicas: 1 })
  const registry = await start({
    sessionStreams,
    ...{ broker: as('registry'), databaseUrl: undefined, log: silentLog, clock: systemClock, metrics: new Metrics() },
    ...{ bootstrapTokens: [], knownProviders: ['scripted'] },
    secrets: { keys: keyFile(path.join(folder, 'secrets.key'), randomBytes), random: randomBytes },
  })
  closing.unshift(
    () => registry.close({ withinMs: 5000 }),
    () => Promise.all([...brokers.values()].map((broker) => broker.close())),
  )
  const set = await ask('session-gateway', 'secrets.put', { name: 'TOKEN', value, by: 'user:ann' })
  expect(set).toMatchObject({ ok: true, value: { outcome: 'created', secret: { name: 'TOKEN', by: 'user:ann' } } })
  const put = await ask<PutAgentResult>('session-gateway', 'put', {
    ...{ name: 'coder', condition: { kind: 'apply' }, by: 'user:ann' },
    source: { definition: { model: 'scripted/assistant', system_prompt: 'secret:TOKEN' } },
  })
  if (!put.ok) throw new Error(put.error.message)
  digest = put.value.agent.digest
})
afterAll(async () => {
  for (const close of closing) await close()
  rmSync(folder, { recursive: true, force: true })
})

test('a tool-runner gets a secret, sealed for it alone; nobody else hears even the sealed answer', async () => {
  const heard: string[] = []
  for (const service of ['executor', 'session-gateway', 'memory'] as const) {
    as(service).nc.subscribe('_INBOX.>', {
      callback: (error, msg) => void (error === null && heard.push(msg.string())),
    })
    await as(service).nc.flush()
  }
  const recipient = makeRecipient()
  const reply = await ask<ResolvedSecrets>('tool-runner', 'secrets.resolve', {
    names: ['TOKEN'],
    ...{ digest, to: recipient.key },
  })
  if (!reply.ok) throw new Error(reply.error.message)
  expect(JSON.parse(recipient.open(reply.value.values) ?? '')).toEqual({ TOKEN: value })
  expect(JSON.stringify(reply)).not.toContain(value)
  // What they would have heard of it came before the answers to these.
  for (const service of ['executor', 'session-gateway', 'memory'] as const) await as(service).nc.flush()
  expect(heard).toEqual([])
})

/** The first runs tools, the second opens the databases that definitions name for memories, the third masks what models say. */
const mayAsk: readonly string[] = ['tool-runner', 'memory', 'executor']

test.each(serviceNames.filter((name) => !mayAsk.includes(name)))('%s may not even ask for one', async (service) => {
  const request = { names: ['TOKEN'], digest, to: makeRecipient().key }
  // The broker drops what its user may not say, so that nobody answers.
  expect(await ask(service, 'secrets.resolve', request, 500)).toMatchObject({
    ok: false,
    error: { code: 'unavailable' },
  })
})

test('what is written to the stream, to the key file beside it, and listed holds no value', async () => {
  const list = await ask('session-gateway', 'secrets.list', { limit: 10 })
  expect(JSON.stringify(list)).toContain('TOKEN')
  expect(JSON.stringify(list)).not.toContain(value)
  const config = await ask('session-gateway', 'configs.put', { name: 'logging.level', value: 'debug', by: 'user:ann' })
  expect(config).toMatchObject({ ok: true, value: { outcome: 'created', config: { value: 'debug' } } })
  expect(await ask('session-gateway', 'configs.get', { name: 'logging.level' })).toMatchObject({
    value: { name: 'logging.level', value: 'debug' },
  })
  expect(await ask('session-gateway', 'configs.delete', { name: 'logging.level', by: 't' })).toMatchObject({ ok: true })
  expect(await ask('session-gateway', 'configs.get', { name: 'logging.level' })).toMatchObject({
    error: { code: 'config_not_found' },
  })
})
