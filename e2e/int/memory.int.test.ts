import os from 'node:os'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type Broker, callService } from '@reins/broker'
import {
  type Address,
  type Draft,
  indexDurable,
  makeUlid,
  noUsage,
  type RebuildProgress,
  type Reply,
  type Role,
  type SessionEvent,
  type SessionInfo,
  type SessionList,
  type Status,
  serviceSubject,
  sessionSubject,
  streams,
  toExec,
  toLog,
} from '@reins/contracts'
import { type Journal, openJournal } from '@reins/journal'
import { type RunningMemory, start } from '@reins/memory'
import { SecretsRedactor } from '@reins/secrets'
import { systemClock } from '@reins/service'
import { Metrics, silentLog } from '@reins/telemetry'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type TestServers, testServers } from './servers.ts'

let servers: TestServers
let broker: Broker
let journal: Journal
let memory: RunningMemory
let noRoom: PromiseWithResolvers<void> | undefined

const serve = (databaseUrl: string | undefined, framesHere?: Journal['framesHere']) =>
  start({
    ...(framesHere ? { framesHere } : {}),
    broker,
    sessions: journal.sessions,
    streams: journal.streams,
    timers: journal.timers,
    databaseUrl,
    ackWaitMs: 5000,
    files: path.join(os.tmpdir(), 'reins-no-memories'),
    redactor: new SecretsRedactor([]),
    clock: systemClock,
    log: silentLog,
    metrics: new Metrics(),
    instance: 'memory-1',
    room: () => noRoom?.promise,
  })

beforeAll(async () => {
  servers = await testServers({ postgres: true })
  broker = await servers.broker('memory-test')
  journal = await openJournal(broker, { replicas: 1, ackWaitMs: 1000, now: systemClock.now })
  memory = await serve(servers.databaseUrl)
})
afterAll(async () => {
  await memory?.close({ withinMs: 5000 })
  await servers?.close()
})

const ask = <T>(verb: string, request: unknown): Promise<Reply<T>> =>
  callService<T>(broker, serviceSubject('memory', verb), request, 3000)
const list = async (request: object): Promise<SessionList> => {
  const reply = await ask<SessionList>('sessions.list', { limit: 100, ...request })
  if (!reply.ok) throw new Error(JSON.stringify(reply.error))
  return reply.value
}
const info = (id: string, is: (session: SessionInfo) => boolean = () => true): Promise<SessionInfo> =>
  eventually(async () => {
    const reply = await ask<SessionList>('sessions.list', { limit: 1000 })
    const found = reply.ok ? reply.value.sessions.find((session) => session.id === id) : undefined
    return found && is(found) && found
  })
const codeOf = async (verb: string, request: unknown): Promise<string> => {
  const reply = await ask<unknown>(verb, request)
  return reply.ok ? 'ok' : reply.error.code
}

let made = 0
const newSession = (): string => makeUlid(1_700_000_000_000 + made++, Math.random)

/** Appends one frame at the head; `at` says when. */
async function append(
  session: string,
  events: SessionEvent[],
  {
    status = 'idle',
    role = 'e',
    to = toLog,
    at = 1000,
    by = journal,
  }: { status?: Status; role?: Role; to?: Address; at?: number; by?: Journal } = {},
): Promise<void> {
  const head = await by.sessions.head(session)
  const draft: Draft = {
    id: `f-${session}-${head.n}`,
    n: head.n + 1,
    prev: head.seq,
    at,
    by: 'test',
    role,
    needs: 1,
    status,
    pool: 'default',
    events,
  }
  const outcome = await by.sessions.append(session, draft, to, head.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
}
const started = (agent: string): SessionEvent => ({
  type: 'session.started',
  data: {
    agent,
    digest: 'd1',
    model: 'scripted/demo',
    pools: { executor: 'default', tools: 'default' },
    limits: { maxToolCalls: 10 },
    tools: {},
  },
})
const message = (text: string): SessionEvent => ({
  type: 'message.received',
  data: { message: 'm1', content: [{ type: 'text', text }], onBusy: 'queue' },
})
const answered: SessionEvent = {
  type: 'model-call.completed',
  data: { call: 'c', attempt: 1, content: [], usage: { ...noUsage, inputTokens: 3, outputTokens: 2 }, finish: 'stop' },
}

describe('the session index', () => {
  test('stands still while the disk has no room, shows what it has, and goes on with room', async () => {
    const [before, after] = [newSession(), newSession()]
    await append(before, [started('before')], { role: 'g' })
    await info(before)
    noRoom = Promise.withResolvers()
    await append(after, [started('after')], { role: 'g' })
    await append(before, [{ type: 'session.renamed', data: { title: 'Later' } }], { role: 'g' })
    // One batch may have been on its way; what is listed is listed all the while.
    expect((await list({ agent: 'before' })).sessions.map(({ id }) => id)).toEqual([before])
    noRoom.resolve()
    noRoom = undefined
    await info(after)
    await info(before, ({ title }) => title === 'Later')
  })

  test('shows a session as its frames say', async () => {
    const id = newSession()
    await append(id, [started('shown'), message('Hello there')], { role: 'g', at: 5000 })
    await append(id, [{ type: 'turn.started', data: { turn: 't', messages: ['m1'] } }], { status: 'running', at: 5001 })
    await append(id, [answered], { at: 5002 })
    expect(await info(id, ({ usage }) => usage.outputTokens > 0)).toEqual({
      id,
      agent: 'shown',
      digest: 'd1',
      status: 'idle',
      title: 'Hello there',
      model: 'scripted/demo',
      turns: 1,
      usage: { ...noUsage, inputTokens: 3, outputTokens: 2 },
      createdAt: 5000,
      lastActivityAt: 5002,
    })
  })

  test('lists by newest activity, page by page, filtered by agent and status', async () => {
    const ids = Array.from({ length: 5 }, newSession)
    for (const [i, id] of ids.entries())
      await append(id, [started('pager')], {
        role: 'g',
        at: 9000 + Math.floor(i / 2),
        status: i === 1 ? 'ended' : 'idle',
      })
    await info(ids[4] ?? '')
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page: SessionList = await list({ agent: 'pager', limit: 2, ...(after ? { after } : {}) })
      expect(page.sessions.length).toBeLessThanOrEqual(2)
      seen.push(...page.sessions.map(({ id }) => id))
      after = page.next
      if (!after) break
    }
    expect(seen).toEqual([...ids].reverse())
    expect((await list({ agent: 'pager', status: 'ended' })).sessions.map(({ id }) => id)).toEqual([ids[1]])
    expect(await codeOf('sessions.list', { limit: 5, after: 'nonsense' })).toBe('invalid_request')
    expect(await codeOf('sessions.list', { limit: 5, status: 'tired' })).toBe('invalid_request')
    expect(await codeOf('sessions.list', { limit: 0 })).toBe('invalid_request')
    expect(await codeOf('sessions.list', { limit: 5, colour: 'red' })).toBe('invalid_request')
  })

  test('shows a session with a frame that is none as quarantined, and goes on with the others', async () => {
    const [broken, healthy] = [newSession(), newSession()]
    await append(broken, [started('broken')], { role: 'g' })
    await jetstream(broker.nc).publish(sessionSubject(broken, 'e', toLog), 'no frame at all')
    await jetstream(broker.nc).publish('ses.0.not.a.session', 'nor this')
    await append(healthy, [started('healthy')], { role: 'g' })
    await info(healthy)
    expect((await info(broken)).status).toBe('quarantined')
    expect(memory.health().index).toBe('ok')
  })

  test('is the same while it is rebuilt, and after it', async () => {
    const before = await list({})
    const manager = await jetstreamManager(broker.nc)
    const infos = await Promise.all(journal.streams.names.map((name) => manager.streams.info(name)))
    const frames = infos.reduce((sum, { state }) => sum + state.messages, 0)
    const lists: SessionList[] = []
    const [first, second] = await Promise.all([ask('rebuild', {}), ask('rebuild', {})])
    expect([first, second]).toMatchObject([{ value: { kind: 'running' } }, { value: { kind: 'running' } }])
    const done = await eventually(async () => {
      lists.push(await list({}))
      const reply = await ask<RebuildProgress>('rebuild.progress', {})
      return reply.ok && reply.value.kind === 'done' && reply.value
    })
    expect(done.frames).toBe(frames)
    for (const shown of [...lists, await list({})]) expect(shown).toEqual(before)
  })

  test('is whole again after its tables were emptied behind its back, and its durable deleted', async () => {
    const before = await list({})
    await memory.close({ withinMs: 5000 })
    const client = new pg.Client({ connectionString: servers.databaseUrl })
    await client.connect()
    await client.query('truncate sessions, session_index_checkpoint')
    await client.end()
    memory = await serve(servers.databaseUrl)
    await eventually(() => memory.health().index === 'ok')
    expect(await list({})).toEqual(before)

    const id = newSession()
    await (await jetstreamManager(broker.nc)).consumers.delete(journal.streams.of(id), indexDurable)
    await append(id, [started('later')], { role: 'g' })
    expect((await info(id)).agent).toBe('later')
  })

  test('hears what this process appends without a durable, and finds what others append all the same', async () => {
    const before = await list({})
    await memory.close({ withinMs: 5000 })
    memory = await serve(servers.databaseUrl, journal.framesHere)
    await eventually(() => memory.health().index === 'ok')
    expect(await list({})).toEqual(before)
    const manager = await jetstreamManager(broker.nc)
    for (const stream of journal.streams.names)
      await expect(manager.consumers.info(stream, indexDurable)).rejects.toThrow('consumer not found')

    const elsewhere = await openJournal(await servers.broker('elsewhere'), {
      ...{ replicas: 1, ackWaitMs: 1000, now: systemClock.now },
    })
    const [theirs, ours, theirLast] = [newSession(), newSession(), newSession()]
    await append(theirs, [started('theirs')], { role: 'g', by: elsewhere })
    await append(ours, [started('ours')], { role: 'g' })
    await append(ours, [{ type: 'session.ended', data: { reason: 'heard' } }], { status: 'ended' })
    await append(theirLast, [started('theirs at last')], { role: 'g', by: elsewhere })
    expect(await info(ours, ({ status }) => status === 'ended')).toMatchObject({ agent: 'ours' })
    expect([(await info(theirs)).agent, (await info(theirLast)).agent]).toEqual(['theirs', 'theirs at last'])
    const rows = await list({})

    await memory.close({ withinMs: 5000 })
    memory = await serve(servers.databaseUrl)
    await eventually(() => memory.health().index === 'ok')
    expect(await list({})).toEqual(rows)
  })

  test('reads again what a crash took from its tables, with the next frame and without a further one', async () => {
    const lost = newSession()
    // In the same stream: its next frame is what shows the gap.
    let next = newSession()
    while (journal.streams.of(next) !== journal.streams.of(lost)) next = newSession()
    await append(lost, [started('lost')], { role: 'g' })
    await info(lost)
    const client = new pg.Client({ connectionString: servers.databaseUrl })
    await client.connect()
    await client.query('delete from sessions where id = $1', [lost])
    const { rows } = await client.query('select places from session_index_checkpoint')
    // Of several streams each has a place; of one, the sequence says it all.
    const places: string[] | undefined = rows[0].places?.split('.')
    const before = places?.map((place, at) => (at === journal.streams.indexOf(lost) ? Number(place) - 1 : place))
    await client.query('update session_index_checkpoint set seq = seq - 1, places = $1', [before?.join('.') ?? null])
    await client.end()
    await append(next, [started('next')], { role: 'g' })
    expect([(await info(next)).agent, (await info(lost)).agent]).toEqual(['next', 'lost'])
  })

  test('misses nothing while Postgres is killed and comes back, and says so meanwhile', async () => {
    const id = newSession()
    await append(id, [started('survivor')], { role: 'g' })
    await info(id)
    await servers.killPostgres()
    // A process of Postgres that has a connection may outlive the killed one by a moment, and answer.
    await eventually(async () => (await codeOf('sessions.list', { limit: 5 })) === 'unavailable')
    for (let i = 0; i < 20; i++) await append(id, [answered], { at: 2000 + i })
    await eventually(() => memory.health().index === 'Postgres does not answer')
    expect(await codeOf('rebuild', {})).toBe('unavailable')
    await servers.restartPostgres()
    expect((await info(id, ({ usage }) => usage.outputTokens === 40)).usage.inputTokens).toBe(60)
    await expect
      .poll(() => memory.health(), { timeout: 60_000 })
      .toEqual({ timers: 'ok', webhooks: 'ok', index: 'ok', memories: 'ok' })
  })

  test('counts each frame once with two memories at work, over kills of Postgres and the broker', async () => {
    const second = await serve(servers.databaseUrl)
    const ids = Array.from({ length: 20 }, newSession)
    for (const id of ids) await append(id, [started('pair')], { role: 'g' })
    const load = Promise.all(
      ids.map(async (id) => {
        for (let i = 0; i < 30; i++) await append(id, [answered])
      }),
    )
    await servers.killPostgres()
    await servers.restartPostgres()
    await servers.killNats()
    await servers.restartNats()
    await load
    for (const id of ids) await info(id, ({ usage }) => usage.outputTokens >= 60)
    const { sessions } = await list({ agent: 'pair' })
    expect(sessions.map(({ usage }) => usage.inputTokens)).toEqual(ids.map(() => 90))
    await second.close({ withinMs: 5000 })
  })

  test('misses nothing while the broker is killed and comes back', async () => {
    const id = newSession()
    await append(id, [started('broker')], { role: 'g' })
    await servers.killNats()
    await servers.restartNats()
    for (let i = 0; i < 10; i++) await append(id, [answered])
    expect((await info(id, ({ usage }) => usage.outputTokens === 20)).agent).toBe('broker')
  })
})

describe('a timer', () => {
  test('that fires wakes its session, also without Postgres', async () => {
    await memory.close({ withinMs: 5000 })
    memory = await serve(undefined)
    expect(await codeOf('sessions.list', { limit: 5 })).toBe('unavailable')
    const id = newSession()
    await append(id, [started('timed'), { type: 'timer.armed', data: { timer: 't1', at: 1 } }], {
      status: 'waiting',
      to: toExec('default'),
    })
    await journal.timers.arm(id, 't1', systemClock.now())
    const fired = await eventually(async () => (await journal.sessions.read(id)).find(({ role }) => role === 'm'))
    expect(fired).toMatchObject({
      by: 'memory-1',
      status: 'waiting',
      events: [{ type: 'timer.fired', data: { timer: 't1' } }],
    })
    expect((await journal.sessions.head(id)).status).toBe('waiting')
  })

  test('of no session is done with', async () => {
    await journal.timers.arm(newSession(), 't1', systemClock.now())
    const manager = await jetstreamManager(broker.nc)
    await eventually(async () => {
      const consumer = await manager.consumers.info(streams.timers, 'fired')
      return consumer.delivered.consumer_seq >= 2 && consumer.num_ack_pending === 0 && consumer.num_pending === 0
    })
  })
})
