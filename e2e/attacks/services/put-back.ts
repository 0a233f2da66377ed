// What was genuine once, with its signature, stored again by whoever has the password of a service that may write there: snapshots, keys and
// objects of an erased session, frames, entries of pools, the place of the index.
//   PB1. Each is refused, or changes nothing. What a session says is compared with what it would have said without.
//   PB2. Records of the registry have a test of their own (deploy/local/test/sealed-records.int.test.ts).
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { Objm } from '@nats-io/obj'
import { type Broker, connectBroker, lastMessage, makeHeaders, readMessages } from '@reins/broker'
import {
  allSessionStreamNames,
  archiveKeySubject,
  archivistUser,
  buckets,
  fieldsOf,
  draftOn,
  encodeFrame,
  frameHeaders,
  headOf,
  jsonValue,
  makeShortId,
  objectStores,
  sealHeader,
  type ServiceName,
  sessionFilter,
  sessionSubject,
  streams,
  toLog,
} from '@reins/contracts'
import { checkLog } from '@reins/session'
import pg from 'pg'
import { framesOf } from '../../harness/api-frames.ts'
import { eventually } from '../../harness/eventually.ts'
import type { BesideServices } from '../../harness/servers.ts'
import type { World } from '../../harness/world.ts'
import type { Ask } from '../people/history.ts'
import type { Tally } from '../tally.ts'
import { forge } from './foreign-frames.ts'
import { of } from './archive.ts'

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
/** Turns after which an executor keeps a snapshot of what has rested. */
const turns = 6
const [stream = ''] = allSessionStreamNames

async function asUser<T>(
  world: World,
  who: ServiceName | BesideServices,
  what: (broker: Broker) => Promise<T>,
): Promise<T> {
  const broker = await connectBroker({ url: world.servers.natsUrl(who), name: `${who}, stolen` })
  try {
    return await what(broker)
  } finally {
    await broker.close()
  }
}

const bucket = (broker: Broker, name: string): Promise<KV> => new Kvm(jetstream(broker.nc)).open(name)

const snapshotOf = async (kv: KV, session: string): Promise<Uint8Array | undefined> => {
  const entry = await kv.get(session)
  return entry && entry.length > 0 ? entry.value : undefined
}
const nOf = (bytes: Uint8Array | undefined): number =>
  Number(fieldsOf(jsonValue(Buffer.from(bytes ?? []).toString())).n)

/** A session that has said its word, and of which an executor has kept a snapshot. */
async function snapshotted(world: World, kv: KV, agent: string, word: string) {
  const { session } = await world.api.create(agent, `say ${word}`)
  for (let turn = 0; turn < turns; turn++) await world.api.turn(session.id, `say ${word}`)
  await world.settled(session.id)
  const bytes = await eventually(() => snapshotOf(kv, session.id), { withinMs: 60_000 })
  return { id: session.id, bytes }
}

/** PB1. A turn of it after another executor has taken over, which begins with what is stored. */
async function goesOn(world: World, session: string, foreign: readonly string[]): Promise<boolean> {
  const { turn } = await world.api.turn(session, 'say and-on')
  const frames = await framesOf(world, session)
  const text = JSON.stringify(frames.slice(-6))
  return (
    turn.status === 'completed' &&
    checkLog(session, frames).problems.length === 0 &&
    !foreign.some((one) => text.includes(one))
  )
}

/** `restart`: ends the executor, and starts another. */
export async function putSnapshotsBack(
  world: World,
  agent: string,
  restart: () => Promise<void>,
  tally: Tally,
): Promise<void> {
  await asUser(world, 'executor', async (thief) => {
    const kv = await bucket(thief, buckets.snapshots)
    const word = 'word-of-the-first'
    const one = await snapshotted(world, kv, agent, word)
    const other = await snapshotted(world, kv, agent, 'word-of-the-second')
    const third = await snapshotted(world, kv, agent, 'word-of-the-third')
    // It goes on, and there is a newer one.
    for (let turn = 0; turn < turns; turn++) await world.api.turn(one.id, 'say newer')
    const newer = await eventually(
      async () => {
        const bytes = await snapshotOf(kv, one.id)
        return nOf(bytes) > nOf(one.bytes) && bytes
      },
      { withinMs: 60_000 },
    )
    const state = () => world.api.once<{ state: unknown }>('GET', of(one.id, '/state')).then(({ body }) => body.state)
    const before = JSON.stringify(await state())
    const torn = Buffer.from(
      Buffer.from(one.bytes)
        .toString()
        .replace(`"n":${nOf(one.bytes)}`, `"n":${nOf(newer)}`),
    )
    for (const [what, bytes] of [
      ['of an earlier frame', one.bytes],
      ['of an earlier frame, said to be of a later one', torn],
    ] as const) {
      await kv.put(one.id, bytes)
      await restart()
      const same = JSON.stringify(await state()) === before || what !== 'of an earlier frame'
      const well = await goesOn(world, one.id, ['word-of-the-second', 'word-of-the-third'])
      tally.note('executor', `put back a snapshot ${what}`, well && same ? 'refused' : 'got through')
    }
    await kv.put(third.id, other.bytes)
    await restart()
    const well = await goesOn(world, third.id, ['word-of-the-second'])
    tally.note('executor', 'put the snapshot of another session in its place', well ? 'refused' : 'got through')
  })
}

interface Sealed {
  readonly session: string
  readonly word: string
}

/** All that is kept of a session, put back once it is erased. `sweep`: memory starts anew, and has swept. */
export async function putErasedBack(
  world: World,
  admin: Ask,
  agent: string,
  { restart, sweep }: { readonly restart: () => Promise<void>; readonly sweep: () => Promise<void> },
  tally: Tally,
): Promise<void> {
  const word = 'word-that-was-erased'
  const {
    id: session,
    snapshot,
    key,
    object,
    bytes,
    frames,
  } = await asUser(world, 'executor', async (thief) => {
    const kv = await bucket(thief, buckets.snapshots)
    const made = await snapshotted(world, kv, agent, word)
    await eventually(async () => (await readMessages(world.broker, 'KEYS', archiveKeySubject(made.id))).length > 0, {
      withinMs: 60_000,
    })
    const there = await lastMessage(world.broker, 'KEYS', archiveKeySubject(made.id))
    const store = await new Objm(jetstream(world.broker.nc)).open(objectStores.archive)
    const name = (await store.list()).find((info) => info.name.startsWith(`${made.id}/`))?.name ?? ''
    const kept = await store.getBlob(name)
    const stored = await readMessages(world.broker, stream, sessionFilter(made.id))
    return { id: made.id, snapshot: made.bytes, key: there?.body ?? '', object: name, bytes: kept!, frames: stored }
  })
  await admin('POST', of(session, '/end'), {})
  await eventually(async () => (await admin('DELETE', of(session))).status === 202, { withinMs: 30_000 })
  await eventually(async () => (await readMessages(world.broker, stream, sessionFilter(session))).length === 2, {
    withinMs: 60_000,
    describe: () => `of ${session} two frames are left`,
  })
  const gone: Sealed = { session, word }
  const tried: string[] = []
  await asUser(world, 'executor', async (thief) => {
    await (await bucket(thief, buckets.snapshots)).put(session, snapshot)
    tried.push('executor: put back the snapshot of an erased session')
  })
  const putObject = () =>
    asUser(world, archivistUser, async (thief) => {
      await (await new Objm(jetstream(thief.nc)).open(objectStores.archive)).putBlob({ name: object }, bytes)
      await jetstream(thief.nc).publish(archiveKeySubject(session), key, { timeout: 3000, retries: 0 })
    })
  await putObject()
  tried.push('the archivist: put back the object and the key of an erased session')
  const looks = async (when: string): Promise<void> => {
    const answers = []
    for (const rest of ['/events', '/state', '/frames', '/prompt', '/tree', '/trace'])
      answers.push(await admin('GET', of(gone.session, rest)))
    answers.push(await admin('POST', of(gone.session, '/messages'), { content: 'say something' }))
    answers.push(await admin('POST', of(gone.session, '/fork'), {}))
    const shown = answers.filter(({ status, text }) => text.includes(gone.word) || status === 201 || status === 202)
    if (shown.length > 0) console.log(when, shown)
    for (const what of tried) {
      const [who = '', did = ''] = what.split(': ')
      tally.note(who, `${did}; looked at ${when}`, shown.length === 0 ? 'refused' : 'got through')
    }
  }
  await looks('at once')
  await restart()
  await sweep()
  await looks('when memory has swept')
  const store = await new Objm(jetstream(world.broker.nc)).open(objectStores.archive)
  const noteLeft = async (when: string): Promise<void> => {
    const left = [await store.info(object), await lastMessage(world.broker, streams.keys, archiveKeySubject(session))]
    const swept = left.every((one) => one === undefined || one === null)
    if (!swept) console.log('left', when, left)
    const what = `keep the object and the key of an erased session there, ${when}`
    tally.note('the archivist', what, swept ? 'refused' : 'got through')
  }
  await noteLeft('alone')
  // Each as the bytes that it was, with the password of who had said it.
  for (const [role, who] of [
    ['m', 'memory'],
    ['g', 'session-gateway'],
    ['e', 'executor'],
  ] as const)
    await asUser(world, who, async (thief) => {
      const theirs = frames.filter(({ subject }) => subject.split('.')[4] === role).at(0)
      if (!theirs) return
      const headers = [...Object.values(frameHeaders), sealHeader].map((name): [string, string] => [
        name,
        theirs.header(name),
      ])
      await jetstream(thief.nc).publish(theirs.subject, theirs.body, { headers: makeHeaders(headers), retries: 0 })
      const others = frames.filter((one) => one !== theirs).map(({ body }) => body)
      await world.api.create(agent, 'say between').then(({ session: other }) => world.settled(other.id))
      const { text } = await admin('GET', of(session, '/events'))
      const { text: told } = await admin('GET', of(session, '/frames'))
      // What was put there lies there, as evidence; nothing comes with it, and nobody answers it.
      const alone = others.every((body) => !told.includes(JSON.stringify(body).slice(1, -1)))
      const answered = role !== 'e' && text.includes('turn.started')
      if (!alone || answered) console.log(who, text, told)
      tally.note(
        who,
        'have an erased session go on by a frame that is put back',
        alone && !answered ? 'refused' : 'got through',
      )
    })
  // By its last frame, which is older, the session would not have come to that object yet.
  await putObject()
  await sweep()
  await noteLeft('with older frames behind the erasure')
}

/** Frames that were said, once more: in their session, and in another. */
/** `name`: of the file in which its call leaves a line each time it runs. */
export async function putFramesBack(world: World, agent: string, tally: Tally, name = 'put-back.txt'): Promise<void> {
  const { session } = await world.api.create(agent, `!shell echo once >> ${name}`)
  await world.settled(session.id)
  const { session: other } = await world.api.create(agent, 'say hello')
  await world.settled(other.id)
  const stored = await readMessages(world.broker, stream, sessionFilter(session.id))
  const file = path.join(world.workspace, name)
  const ran = () => readFileSync(file, 'utf8').split('once').length - 1
  // docs/security.md says what a thief can do within a second.
  const last = (await world.readLog(session.id)).at(-1)?.frame.at ?? 0
  await eventually(() => Date.now() - last > 1_500)
  for (const [role, who] of [
    ['g', 'session-gateway'],
    ['e', 'executor'],
    ['t', 'tool-runner'],
  ] as const)
    await asUser(world, who, async (thief) => {
      for (const message of stored.filter(({ subject }) => subject.split('.')[4] === role)) {
        const headers = makeHeaders(
          [...Object.values(frameHeaders), sealHeader].map((name): [string, string] => [name, message.header(name)]),
        )
        for (const id of [session.id, other.id]) {
          const place = message.subject.replaceAll(session.id, id)
          const parts = place.split('.')
          const target = [...sessionFilter(id).split('.').slice(0, 4), ...parts.slice(4)].join('.')
          await jetstream(thief.nc).publish(target, message.body, { headers, retries: 0 })
        }
      }
    })
  // Whoever acts on one of them has done so by the time that others are served.
  await world.api.create(agent, '!shell true').then(({ session: last }) => world.settled(last.id))
  if (ran() !== 1) console.log('ran', ran())
  for (const who of ['session-gateway', 'executor', 'tool-runner'])
    tally.note(who, 'have something done again by its older frames', ran() === 1 ? 'refused' : 'got through')
}

/** With what was read of it before: an older entry of a pool, and none. */
export async function putPoolsBack(
  world: World,
  agent: string,
  restart: () => Promise<void>,
  tally: Tally,
): Promise<void> {
  for (const who of ['session-gateway', 'executor', 'tool-runner'] as const)
    await asUser(world, who, async (thief) => {
      const kv = await bucket(thief, buckets.pools)
      const older: [string, Uint8Array][] = []
      const all = await bucket(world.broker, buckets.pools)
      for await (const key of await all.keys()) older.push([key, (await all.get(key))!.value])
      const { session } = await world.api.create(agent, 'say before')
      await world.settled(session.id)
      for (const [key, value] of older) await kv.put(key, value)
      await restart()
      const well = await goesOn(world, session.id, []).catch(() => false)
      tally.note(who, 'put back the older entries of pools', well ? 'refused' : 'got through')
    })
}

/** With the password of memory in Postgres: what it was, and what it will be. */
export async function putIndexBack(
  world: World,
  admin: Ask,
  agent: string,
  restartMemory: (meanwhile: () => Promise<void>) => Promise<void>,
  tally: Tally,
): Promise<void> {
  const list = async () => (await admin('GET', '/v1/sessions?limit=100')).text
  const client = new pg.Client({ connectionString: world.servers.databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ t: string }>(
      `select table_schema || '.session_index_checkpoint' as t from information_schema.tables where table_name = 'session_index_checkpoint'`,
    )
    const table = rows[0]?.t ?? ''
    const { rows: before } = await client.query<{ seq: string; places: string | null }>(
      `select seq, places from ${table}`,
    )
    const { session } = await world.api.create(agent, `say ${makeShortId(Math.random)}`)
    await world.settled(session.id)
    await eventually(async () => {
      const { sessions } = JSON.parse(await list()) as { sessions: { id: string; status: string; turns: number }[] }
      return sessions.some(({ id, status, turns }) => id === session.id && status === 'idle' && turns === 1)
    })
    const was = await eventually(async () => {
      const [one, two] = [await list(), await list()]
      return one === two && one
    })
    await restartMemory(async () => {
      await client.query(`update ${table} set seq = $1, places = $2`, [before[0]?.seq, before[0]?.places])
    })
    const same = await eventually(async () => (await list()) === was, { withinMs: 30_000 }).catch(() => false)
    tally.note('memory', 'put the index back to where it was', same ? 'refused' : 'got through')
  } finally {
    await client.end()
  }
}

/** A frame that says that it follows on one that is not there: so the archive is asked, and has nothing of that session. */
export async function hideLive(world: World, admin: Ask, agent: string): Promise<boolean> {
  const { session } = await world.api.create(agent, 'say something')
  await world.settled(session.id)
  const last = (await world.readLog(session.id)).at(-1)!.frame
  await world.api.create(agent, 'say between').then(({ session: other }) => world.settled(other.id))
  await asUser(world, 'memory', async (thief) => {
    const object = `${session.id}/${last.n}-nowhere`
    const events = [
      { type: 'session.archived' as const, data: { object, first: 1, frames: last.n, bytes: 1, digest: 'x' } },
    ]
    await forge(thief, headOf(last), { session: session.id, role: 'm', to: toLog, events })
    const forged = (await world.readLog(session.id)).at(-1)!.frame
    await world.api.create(agent, 'say between').then(({ session: other }) => world.settled(other.id))
    // It stands on a sequence that is another session's, or gone: a reader cannot tell.
    const head = { ...headOf(forged), seq: forged.seq + 1, n: forged.n + 5 }
    const by = { frame: makeShortId(Math.random), by: 'memory', role: 'm' } as const
    const order = { events: [], to: toLog, status: head.status, trace, at: Date.now() }
    const { body, headers } = encodeFrame(draftOn(head, by, order), head.hash)
    await jetstream(thief.nc).publish(sessionSubject(session.id, 'm', toLog), body, { headers: makeHeaders(headers) })
  })
  const { status, text } = await admin('GET', of(session.id, '/events'))
  return status === 500 && text.includes('session_unreadable')
}
