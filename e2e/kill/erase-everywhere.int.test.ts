// What else keeps something of a session, besides its frames: each holds a word when the session is erased, and none does afterwards.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connectBroker, makeHeaders, storeObject } from '@reins/broker'
import {
  archivistUser,
  liveTreeFilter,
  objectStores,
  olderWebhookJobSubject,
  type SessionInfo,
  webhookTimerSubject,
} from '@reins/contracts'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { filesWith } from '../harness/files-with.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { splitStreams } from '../harness/split-command.ts'
import { World } from '../harness/world.ts'

const deadline = 300_000
const word = 'cockatoo-of-the-secret-2718'
let world: World
let services: readonly ServiceProcess[]

const environment = (after: string): Record<string, string> => ({
  REINS_ARCHIVE_AFTER: after,
  REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
  REINS_ALLOW_PRIVATE_WEBHOOKS: '1',
})

beforeAll(async () => {
  world = await World.open()
  const registry = await world.start('registry', { environment: environment('1h') })
  const others = (['session-gateway', 'tool-runner', 'executor'] as const).map((name) => world.start(name))
  services = [registry, ...(await Promise.all(others))]
  await world.agent('telling')
  await world.agent('asking', { tools: [{ shell: { approval: 'always' } }] as never })
}, deadline)
afterAll(() => world?.close(), deadline)

const startMemory = async (after: string): Promise<ServiceProcess> => {
  const memory = await world.start('memory', { environment: environment(after) })
  onTestFinished(async () => void (await memory.kill()))
  return memory
}
const infoOf = async (session: string): Promise<SessionInfo> =>
  (await world.api.once<SessionInfo>('GET', `/v1/sessions/${session}`)).body

async function end(session: string): Promise<void> {
  await world.api.control(session, 'end')
  await eventually(async () => (await infoOf(session)).status === 'ended')
}
async function erase(session: string): Promise<void> {
  await eventually(async () => (await world.api.once('DELETE', `/v1/sessions/${session}`)).status === 202)
  await eventually(async () => (await infoOf(session)).erased?.completed === true, {
    withinMs: 90_000,
    describe: () => `${session} is erased`,
  })
}
const stored = (): readonly string[] => filesWith(path.join(world.servers.folder, 'nats'), word)
/** Deltas of answers lie in the broker's memory. */
async function liveOf(session: string): Promise<readonly string[]> {
  const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
  const { state } = await manager.streams.info('LIVE', { subjects_filter: liveTreeFilter(session) })
  return Object.keys(state.subjects ?? {})
}
const png = (size: number): string =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(`${word}-`.repeat(size))]).toString('base64')

test(
  'images, kept outputs, keys of requests, answers that stream, the list, approvals, webhooks that wait, and logs',
  async () => {
    // A receiver that hangs: its delivery is under way when the session is erased, and fails afterwards.
    const hanging: ServerResponse[] = []
    const told: string[] = []
    const receiver = createServer((request, response) => {
      request.resume()
      hanging.push(response)
      told.push(String(request.headers['webhook-id']))
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void receiver.closeAllConnections())
    onTestFinished(() => void receiver.close())
    await eventually(() => receiver.listening)
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
    const memory = await startMemory('1h')
    const on = ['message.received', 'turn.completed']
    const made = await world.api.once<{ webhook: { id: string } }>('POST', '/v1/webhooks', { url, on })
    expect(made.status).toBe(201)
    onTestFinished(async () => void (await world.api.once('DELETE', `/v1/webhooks/${made.body.webhook.id}`)))

    const images = [1, 20_000].map((size) => ({ type: 'image', mimeType: 'image/png', data: png(size) }))
    const begin = { agent: 'telling', message: `say ${word}`, title: word, images }
    const { body } = await world.api.stubborn<{ session: SessionInfo }>('POST', '/v1/sessions', begin, { key: word })
    const session = body.session.id
    await world.settled(session)
    await world.api.turn(session, `!shell yes ${word} | head -c 300000`)
    await world.settled(session)
    const follower = world.follow(session, 0)
    await world.api.send(session, 'stream 400 every 50')
    await follower.seesText()
    await world.api.control(session, 'cancel')
    await world.settled(session)
    const asked = (await world.api.create('asking', `!shell echo ${word}`)).session.id
    const waits = async () => (await infoOf(asked)).waiting?.[0]?.for === 'approval'
    await eventually(waits, { describe: () => 'a call waits for a person' })
    await eventually(() => hanging.length > 0, { describe: () => 'a delivery is under way' })
    for (const one of [session, asked]) await end(one)

    // What a process leaves that died while it kept an output, and a memory that died while it rebuilt the list; and what PostgreSQL samples.
    async function* cut(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${word} of an output that is cut off`)
      throw new Error('the process died')
    }
    const part = { name: `${session}/cut`, owner: session, mtime: 1 }
    await expect(storeObject(world.broker, objectStores.outputs, part, cut())).rejects.toThrow('the process died')
    const db = new pg.Client({ connectionString: world.servers.databaseUrl })
    await db.connect()
    onTestFinished(() => db.end())
    for (const table of ['sessions', 'approvals']) {
      await eventually(async () => ((await db.query(`select 1 from ${table}`)).rowCount ?? 0) > 0)
      await db.query(`insert into ${table}_rebuilt select * from ${table}`)
    }
    await db.query('analyze')
    const rebuilt = async () =>
      JSON.stringify((await db.query('select * from sessions_rebuilt full join approvals_rebuilt on false')).rows)
    expect(await rebuilt()).toContain(word)
    expect(await liveOf(session)).not.toEqual([])
    const before = stored()
    for (const kept of ['SES', 'reins-blobs']) expect(before.join()).toContain(kept)
    // What waits for webhooks says where it stands, and nothing of it.
    for (const none of ['TIM', 'HOOKS']) expect(before.join()).not.toContain(none)
    for (const one of [session, asked]) await erase(one)
    expect(stored()).toEqual([])
    expect(await liveOf(session)).toEqual([])
    follower.cut()
    await eventually(() => follower.problems.some((problem) => problem.includes('session_erased')), {
      describe: () => 'whoever follows it is told so',
    })
    follower.close()
    for (const rest of ['/events', '/state'])
      expect((await world.api.once('GET', `/v1/sessions/${session}${rest}`)).status).toBe(410)
    const again = await world.api.once('POST', '/v1/sessions', begin, { key: word })
    expect(JSON.stringify(again.body)).not.toContain(word)

    const failed = 'a webhook was not delivered'
    for (const response of hanging) response.writeHead(500).end()
    await eventually(() => memory.log().some((line) => line.includes(failed)), { describe: () => 'a delivery fails' })
    await eventually(async () => {
      const { body: kept } = await world.api.once<{ deliveries: unknown[] }>('GET', '/v1/webhook-deliveries')
      return kept.deliveries.length >= new Set(told).size
    })
    expect(stored()).toEqual([])

    expect(await rebuilt()).not.toContain(word)
    for (const statement of ['vacuum full', 'checkpoint']) await db.query(statement)
    const wal = `${path.sep}pg_wal${path.sep}`
    const { folder } = world.servers
    expect(filesWith(path.join(folder, 'postgres'), word, (file) => file.includes(wal))).toEqual([])
    expect(filesWith(path.join(folder, 'data'), word)).toEqual([])
    for (const service of [...services, memory]) expect(service.log().join('\n')).not.toContain(word)
  },
  deadline,
)

interface Told {
  readonly id: string
  readonly body: string
}
interface Listed {
  readonly id: string
  readonly session?: string
  readonly last: { readonly attempt: number; readonly outcome: string; readonly error?: string }
}

test(
  'a delivery that was put off, memory killed behind it, and what an older memory has put off: erased, and nobody is told any more',
  async () => {
    const told: Told[] = []
    const receiver = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      told.push({ id: String(request.headers['webhook-id']), body })
      response.writeHead(500).end()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void receiver.close())
    await eventually(() => receiver.listening)
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
    const point = 'memory.webhook-put-off'
    const first = await world.start('memory', { environment: environment('1h'), pauseAt: point })
    onTestFinished(async () => void (await first.kill()))
    const made = await world.api.once<{ webhook: { id: string } }>('POST', '/v1/webhooks', {
      url,
      on: ['message.received'],
    })
    const webhook = made.body.webhook.id
    onTestFinished(async () => void (await world.api.once('DELETE', `/v1/webhooks/${webhook}`)))
    const listed = async (): Promise<readonly Listed[]> =>
      (await world.api.once<{ deliveries: Listed[] }>('GET', `/v1/webhook-deliveries?webhook=${webhook}`)).body
        .deliveries

    const session = (await world.api.create('telling', `say ${word}`)).session.id
    await world.settled(session)
    await first.paused()
    expect(told).toHaveLength(1)
    await first.kill()
    await startMemory('1h')
    await eventually(async () => told.length > 1 && (await listed()).length === 1, {
      describe: () => `it is sent again: ${JSON.stringify(told)}`,
    })
    expect(told[0]?.body).toContain(word)
    expect(new Set(told.map(({ id, body }) => `${id} ${body}`)).size).toBe(1)
    const files = stored().join()
    expect(files).toContain('SES')
    expect(files).not.toContain('TIM')

    // As an older memory stores it: due, and put off for long.
    const [{ id, body } = { id: '', body: '' }] = told
    const { n, i } = JSON.parse(body).data as { n: number; i: number }
    const older = (as: string) =>
      JSON.stringify({ ...{ id: as, webhook, type: 'message.received', session, n, i, attempt: 1, body } })
    const memory = await connectBroker({ url: world.servers.natsUrl('memory'), name: 'an older memory' })
    onTestFinished(() => memory.close())
    const put = (subject: string, as: string, said: Readonly<Record<string, string>>) =>
      jetstream(memory.nc).publish(subject, older(as), { headers: makeHeaders(Object.entries(said)) })
    await put(olderWebhookJobSubject(webhook, 'older'), 'older', { 'Nats-TTL': '168h' })
    await put(webhookTimerSubject(webhook, 'late'), 'late', {
      'Nats-Schedule': `@at ${new Date(Date.now() + 3_600_000).toISOString()}`,
      'Nats-Schedule-Target': olderWebhookJobSubject(webhook, 'late'),
      'Nats-Schedule-TTL': '168h',
    })
    await eventually(() => told.filter((one) => one.id === 'older').length > 1, {
      describe: () => 'what an older memory has stored is sent, put off, and sent again',
    })
    expect(new Set(told.map((one) => one.body))).toEqual(new Set([body]))
    expect(stored().join()).toContain('TIM')

    await end(session)
    await erase(session)
    expect(stored()).toEqual([])
    const ended = (last: Listed['last']) =>
      last.outcome === 'given-up' && last.error?.includes('the session was erased')
    await eventually(async () => (await listed()).every(({ last }) => ended(last)), {
      withinMs: 120_000,
      describe: () => 'deliveries end with a word',
    })
    expect((await listed()).map((one) => one.id).sort()).toEqual([id, 'older'].sort())
    expect(stored()).toEqual([])
  },
  deadline,
)

test(
  'a split that was begun and never ended: what is erased is erased in its copies too, and stays so when it is ended',
  async () => {
    const quick = await startMemory('1s')
    const begun = async (): Promise<string> => {
      const { id } = (await world.api.create('telling', `say ${word}`)).session
      await world.settled(id)
      await end(id)
      return id
    }
    const archived = await begun()
    const isArchived = async () =>
      (await world.readLog(archived)).some(({ frame }) => frame.events.some(({ type }) => type === 'session.archived'))
    await eventually(isArchived, { withinMs: 90_000, describe: () => 'a session lies in the archive' })
    await quick.kill()
    await startMemory('1h')
    const fresh = await begun()
    const bystander = (await world.api.create('telling', 'say nothing special')).session.id
    await world.settled(bystander)
    await splitStreams(world, { killedAt: 'mirrored' })
    await eventually(() => stored().some((file) => /SES-\d/.test(file)), { describe: () => 'the copies have the word' })

    // The copies do not answer for the stream.
    const whole = (await world.readLog(bystander)).length
    for (let read = 0; read < 40; read++)
      expect(
        (await world.api.once<{ frames: unknown[] }>('GET', `/v1/sessions/${bystander}/frames`)).body.frames,
      ).toHaveLength(whole)
    for (const session of [archived, fresh]) await erase(session)
    expect(stored()).toEqual([])
    const before = await world.readLog(bystander)
    expect((await splitStreams(world))?.said).toMatchObject({ kind: 'split' })
    expect(stored()).toEqual([])
    for (const session of [archived, fresh]) expect((await infoOf(session)).erased?.completed).toBe(true)
    await world.api.stubborn('POST', `/v1/sessions/${bystander}/messages`, { content: 'say more' }, { key: 'more' })
    expect((await world.settled(bystander)).length).toBeGreaterThan(before.length)
  },
  deadline,
)
