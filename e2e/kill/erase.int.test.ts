// A session is erased: the word that was said in it is looked for in the bytes of every file that the servers keep, and memory is killed at
// each step of it.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { callService } from '@reins/broker'
import { archivistUser, type RebuildProgress, type SessionInfo, serviceSubject, sessionFilter } from '@reins/contracts'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'
import { compileCache, home, searchPath } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { filesWith } from '../harness/files-with.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import { type ServiceSettings, World } from '../harness/world.ts'
import { childAt, delegate } from '../team/events.ts'

const deadline = 240_000
let world: World
const environment = (after: string): Record<string, string> => ({
  REINS_ARCHIVE_AFTER: after,
  REINS_ARCHIVE_NATS_URL: world.servers.natsUrl(archivistUser),
})

beforeAll(async () => {
  world = await World.open()
  // Who comes first makes the streams.
  await world.start('registry', { environment: environment('1h') })
  await Promise.all([world.start('session-gateway'), world.start('tool-runner'), world.start('executor')])
  await world.agent('telling')
}, deadline)
afterAll(() => world?.close(), deadline)

const memories: ServiceProcess[] = []
async function startMemory(settings: ServiceSettings): Promise<ServiceProcess> {
  const memory = await world.start('memory', settings)
  memories.push(memory)
  return memory
}
// However a test ends: what it leaves would carry out the orders of the next.
afterEach(async () => {
  await Promise.all(memories.splice(0).map((memory) => memory.kill()))
})

/** The command line, as a person has it. */
async function reins(...words: readonly string[]): Promise<string> {
  const args = [await bundledBinary(), ...words, '--server', world.api.url(), '--token', world.token]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...compileCache, PATH: searchPath } })
  return stdout
}

interface Erased {
  readonly by: string
  readonly completed: boolean
}
type Body = {
  readonly error?: { readonly code: string; readonly message: string; readonly details?: unknown }
} & Erased

const ask = (method: string, session: string, rest = '', body?: unknown) =>
  world.api.once<Body>(method, `/v1/sessions/${session}${rest}`, body)
const erase = (session: string) => ask('DELETE', session)
const infoOf = async (session: string): Promise<SessionInfo> =>
  (await world.api.once<SessionInfo>('GET', `/v1/sessions/${session}`)).body

async function end(session: string): Promise<void> {
  await world.api.control(session, 'end')
  await eventually(async () => (await infoOf(session)).status === 'ended')
}

async function erasedOf(session: string): Promise<SessionInfo> {
  return eventually(
    async () => {
      const info = await infoOf(session)
      return info.erased?.completed === true && info
    },
    { withinMs: 90_000, describe: () => `${session} is erased` },
  )
}

test(
  'what was said in a session is in no file of the servers any more, and readers are told so',
  async () => {
    const word = 'xylophone-of-the-secret-4711'
    await startMemory({ environment: environment('1h') })
    const { session, cursor } = await world.api.create('telling', `say ${word}`)
    await world.settled(session.id)
    await world.api.turn(session.id, `!shell yes ${word}-in-a-long-output | head -c 300000`)
    await world.settled(session.id)
    const nats = path.join(world.servers.folder, 'nats')
    expect(filesWith(nats, word)).not.toEqual([])
    expect((await erase(session.id)).body.error).toMatchObject({ code: 'session_conflict' })

    await reins('session', 'end', session.id)
    await eventually(async () => (await infoOf(session.id)).status === 'ended')
    expect(JSON.parse(await reins('session', 'erase', session.id, '--yes', '--json'))).toMatchObject({
      completed: true,
    })
    const info = await erasedOf(session.id)
    expect(info).not.toHaveProperty('title')
    expect(filesWith(nats, word)).toEqual([])
    for (const rest of ['/events', `/events?after=${cursor}`, '/state', '/prompt', '/outputs/x'])
      expect([rest, (await ask('GET', session.id, rest)).status]).toEqual([rest, 410])
    expect((await ask('POST', session.id, '/messages', { content: 'hi' })).body.error).toMatchObject({
      code: 'session_erased',
      details: { by: info.erased?.by },
    })
    expect(await reins('session', 'show', session.id)).toMatch(/erased: +at/)
    expect(await reins('session', 'verify', session.id)).toMatch(/erased at .* 2 frames, each as it was written/s)
    expect(JSON.parse(await reins('session', 'list', '--erased', '--json'))).toMatchObject({
      sessions: [{ id: session.id, erased: { by: info.erased?.by } }],
    })
    expect((await erase(session.id)).body).toMatchObject({ completed: true, by: info.erased?.by })
    const { problems } = await world.checked(session.id)
    expect(problems).toEqual([])
  },
  deadline,
)

/** The frames of a session before its order, and its objects: as the stores list them, and not as a reader is told. */
async function left(session: string): Promise<readonly string[]> {
  const subjects = async (stream: string, filter: string): Promise<readonly string[]> => {
    const answer = await world.broker.request(
      `$JS.API.STREAM.INFO.${stream}`,
      JSON.stringify({ subjects_filter: filter }),
      { withinMs: 10_000 },
    )
    if (answer.kind !== 'reply') throw new Error(`${stream} is not listed`)
    const { state } = JSON.parse(answer.msg.string()) as { state: { subjects?: Record<string, number> } }
    return Object.entries(state.subjects ?? {}).flatMap(([subject, count]) => new Array<string>(count).fill(subject))
  }
  const named = (subject: string): boolean =>
    Buffer.from(subject.split('.')[3] ?? '', 'base64url')
      .toString()
      .startsWith(session)
  const objects = await Promise.all(
    ['reins-blobs', 'reins-archive'].map((store) => subjects(`OBJ_${store}`, `$O.${store}.M.>`)),
  )
  return [
    ...(await subjects('SES', sessionFilter(session))),
    ...(await subjects('KEYS', `key.${session}`)),
    ...objects.flat().filter(named),
  ].map((subject) => subject.split('.').slice(0, 5).join('.'))
}

/** That the session's frames lie in the archive, and nothing of what was not said by people in the stream. */
const archived = (session: string) =>
  eventually(
    async () => {
      const there = await left(session)
      return there.some((one) => one.startsWith('key.')) && !there.some((one) => one.endsWith('.e'))
    },
    { withinMs: 90_000, describe: () => `${session} lies in the archive` },
  )

test(
  'what lay in the archive, and what the list had in its database, is gone as well',
  async () => {
    const word = 'glockenspiel-of-the-archive-0815'
    await startMemory({ environment: environment('1s') })
    const { session } = await world.api.create('telling', `say ${word}`)
    await world.settled(session.id)
    await archived(session.id)
    // A session in the archive is in no file but for what people said.
    await end(session.id)
    await archived(session.id)
    const bystander = (await world.api.create('telling', 'say nothing special')).session.id
    await world.settled(bystander)
    expect((await erase(session.id)).status).toBe(202)
    await erasedOf(session.id)
    const folder = world.servers.folder
    expect(filesWith(path.join(folder, 'nats'), word)).toEqual([])
    expect(await left(session.id)).toHaveLength(2)
    expect((await left(session.id)).map((one) => one.split('.').at(-1))).toEqual(['g', 'm'])

    // The list is level, and says so; PostgreSQL forgets the rows of before when their table is written anew.
    const listed = await eventually(async () => {
      const { body } = await world.api.list()
      return body.sessions.find(({ id, erased }) => id === session.id && erased?.completed)
    })
    expect(listed).not.toHaveProperty('title')
    const db = new pg.Client({ connectionString: world.servers.databaseUrl })
    await db.connect()
    for (const statement of ['vacuum full sessions', 'checkpoint']) await db.query(statement)
    await db.end()
    const wal = `${path.sep}pg_wal${path.sep}`
    expect(filesWith(path.join(folder, 'postgres'), word, (file) => file.includes(wal))).toEqual([])

    const call = (verb: string) => callService(world.broker, serviceSubject('memory', verb), {})
    await call('rebuild')
    await eventually(async () => {
      const reply = await call('rebuild.progress')
      return 'value' in reply && (reply.value as RebuildProgress).kind === 'done'
    })
    expect((await world.api.list()).body.sessions.find(({ id }) => id === session.id)).toEqual(listed)
    const audit = await world.api.once<{ entries: { type: string; on: string; by: string }[] }>(
      'GET',
      '/v1/audit?limit=500',
    )
    expect(JSON.stringify(audit.body)).toContain('session.erased')
    expect(await reins('session', 'verify', bystander)).toContain('none missing')
  },
  deadline,
)

test(
  'a session that others were forked from is erased after them',
  async () => {
    await startMemory({ environment: environment('1h') })
    const { session } = await world.api.create('telling', 'say one')
    await world.settled(session.id)
    const fork = await world.api.once<{ session: { id: string } }>('POST', `/v1/sessions/${session.id}/fork`, {})
    const id = fork.body.session.id
    await end(session.id)
    const refused = await erase(session.id)
    expect(refused.status).toBe(409)
    expect(refused.body.error?.message).toContain(id)
    await end(id)
    await erase(id)
    await erasedOf(id)
    expect((await erase(session.id)).status).toBe(202)
    await erasedOf(session.id)
  },
  deadline,
)

test(
  'a tree of delegations is erased from its root: what a helper was told and said is in no file either',
  async () => {
    const word = 'harpsichord-of-the-helper-1685'
    await startMemory({ environment: environment('1h') })
    await world.agent('helping', { description: 'Delegate to it.' })
    await world.agent('leading', { agents: ['helping'], tools: [] })
    const { session } = await world.api.create('leading', delegate({ agent: 'helping', instruction: `say ${word}` }))
    await world.settled(session.id)
    const child = await childAt(world, session.id)
    expect(JSON.stringify(await world.readLog(child))).toContain(word)
    expect((await ask('DELETE', child)).status).toBe(409)
    await end(session.id)
    expect((await erase(session.id)).status).toBe(202)
    await erasedOf(session.id)
    await erasedOf(child)
    expect(filesWith(path.join(world.servers.folder, 'nats'), word)).toEqual([])
    expect((await ask('GET', child, '/events')).status).toBe(410)
    for (const one of [session.id, child]) expect((await world.checked(one)).problems).toEqual([])
  },
  deadline,
)

test.each([
  'memory.erase-ordered',
  'memory.erase-said',
  'memory.erase-frames',
  'memory.erase-kept',
  'memory.erase-completed',
])(
  'memory killed at %s: nobody reads the session any more, and the next memory brings it to its end',
  async (point) => {
    const word = `saxophone-${point.replaceAll('.', '-')}`
    const lead = await startMemory({ environment: environment('1h'), pauseAt: point })
    const { session } = await world.api.create('telling', `say ${word}`)
    await world.settled(session.id)
    await end(session.id)
    expect((await erase(session.id)).status).toBe(202)
    await lead.paused()
    await lead.kill()
    expect((await ask('GET', session.id, '/events')).status).toBe(410)
    expect((await world.checked(session.id)).problems).toEqual([])

    await startMemory({ environment: environment('1h') })
    await erasedOf(session.id)
    await eventually(async () => (await left(session.id)).length === 2)
    expect(filesWith(path.join(world.servers.folder, 'nats'), word)).toEqual([])
  },
  deadline,
)

test(
  'an object that nothing names is swept, and what a frame names stays',
  async () => {
    const pausing = await startMemory({ environment: environment('1s'), pauseAt: 'memory.archive-stored' })
    const { session } = await world.api.create('telling', 'say left behind')
    await world.settled(session.id)
    await pausing.paused()
    await pausing.kill()
    const before = await world.readLog(session.id)
    const memory = await startMemory({ environment: environment('1s') })
    await archived(session.id)
    await memory.kill()
    await startMemory({ environment: environment('1s') })
    await eventually(async () => (await left(session.id)).filter((one) => one.startsWith('$O.')).length === 1)
    const { body } = await world.api.once<{ frames: unknown[] }>('GET', `/v1/sessions/${session.id}/frames`)
    expect(body.frames.length).toBeGreaterThanOrEqual(before.length)
  },
  deadline,
)

test(
  'a backup that was made before does not bring the session back',
  async () => {
    const word = 'bassoon-of-the-backup-1234'
    await startMemory({ environment: environment('1h') })
    const { session } = await world.api.create('telling', `say ${word}`)
    await world.settled(session.id)
    const { folder } = world.servers
    const backup = path.join(folder, 'monday')
    await reinsWith(['backup', backup], { NATS_URL: world.servers.natsUrl('everything'), REINS_DATA_DIR: data() })
    await end(session.id)
    await erase(session.id)
    await erasedOf(session.id)
    const list = path.join(folder, 'erased.json')
    await eventually(async () => (await reins('session', 'list', '--erased')).includes(session.id))
    writeFileSync(list, await reins('session', 'list', '--erased', '--json', '--limit', '500'))

    const made = path.join(folder, 'restored')
    const restoring = (...more: readonly string[]) => reinsWith(['restore', backup, '--data-dir', made, ...more], {})
    await expect(restoring()).rejects.toThrow(/Name them with --erased FILE/)
    expect(await restoring('--erased', list)).toMatch(/1 sessions are erased again/)
    expect(filesWith(path.join(made, 'nats'), word)).not.toEqual([])

    // The services of this test have no data folder of the product, which says its format.
    writeFileSync(path.join(made, 'version'), '1\n')
    await madeCluster(path.join(made, 'postgres'))
    const up = spawn(process.execPath, [await bundledBinary(), 'up', '--data-dir', made, '--port', '0'], {
      env: { ...compileCache, PATH: searchPath, HOME: home, REINS_ARCHIVE_AFTER: '1h' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const url = await new Promise<string>((resolve, reject) => {
        createInterface({ input: up.stdout }).on('line', (line) => {
          const [, found] = /^ready (\S+)/.exec(line) ?? []
          if (found !== undefined) resolve(found)
        })
        up.once('exit', (code) => reject(new Error(`reins up ended with ${code}`)))
      })
      await eventually(
        async () => {
          const answer = await fetch(`${url}/v1/sessions/${session.id}`, { headers: world.api.headers })
          return ((await answer.json()) as SessionInfo).erased?.completed === true
        },
        { withinMs: 90_000, describe: () => 'the session is erased in what was restored' },
      )
      expect(filesWith(path.join(made, 'nats'), word)).toEqual([])
    } finally {
      up.kill('SIGTERM')
      if (up.exitCode === null) await once(up, 'exit')
    }
  },
  deadline,
)

const data = (): string => path.join(world.servers.folder, 'data')
async function reinsWith(words: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const env = { ...compileCache, PATH: searchPath, HOME: home, ...environment }
  const { stdout } = await promisify(execFile)(process.execPath, [await bundledBinary(), ...words], { env })
  return stdout
}
