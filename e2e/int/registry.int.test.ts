import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, callService, ensureTopology } from '@reins/broker'
import {
  type Agent,
  type PutAgentResult,
  type PutCondition,
  ReinsError,
  type Reply,
  type SessionStreams,
  serviceSubject,
  streams,
} from '@reins/contracts'
import { type RegistryView, watchRegistry } from '@reins/journal'
import { type RunningRegistry, start } from '@reins/registry'
import { systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

let servers: TestServers
let broker: Broker
let registry: RunningRegistry
let view: RegistryView
let sessionStreams: SessionStreams
let obstacle: ReinsError | undefined

const serve = (databaseUrl: string | undefined) =>
  start({
    broker,
    sessionStreams,
    databaseUrl,
    log: silentLog,
    clock: systemClock,
    metrics: new Metrics(),
    bootstrapTokens: [{ hash: 'a'.repeat(64), principal: 'admin', permissions: ['*'] }],
    knownProviders: ['scripted'],
    full: () => obstacle,
  })

const ask = <T>(verb: string, request: unknown): Promise<Reply<T>> =>
  callService<T>(broker, serviceSubject('registry', verb), request, 3000)
async function give<T>(verb: string, request: unknown): Promise<T> {
  const reply = await ask<T>(verb, request)
  if (!reply.ok) throw new Error(JSON.stringify(reply.error))
  return reply.value
}
async function refused(verb: string, request: unknown): Promise<string> {
  const reply = await ask<unknown>(verb, request)
  return reply.ok ? 'ok' : reply.error.code
}
const yaml = (name: string, prompt: string) => `name: ${name}\nmodel: scripted/demo\nsystem_prompt: ${prompt}\n`
const put = (name: string, prompt: string, condition: PutCondition = { kind: 'apply' }) =>
  give<PutAgentResult>('put', { name, source: { yaml: yaml(name, prompt) }, condition, by: 'tester' })

/** As the list shows it, which this registry answers only when what it wrote is in it. */
const listed = async (name: string): Promise<Agent | undefined> =>
  (await give<{ agents: Agent[] }>('list', { limit: 100 })).agents.find((agent) => agent.name === name)

beforeAll(async () => {
  servers = await testServers({ postgres: true })
  broker = await servers.broker('registry-test')
  sessionStreams = await ensureTopology(broker, { replicas: 1 })
  registry = await serve(servers.databaseUrl)
  view = await watchRegistry(broker, ['agent', 'token'], { withinMs: 60_000 })
})
afterAll(async () => {
  await view?.close()
  await registry?.close({ withinMs: 5000 })
  await servers?.close()
})

describe('an agent', () => {
  test('is neither written nor deleted while the disk is full, and can be listed', async () => {
    await put('early', 'one')
    obstacle = new ReinsError('storage_full', 'The disk is full.')
    const late = { name: 'late', source: { yaml: yaml('late', 'one') }, condition: { kind: 'apply' }, by: 't' }
    expect(await refused('put', late)).toBe('storage_full')
    expect(await refused('delete', { name: 'early', by: 't' })).toBe('storage_full')
    expect((await listed('early'))?.version).toBe(1)
    obstacle = undefined
    expect(await refused('put', late)).toBe('ok')
    expect(await refused('delete', { name: 'early', by: 't' })).toBe('ok')
  })

  test('is created, read, applied, updated and deleted, and its versions count up through it all', async () => {
    const created = await put('coder', 'one', { kind: 'create' })
    expect(created).toMatchObject({ outcome: 'created', agent: { name: 'coder', version: 1 } })
    expect(await listed('coder')).toEqual(created.agent)
    expect((await put('coder', 'one')).outcome).toBe('unchanged')
    expect(
      await refused('put', {
        name: 'coder',
        source: { yaml: yaml('coder', 'x') },
        condition: { kind: 'create' },
        by: 't',
      }),
    ).toBe('agent_exists')

    const updated = await put('coder', 'two', { kind: 'update', digest: created.agent.digest })
    expect(updated).toMatchObject({ outcome: 'updated', agent: { version: 2, createdAt: created.agent.createdAt } })
    const stale = { kind: 'update', digest: created.agent.digest }
    expect(
      await refused('put', { name: 'coder', source: { yaml: yaml('coder', 'x') }, condition: stale, by: 't' }),
    ).toBe('agent_changed')

    expect(await refused('delete', { name: 'coder', ifMatch: created.agent.digest, by: 't' })).toBe('agent_changed')
    expect(await give('delete', { name: 'coder', ifMatch: updated.agent.digest, by: 't' })).toEqual({ name: 'coder' })
    expect(await listed('coder')).toBeUndefined()
    expect(await refused('delete', { name: 'coder', by: 't' })).toBe('agent_not_found')

    expect(await put('coder', 'one')).toMatchObject({
      outcome: 'created',
      agent: { version: 3, digest: created.agent.digest },
    })
  })

  test('that many apply at once has one version for each content', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => put('busy', i % 2 ? 'odd' : 'even')))
    expect(results.filter(({ outcome }) => outcome === 'created')).toHaveLength(1)
    const made = results.filter(({ outcome }) => outcome !== 'unchanged').map(({ agent }) => agent)
    const versions = made.sort((a, b) => a.version - b.version)
    expect(versions.map(({ version }) => version)).toEqual(versions.map((_, i) => i + 1))
    for (const [i, { digest }] of versions.entries()) expect(digest).not.toBe(versions[i + 1]?.digest)
  })

  test('with problems is refused, with their places, and nothing is written', async () => {
    const before = view.seq
    const reply = await ask('put', {
      name: 'bad',
      source: { yaml: 'model: scripted/x\nfoo: 1\n' },
      condition: { kind: 'apply' },
      by: 't',
    })
    expect(reply).toMatchObject({
      ok: false,
      error: {
        code: 'invalid_agent',
        details: { problems: [{ path: 'system_prompt' }, { path: 'foo', line: 2, column: 1 }] },
      },
    })
    const other = { definition: { model: 'nobody/x', system_prompt: 'x' } }
    expect(await refused('put', { name: 'bad', source: other, condition: { kind: 'apply' }, by: 't' })).toBe(
      'model_not_found',
    )
    expect(await refused('put', { name: '..', source: other, condition: { kind: 'apply' }, by: 't' })).toBe(
      'invalid_agent',
    )
    expect(await refused('put', { name: 'bad', source: {}, condition: { kind: 'apply' }, by: 't' })).toBe(
      'invalid_request',
    )
    expect(await refused('list', { limit: 0 })).toBe('invalid_request')
    expect(await refused('list', { limit: 3, after: '!' })).toBe('invalid_request')
    const manager = await jetstreamManager(broker.nc)
    expect((await manager.streams.info(streams.registry)).state.last_seq).toBe(before)
  })

  test('is listed by name, page by page', async () => {
    for (const name of ['l-a', 'l-b', 'l-c']) await put(name, 'x')
    const names: string[] = []
    for (let after: string | undefined; ; ) {
      const page: { agents: Agent[]; next?: string } = await give('list', { limit: 2, ...(after ? { after } : {}) })
      expect(page.agents.length).toBeLessThanOrEqual(2)
      names.push(...page.agents.map(({ name }) => name))
      after = page.next
      if (!after) break
    }
    expect(names).toEqual([...names].sort())
    expect(names).toEqual(expect.arrayContaining(['coder', 'l-a', 'l-b', 'l-c']))
  })
})

describe('a view', () => {
  test('has passed what was just written when it is told to wait for it', async () => {
    const reply = await ask<PutAgentResult>('put', {
      name: 'seen',
      source: { yaml: yaml('seen', 'x') },
      condition: { kind: 'apply' },
      by: 't',
    })
    if (!reply.ok || reply.seq === undefined) throw new Error('no sequence')
    expect(await view.waitFor(reply.seq, 5000)).toBe(true)
    const entry = view.agent('seen')
    expect(entry?.digest).toBe(reply.value.agent.digest)
    expect((await view.version(reply.value.agent.digest))?.definition.system_prompt).toBe('x')
    expect(await view.version('0'.repeat(32))).toBeUndefined()
    expect(await view.agentFresh('nobody')).toBeUndefined()
    expect(await view.waitFor(reply.seq + 1000, 1)).toBe(false)
  })

  test('that starts later knows all that was there, and no deleted agent', async () => {
    await put('gone', 'x')
    await give('delete', { name: 'gone', by: 't' })
    const later = await watchRegistry(broker, ['agent', 'token'], { withinMs: 60_000 })
    expect(later.agent('seen')?.version).toBe(1)
    expect(later.agent('gone')).toBeUndefined()
    expect(await later.agentFresh('gone')).toBeUndefined()
    expect(later.token('a'.repeat(64))).toMatchObject({ principal: 'admin', permissions: ['*'] })
    await later.close()
  })

  test('goes on after the broker was killed, and asks the stream meanwhile', async () => {
    await servers.killNats()
    await servers.restartNats()
    const result = await eventually(async () => {
      const reply = await ask<PutAgentResult>('put', {
        name: 'after',
        source: { yaml: yaml('after', 'x') },
        condition: { kind: 'apply' },
        by: 't',
      })
      return reply.ok && reply
    })
    expect((await view.agentFresh('after'))?.version).toBe(1)
    expect(await view.waitFor(result.seq ?? 0, 20_000)).toBe(true)
    // What follows the stream into Postgres may still be waiting for the broker.
    const names = await eventually(async () => {
      const reply = await ask<{ agents: Agent[] }>('list', { limit: 100 })
      return reply.ok && reply.value.agents.map(({ name }) => name)
    })
    expect(names).toContain('after')
  })
})

describe('without Postgres', () => {
  test('lists say so, everything else works, and lists are whole again when it is back', async () => {
    await servers.killPostgres()
    // A process of Postgres that has a connection may outlive the killed one by a moment, and answer.
    await eventually(async () => (await refused('list', { limit: 10 })) === 'unavailable')
    expect(await put('meanwhile', 'x')).toMatchObject({ agent: { name: 'meanwhile' } })
    await servers.restartPostgres()
    const names = await eventually(async () => {
      const reply = await ask<{ agents: Agent[] }>('list', { limit: 100 })
      return reply.ok && reply.value.agents.map(({ name }) => name)
    })
    expect(names).toContain('meanwhile')
    expect(registry.health()).toEqual({ registry: 'ok', lists: 'ok' })
  })

  test('it starts, and lists say why they are not there', async () => {
    await registry.close({ withinMs: 5000 })
    registry = await serve(undefined)
    expect((await put('alone', 'x')).outcome).toBe('created')
    const reply = await ask('list', { limit: 10 })
    expect(reply).toMatchObject({
      ok: false,
      error: { code: 'unavailable', message: expect.stringContaining('no database is configured') },
    })
    await registry.close({ withinMs: 5000 })
    await servers.killPostgres()
    registry = await serve(servers.databaseUrl)
    expect((await put('alone', 'y')).outcome).toBe('updated')
    await servers.restartPostgres()
    await eventually(() => registry.health().lists === 'ok')
  })
})

test('a malformed record is passed over by the lists, and its sequence stays said', async () => {
  const { seq } = await jetstream(broker.nc).publish('reg.agent.broken', '{"name":3}')
  await eventually(() => registry.health().lists?.includes(`the record ${seq} of REG (reg.agent.broken) is malformed`))
  expect((await put('healthy', 'x')).outcome).toBe('created')
  expect(await listed('healthy')).toBeDefined()
  expect(await listed('broken')).toBeUndefined()
  await eventually(() => view.faults.some((fault) => fault.seq === seq))
  expect(view.agent('broken')).toBeUndefined()
})
