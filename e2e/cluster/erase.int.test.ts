// Erasing on three nats-servers with three copies and four streams of sessions: a word that was said, answered and printed by a tool is in no
// byte of the folder of any node any more, also of one that was away when the order came, or that led the stream and died in the middle.
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { findSessionStreams } from '@reins/broker'
import { archivistUser, type SessionInfo, sessionFilter } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rested } from '../harness/api-frames.ts'
import { eventually, pause } from '../harness/eventually.ts'
import { filesWith } from '../harness/files-with.ts'
import { nodeName } from '../harness/nats-cluster.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'

const deadline = 1_200_000
/** The word of each session begins with it. */
const said = 'kookaburra-of-the-secret'
let world: World
let manager: Awaited<ReturnType<typeof jetstreamManager>>

const environment = (after: string): Record<string, string> => ({
  REINS_ARCHIVE_AFTER: after,
  REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
  REINS_SESSION_STREAMS: '4',
})
const startMemory = (after: string, pauseAt?: string): Promise<ServiceProcess> =>
  world.start('memory', { environment: environment(after), ...(pauseAt === undefined ? {} : { pauseAt }) })

beforeAll(async () => {
  world = await World.open({ nodes: 3 })
  manager = await jetstreamManager(world.broker.nc, { checkAPI: false })
  await world.start('registry', { environment: environment('1h') })
  await Promise.all([
    ...[0, 1].map(() => world.start('session-gateway')),
    ...(['tool-runner', 'executor'] as const).map((name) => world.start(name)),
  ])
  await world.agent('telling')
}, deadline)
afterAll(() => world?.close(), deadline)

const patiently = { withinMs: 120_000, patienceMs: 60_000 }
let words = 0
/** In a message, an answer, what a tool printed, and the whole output that is kept of it. The session has ended. */
async function spoken(): Promise<string> {
  const word = `${said}-${words++}`
  const key = `begin-${word}`
  const { session } = await world.api.create('telling', `say ${word}`, { key, ...patiently })
  await rested(world, session.id, 1)
  const content = `!shell yes ${word}-printed | head -c 300000`
  await world.api.stubborn(
    'POST',
    `/v1/sessions/${session.id}/messages`,
    { content },
    { key: `go-${word}`, ...patiently },
  )
  await rested(world, session.id, 2)
  await world.api.stubborn('POST', `/v1/sessions/${session.id}/end`, undefined, { key: `end-${word}`, ...patiently })
  await eventually(async () => (await infoOf(session.id))?.status === 'ended')
  return session.id
}

const infoOf = async (session: string): Promise<SessionInfo> =>
  (await world.api.once<SessionInfo>('GET', `/v1/sessions/${session}`)).body

const order = (session: string) =>
  eventually(
    async () => {
      const { status } = await world.api.once('DELETE', `/v1/sessions/${session}`).catch(() => ({ status: 0 }))
      return status === 202 || status === 200
    },
    { withinMs: 120_000, describe: () => `the order to erase ${session} is taken` },
  )

const isErased = async (session: string): Promise<boolean> => (await infoOf(session)).erased?.completed === true
const erased = (session: string) =>
  eventually(() => isErased(session).catch(() => false), {
    withinMs: 180_000,
    describe: () => `${session} is erased`,
  })

const streamOf = async (session: string): Promise<string> => (await findSessionStreams(world.broker)).of(session)

/** The subjects of its frames, as the stream lists them. */
async function subjectsOf(session: string): Promise<readonly string[]> {
  const info = await manager.streams.info(await streamOf(session), { subjects_filter: sessionFilter(session) })
  return Object.keys(info.state.subjects ?? {})
}

const archived = (session: string) =>
  eventually(
    async () => {
      const subjects = await subjectsOf(session)
      return subjects.some((one) => one.includes('.m.')) && !subjects.some((one) => /\.[et]\./.test(one))
    },
    { withinMs: 120_000, describe: () => `${session} lies in the archive` },
  )

/** Gives its number. It is known to be away when this resolves. */
async function killLeaderOf(session: string): Promise<number> {
  const stream = await streamOf(session)
  const leader = (await manager.streams.info(stream)).cluster?.leader ?? ''
  const node = Number(leader.replace('node-', ''))
  await world.servers.cluster?.kill(node)
  await eventually(
    async () => {
      const info = await manager.streams.info(stream).catch(() => undefined)
      const copy = info?.cluster?.replicas?.find(({ name }) => name === leader)
      return copy !== undefined && (copy.offline === true || copy.current === false || copy.active > 5e9)
    },
    { withinMs: 120_000, describe: () => `${leader} is known to be away` },
  )
  return node
}

const nodes = [0, 1, 2]
const folderOf = (node: number): string => path.join(world.servers.folder, nodeName(node))
const foundIn = (word: string): readonly string[] =>
  nodes.flatMap((node) => filesWith(folderOf(node), word).map((file) => `${nodeName(node)}/${file}`))

test(
  'what was said is in no file of any of three nodes, wherever they were when it was erased',
  async () => {
    const quick = await startMemory('1s')
    const old = [await spoken(), await spoken()]
    for (const session of old) await archived(session)
    await quick.kill()
    let memory = await startMemory('1h')
    const fresh = [await spoken(), await spoken()]
    const led = await spoken()
    await eventually(() => nodes.every((node) => filesWith(folderOf(node), said).length > 0))

    const [oldOne = '', oldTwo = ''] = old
    const [freshOne = '', freshTwo = ''] = fresh
    for (const session of [oldOne, freshOne]) await order(session)
    for (const session of [oldOne, freshOne]) await erased(session)

    // A node is away when the orders come: nobody is told that they are carried out, until it has heard of them.
    const away = await killLeaderOf(freshTwo)
    for (const session of [oldTwo, freshTwo]) await order(session)
    await eventually(
      () => memory.log().some((line) => line.includes('not erased yet') && line.includes(nodeName(away))),
      {
        withinMs: 120_000,
        describe: () => 'memory says which node an erasure waits for',
      },
    )
    expect([await isErased(oldTwo), await isErased(freshTwo)]).toEqual([false, false])
    expect((await world.api.once('GET', `/v1/sessions/${freshTwo}/events`)).status).toBe(410)
    await world.servers.cluster?.start(away)
    for (const session of [oldTwo, freshTwo]) await erased(session)

    // The leader dies in the middle, and memory with it.
    await memory.kill()
    memory = await startMemory('1h', 'memory.erase-frames')
    await order(led)
    await memory.paused()
    const leader = await killLeaderOf(led)
    await memory.kill()
    await world.servers.cluster?.start(leader)
    await startMemory('1h')
    await erased(led)

    // The logs of the replicas are compacted every few minutes.
    let found = foundIn(said)
    expect(found.filter((file) => !file.includes('_raft_') && !/S-R3F|C-R3F/.test(file))).toEqual([])
    await eventually(
      async () => {
        found = foundIn(said)
        if (found.length > 0) await pause(5000) // All files are read each time.
        return found.length === 0
      },
      { withinMs: 420_000, describe: () => `the word is in no file; it is in ${found.join(', ')}` },
    )
    for (const session of [...old, ...fresh, led]) {
      expect(await subjectsOf(session)).toHaveLength(2)
      expect((await world.checked(session)).problems).toEqual([])
    }
  },
  deadline,
)
