// The one stream of sessions of a cluster is split over four while services work, and sessions at rest lie in the archive: what was begun
// before goes on, who followed misses nothing, and everything that reads all sessions reads them as before.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { callService, connectBroker, findSessionStreams } from '@reins/broker'
import {
  archivistUser,
  backupUser,
  type RebuildProgress,
  type SessionInfo,
  serviceSubject,
  sessionFilter,
  sessionStreamsOf,
} from '@reins/contracts'
import { openJournal } from '@reins/journal'
import { findNatsServer, startNats } from '@reins/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { framesOf, rested } from '../harness/api-frames.ts'
import { home, searchPath } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { differences } from '../harness/follower.ts'
import { runReins, splitStreams } from '../harness/split-command.ts'
import { World } from '../harness/world.ts'

const deadline = 900_000
const maxPayloadBytes = 8 * 1024 * 1024
let world: World
let hooks: Server
/** Sessions whose turns a webhook told. */
const told: string[] = []
let folder: string

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'reins-split-')))
  world = await World.open({ nodes: 3 })
  const environment = {
    ...{ REINS_ARCHIVE_AFTER: '1s', REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser) },
    REINS_ALLOW_PRIVATE_WEBHOOKS: '1',
  }
  await world.start('registry', { environment })
  await Promise.all([
    ...[0, 1].map(() => world.start('session-gateway')),
    ...(['tool-runner', 'executor'] as const).map((name) => world.start(name)),
    world.start('memory', { environment }),
  ])
  await world.agent('resting')
  hooks = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    told.push((JSON.parse(body) as { data: { session: string } }).data.session)
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await eventually(() => hooks.listening)
  const { port } = hooks.address() as AddressInfo
  const hook = { url: `http://127.0.0.1:${port}/hook`, on: ['turn.completed'] }
  expect((await world.api.once('POST', '/v1/webhooks', hook)).status).toBe(201)
}, deadline)
afterAll(async () => {
  await world?.close()
  hooks?.close()
  rmSync(folder, { recursive: true, force: true })
}, deadline)

async function messagesIn(stream: string): Promise<number> {
  const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
  return (await manager.streams.info(stream)).state.messages
}

const copies = sessionStreamsOf(4).names

/** Of the frames of a session in these streams, each as often as there are frames of it. */
async function subjectsOf(session: string, streams: readonly string[]): Promise<readonly string[]> {
  const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
  const infos = await Promise.all(
    streams.map((stream) => manager.streams.info(stream, { subjects_filter: sessionFilter(session) })),
  )
  return infos
    .flatMap(({ state }) => Object.entries(state.subjects ?? {}))
    .flatMap(([subject, count]) => new Array<string>(count).fill(subject))
    .sort()
}

/** Without what memory says of carrying out an order: that may be said again. */
const said = (subjects: readonly string[]): readonly string[] => subjects.filter((one) => !one.includes('.m.'))

/** Frames have left the streams. */
const archivedAll = (sessions: readonly string[]) =>
  eventually(
    async () => {
      const all = await Promise.all(sessions.map((session) => framesOf(world, session)))
      return all.every((frames) => frames.at(-1)?.frame.events[0]?.type === 'session.archived')
    },
    { withinMs: 120_000, describe: () => 'all sessions at rest are in the archive' },
  )

async function rows(): Promise<readonly string[]> {
  const { body } = await world.api.once<{ sessions: SessionInfo[] }>('GET', '/v1/sessions?limit=200')
  return body.sessions.map(({ id, turns, status }) => `${id} ${turns} ${status}`).sort()
}

async function auditFrom(after?: string): Promise<{ entries: unknown[]; next?: string }> {
  const query = `since=0&limit=5${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`
  const { status, body } = await world.api.once<{ entries: unknown[]; next?: string }>('GET', `/v1/audit?${query}`)
  expect([status, body]).toEqual([200, expect.anything()])
  return body
}

async function auditToTheEnd(after?: string): Promise<number> {
  let count = 0
  for (let place = after; ; ) {
    const { entries, next } = await auditFrom(place)
    count += entries.length
    if (next === undefined) return count
    place = next
  }
}

test(
  'a cluster splits its stream while sessions work and others lie in the archive',
  async () => {
    const old = await Promise.all(
      Array.from({ length: 6 }, async (_, at) => (await world.api.create('resting', `say ${at}`)).session.id),
    )
    for (const session of old) await rested(world, session, 1)
    await archivedAll(old)
    const erased = (await world.api.create('resting', 'say what is to be forgotten')).session.id
    await rested(world, erased, 1)
    await world.api.control(erased, 'end')
    await archivedAll([erased])
    expect((await splitStreams(world, { flags: ['--dry-run'] }))?.said).toMatchObject({ state: 'one-stream' })

    // Erased while it is copied: out of the one stream, and out of the copies.
    await splitStreams(world, { killedAt: 'mirrored' })
    await eventually(
      async () => (await subjectsOf(erased, copies)).length >= (await subjectsOf(erased, ['SES'])).length,
    )
    await eventually(async () => (await world.api.once('DELETE', `/v1/sessions/${erased}`)).status < 300, {
      describe: () => 'the order to erase is taken',
    })
    await eventually(
      async () => {
        const { body } = await world.api.once<SessionInfo>('GET', `/v1/sessions/${erased}`)
        return body.erased?.completed === true
      },
      { withinMs: 90_000, describe: () => `${erased} is erased` },
    )
    const left = await subjectsOf(erased, ['SES'])
    expect(said(await subjectsOf(erased, copies)).length).toBeLessThanOrEqual(said(left).length)
    const before = new Map(await Promise.all(old.map(async (one) => [one, await framesOf(world, one)] as const)))
    const page = await auditFrom()
    const audited = await auditToTheEnd()
    // Begun before it, and ended behind it: an answer that streams, and a command that must not run twice.
    const streaming = (await world.api.create('resting', 'stream 400 every 50')).session.id
    const working = (await world.api.create('resting', '!shell sleep 12; echo "$REINS_IDEMPOTENCY_KEY" >> ran.txt'))
      .session.id
    const begun = [streaming, working]
    const followers = [...begun, ...old].map((session, at) => world.follow(session, at % 2))
    for (const follower of followers) await follower.sees(({ type }) => type === 'turn.started')
    await followers[0]?.seesText()

    const done = await splitStreams(world)
    expect(done?.said).toMatchObject({ kind: 'split' })
    expect(done?.said.closedMs).toBeGreaterThan(0)
    expect((await findSessionStreams(world.broker)).names).toHaveLength(4)
    expect((await splitStreams(world))?.said).toEqual({ kind: 'split-already' })
    expect((await splitStreams(world, { flags: ['--dry-run'] }))?.said).toEqual({ state: 'four-streams' })

    await eventually(async () => said(await subjectsOf(erased, copies)).join() === said(left).join(), {
      ...{ withinMs: 90_000, describe: () => `${erased} is erased in the copy` },
    })
    for (const [session, frames] of before)
      expect((await framesOf(world, session)).slice(0, frames.length)).toEqual(frames)
    for (const session of old) await world.api.send(session, 'say again', undefined, { withinMs: 60_000 })
    for (const session of begun) await rested(world, session, 1)
    for (const session of old) await rested(world, session, 2)
    expect(world.lines('ran.txt').map((line) => line.split('/')[0])).toEqual([working])
    const fresh = await Promise.all(
      Array.from({ length: 8 }, async () => (await world.api.create('resting', 'say new')).session.id),
    )
    for (const session of fresh) await rested(world, session, 1)

    // All of them go to the archive, out of the four.
    const all = [...old, ...begun, ...fresh]
    await archivedAll(all)
    const whole = new Map(await Promise.all(all.map(async (one) => [one, await framesOf(world, one)] as const)))
    for (const [at, session] of [...begun, ...old].entries()) {
      const follower = followers[at]!
      const frames = whole.get(session) ?? []
      const events = frames.reduce((sum, { frame }) => sum + frame.events.length, 0)
      await eventually(() => follower.events.length >= events, { describe: () => `a follower of ${session} sees all` })
      follower.close()
      expect(differences(follower, frames)).toEqual([])
    }
    const client = { REINS_URL: world.api.url(), REINS_TOKEN: world.token }
    for (const session of [streaming, old[0] ?? '', fresh[0] ?? ''])
      expect(JSON.parse((await runReins(world, ['session', 'verify', session, '--json'], client)).out)).toMatchObject({
        ok: true,
      })

    // What follows all sessions. Of the one that was erased nothing need be told any more.
    const toldOfAll = () => told.filter((session) => session !== erased)
    await eventually(() => toldOfAll().length >= old.length * 2 + begun.length + fresh.length, {
      describe: () => `every turn is told; told: ${told.length}`,
    })
    expect(new Set(toldOfAll())).toEqual(new Set(all))
    expect(await auditToTheEnd(page.next)).toBeGreaterThan(audited - page.entries.length)
    expect(await auditToTheEnd()).toBe((await auditToTheEnd(page.next)) + page.entries.length)
    const listed = await eventually(async () => {
      const found = (await rows()).filter((row) => !row.startsWith(erased))
      return found.length === all.length && found.every((row) => row.endsWith('idle')) && found
    })
    const ask = (verb: string) => callService(world.broker, serviceSubject('memory', verb), {})
    await ask('rebuild')
    await eventually(async () => {
      const reply = await ask('rebuild.progress')
      return 'value' in reply && (reply.value as RebuildProgress).kind === 'done'
    })
    expect((await rows()).filter((row) => !row.startsWith(erased))).toEqual(listed)

    // A node fails, as ever.
    const manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
    const { names } = await findSessionStreams(world.broker)
    const led = (await manager.streams.info(names[2] ?? '')).cluster?.leader ?? ''
    const node = Number(led.replace('node-', ''))
    await world.servers.cluster?.kill(node)
    for (const session of old) await world.api.send(session, 'say once more', undefined, { withinMs: 60_000 })
    for (const session of old) await rested(world, session, 3)
    await runReins(world, ['backup', path.join(folder, 'of-two')], { NATS_URL: world.servers.natsUrl(backupUser) })
    await world.servers.cluster?.start(node)
    expect(await messagesIn(names[0] ?? '')).toBeGreaterThan(0)

    // A backup of it, restored to another broker, which has one node.
    const saved = path.join(folder, 'saved')
    const last = await rested(world, old[0] ?? '', 3)
    await runReins(world, ['backup', saved], { NATS_URL: world.servers.natsUrl(backupUser) })
    const { path: binary } = await findNatsServer({
      cacheDir: path.join(home, '.cache', 'reins'),
      searchPath,
      log: () => undefined,
    })
    const other = await startNats({
      binary,
      dataDir: path.join(folder, 'nats'),
      durability: 'interval',
      maxPayloadBytes,
    })
    try {
      const NATS_URL = other.url.replace('//', `//${other.user}:${encodeURIComponent(other.password)}@`)
      await runReins(world, ['restore', saved, '--data-dir', path.join(folder, 'data'), '--none-erased'], { NATS_URL })
      const broker = await connectBroker({ url: NATS_URL, name: 'restored' })
      const journal = await openJournal(broker, { replicas: 1, ackWaitMs: 5000, now: Date.now })
      expect([journal.streams.names.length, journal.archived]).toEqual([4, true])
      const read = await journal.sessions.read(old[0] ?? '')
      expect(read.slice(0, last.length).map(({ hash }) => hash)).toEqual(last.map(({ frame }) => frame.hash))
      await broker.close()
    } finally {
      await other.close()
    }
  },
  deadline,
)
