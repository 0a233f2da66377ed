// The archive on a real server, by the user that the product gives it: what is taken out of the stream is read as before.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { type Broker, connectBroker } from '@reins/broker'
import {
  archivistPermissions,
  archivistUser,
  childId,
  draftOn,
  emptyHead,
  eventsJsonOf,
  type Frame,
  type Head,
  headOf,
  makeShortId,
  makeUlid,
  type SessionEvent,
  toLog,
  unionPermissions,
  unionUser,
} from '@reins/contracts'
import { type Archivist, createArchivist, type Journal, openJournal } from '@reins/journal'
import { findNatsServer, startNats } from '@reins/local'
import { archivedAs, brokenLink } from '@reins/session'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchPath } from './config.ts'

const password = 'a-password-of-the-archive-test'
const folder = mkdtempSync(path.join(tmpdir(), 'reins-archive-'))
const closing: (() => Promise<unknown>)[] = []
let broker: Broker
let journal: Journal
let archivist: Archivist

beforeAll(async () => {
  const { path: binary } = await findNatsServer({
    ...{ cacheDir: path.join(homedir(), '.cache', 'reins'), searchPath, log: () => {} },
  })
  const users = [
    { user: unionUser, password, permissions: unionPermissions },
    { user: archivistUser, password, permissions: archivistPermissions },
  ]
  const nats = await startNats({ binary, users, durability: 'interval', dataDir: folder })
  closing.push(() => nats.close())
  const connect = async (user: string): Promise<Broker> => {
    const connected = await connectBroker({ url: `nats://${user}:${password}@127.0.0.1:${nats.port}`, name: user })
    closing.push(() => connected.close())
    return connected
  }
  broker = await connect(unionUser)
  journal = await openJournal(broker, { replicas: 1, ackWaitMs: 500, now: Date.now, archived: true })
  archivist = await createArchivist(broker, await connect(archivistUser), {
    streams: journal.streams,
    replicated: false,
    erasable: journal.erasable,
  })
}, 60_000)

afterAll(async () => {
  for (const close of closing.reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

const newSession = (): string => makeUlid(Date.now(), Math.random)
const named = (title: string): SessionEvent => ({ type: 'session.renamed', data: { title } })

async function say(session: string, head: Head, title: string): Promise<Head> {
  const order = { events: [named(title)], to: toLog, status: 'idle', pool: 'default', at: Date.now() } as const
  const draft = draftOn(head, { frame: makeShortId(Math.random), by: 'executor', role: 'e' }, order)
  const outcome = await journal.sessions.append(session, draft, toLog, head.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
  return outcome.head
}

async function sayAll(session: string, titles: readonly string[], from: Head = emptyHead(session)): Promise<Head> {
  let head = from
  for (const title of titles) head = await say(session, head, title)
  return head
}

async function archive(session: string, head: Head): Promise<Frame> {
  const stored = await archivist.store(session, head, makeShortId(Math.random))
  if (!stored) throw new Error('not stored')
  const draft = draftOn(
    head,
    { frame: makeShortId(Math.random), by: 'memory', role: 'm' },
    { ...archivedAs(head, stored), at: Date.now() },
  )
  const outcome = await journal.sessions.append(session, draft, toLog, head.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
  return (await journal.sessions.frameAt(session, outcome.head.seq))!
}

const titlesOf = (frames: readonly Frame[]): readonly string[] =>
  frames.flatMap(({ events }) =>
    events.map((event) => (event.type === 'session.renamed' ? event.data.title : event.type)),
  )
const inStream = async (): Promise<number> => {
  const answer = await broker.request('$JS.API.STREAM.INFO.SES', '', { withinMs: 5000 })
  return answer.kind === 'reply'
    ? (JSON.parse(answer.msg.string()) as { state: { messages: number } }).state.messages
    : -1
}

test('what was taken out of the stream is read as before, and the next frames stand on it', async () => {
  const session = newSession()
  const other = newSession()
  let head = await sayAll(session, ['one', 'two', 'three', 'four'])
  await sayAll(other, ['else'])
  const before = await journal.sessions.read(session)
  const messages = await inStream()

  const archived = await archive(session, head)
  expect(await journal.sessions.read(session)).toEqual([...before, archived])
  await archivist.takeOut(session, archived)
  expect(await inStream()).toBe(messages + 1 - 4)

  expect(await journal.sessions.head(session)).toEqual(headOf(archived))
  expect(await journal.sessions.read(session)).toEqual([...before, archived])
  for (const [at, { seq }] of before.entries()) {
    expect(await journal.sessions.frameAt(session, seq)).toEqual(before[at])
    expect(await journal.sessions.read(session, { after: seq, limit: 2 })).toEqual(
      [...before, archived].slice(at + 1, at + 3),
    )
  }
  expect(titlesOf(await journal.sessions.read(other))).toEqual(['else'])

  // A second time: the object of the second holds the frame that names the first.
  head = await sayAll(session, ['five', 'six'], headOf(archived))
  const again = await archive(session, head)
  await archivist.takeOut(session, again)
  await archivist.takeOut(session, again)
  const all = await journal.sessions.read(session)
  expect(titlesOf(all)).toEqual(['one', 'two', 'three', 'four', 'session.archived', 'five', 'six', 'session.archived'])
  expect(
    brokenLink(
      session,
      all.map((frame) => ({ frame, eventsJson: eventsJsonOf(frame) })),
    ),
  ).toBeNull()
  expect(all.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  for (const limit of [1, 3, 5, 6, 8])
    expect(await journal.sessions.read(session, { limit })).toEqual(all.slice(0, limit))
  await sayAll(session, ['seven'], headOf(again))
  expect(titlesOf(await journal.sessions.read(session, { after: all[6]!.seq }))).toEqual(['session.archived', 'seven'])
})

test('a session that has gone on is not archived, whatever was stored of it', async () => {
  const session = newSession()
  const head = await sayAll(session, ['one', 'two'])
  const stored = (await archivist.store(session, head, 'a'))!
  const next = await sayAll(session, ['three'], head)
  expect(await archivist.store(session, head, 'b')).toBeUndefined()
  const draft = draftOn(
    head,
    { frame: makeShortId(Math.random), by: 'memory', role: 'm' },
    { ...archivedAs(head, stored), at: Date.now() },
  )
  expect(await journal.sessions.append(session, draft, toLog, head.hash)).toMatchObject({ kind: 'refused' })
  await archivist.drop(stored.object)
  expect(titlesOf(await journal.sessions.read(session))).toEqual(['one', 'two', 'three'])
  const archived = await archive(session, next)
  await archivist.drop(archivedObject(archived))
  // Nothing is taken out that is nowhere else.
  await expect(archivist.takeOut(session, archived)).rejects.toThrow(/is gone from the archive/)
  expect(titlesOf(await journal.sessions.read(session))).toEqual(['one', 'two', 'three', 'session.archived'])
})

const archivedObject = ({ events }: Frame): string => {
  const [event] = events
  return event?.type === 'session.archived' ? event.data.object : ''
}

test('a writer whose frame was archived before it learnt that it is in, learns so', async () => {
  const session = newSession()
  const head = await sayAll(session, ['one'])
  const order = { events: [named('two')], to: toLog, status: 'idle', pool: 'default', at: Date.now() } as const
  const draft = draftOn(head, { frame: 'mine', by: 'user:me', role: 'g' }, order)
  const first = await journal.sessions.append(session, draft, toLog, head.hash)
  if (first.kind !== 'appended') throw new Error('refused')
  const archived = await archive(session, first.head)
  await archivist.takeOut(session, archived)
  expect(await journal.sessions.append(session, draft, toLog, head.hash)).toEqual({
    kind: 'appended',
    head: first.head,
    above: [archived],
  })
})

test('a tree is read in one order, and a fork goes on behind a frame that was archived', async () => {
  const root = newSession()
  const child = childId(root, 'c1')
  let ofRoot = await sayAll(root, ['r1', 'r2'])
  let ofChild = await sayAll(child, ['c1'])
  ofRoot = await sayAll(root, ['r3'], ofRoot)
  ofChild = await sayAll(child, ['c2'], ofChild)
  const source = (await journal.sessions.read(root))[1]!
  const archived = await archive(child, ofChild)
  await archivist.takeOut(child, archived)
  await archivist.takeOut(root, await archive(root, ofRoot))

  const tree = await journal.sessions.readTree(root)
  expect(titlesOf(tree.map(({ frame }) => frame))).toEqual([
    'r1',
    'r2',
    'c1',
    'r3',
    'c2',
    'session.archived',
    'session.archived',
  ])
  for (const [at, { frame }] of tree.entries())
    expect(await journal.sessions.readTree(root, { after: frame.seq, limit: 3 })).toEqual(tree.slice(at + 1, at + 4))

  const fork = newSession()
  const [, behind] = [source.n, { ...emptyHead(fork), n: source.n, hash: source.hash, needs: source.needs }]
  const data = { from: root, n: source.n, hash: source.hash, agent: 'a', digest: 'd', model: 'm', principal: 'user:me' }
  const draft = draftOn(
    behind,
    { frame: makeShortId(Math.random), by: 'user:me', role: 'g' },
    { events: [{ type: 'session.forked', data }], to: toLog, status: 'idle', pool: 'default', at: Date.now() },
  )
  const outcome = await journal.sessions.append(fork, draft, toLog, behind.hash)
  if (outcome.kind !== 'appended') throw new Error('refused')
  expect(titlesOf(await journal.sessions.read(fork))).toEqual(['r1', 'r2', 'session.forked'])
  // The fork itself is archived: what it goes on behind stays where it is.
  await archivist.takeOut(fork, await archive(fork, outcome.head))
  expect(titlesOf(await journal.sessions.read(fork))).toEqual(['r1', 'r2', 'session.forked', 'session.archived'])
})

test('an object of several pieces is read whole, and no reading leaves a consumer behind', async () => {
  const session = newSession()
  // Digits that nothing compresses well.
  const titles = Array.from({ length: 900 }, () => randomBytes(90).toString('hex'))
  const archived = await archive(session, await sayAll(session, titles))
  const [event] = archived.events
  expect(event?.type === 'session.archived' && event.data.bytes).toBeGreaterThan(128 * 1024)
  await archivist.takeOut(session, archived)
  const other = await openJournal(broker, { replicas: 1, ackWaitMs: 500, now: Date.now, archived: true })
  expect(titlesOf(await other.sessions.read(session)).join() === [...titles, 'session.archived'].join()).toBe(true)
  const answer = await broker.request('$JS.API.STREAM.INFO.OBJ_reins-archive', '', { withinMs: 5000 })
  expect(answer.kind === 'reply' && JSON.parse(answer.msg.string())).toMatchObject({ state: { consumer_count: 0 } })
})

test('only the archivist takes anything out', async () => {
  for (const what of ['SES', 'OBJ_reins-archive'])
    await expect(
      broker.request(`$JS.API.STREAM.PURGE.${what}`, '{}', { withinMs: 500 }).then(({ kind }) => kind),
    ).resolves.not.toBe('reply')
})
