// A session is erased: the word that was said in it is looked for in the bytes of every file that the servers keep, and memory is killed at
// each step of it.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { callService } from '@reins/broker'
import { archivistUser, type RebuildProgress, type SessionInfo, serviceSubject } from '@reins/contracts'
import { openDatabase } from '@reins/projection'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { World } from '../harness/world.ts'

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

interface Erased {
  readonly by: string
  readonly completed: boolean
}
type Body = { readonly error?: { readonly code: string; readonly message: string; readonly details?: unknown } } & Erased

const ask = (method: string, session: string, rest = '', body?: unknown) =>
  world.api.once<Body>(method, `/v1/sessions/${session}${rest}`, body)
const erase = (session: string) => ask('DELETE', session)
const infoOf = async (session: string): Promise<SessionInfo> =>
  (await world.api.once<SessionInfo>('GET', `/v1/sessions/${session}`)).body

/** In every file below a folder, as it is and in base64 at each of the three places where it can begin. */
function filesWith(folder: string, word: string, but: (file: string) => boolean = () => false): readonly string[] {
  const forms = [0, 1, 2].map((at) =>
    Buffer.from(`${'x'.repeat(at)}${word}`)
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  )
  const found: string[] = []
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (but(file)) continue
    try {
      if (!statSync(file).isFile()) continue
      const bytes = readFileSync(file)
      if ([word, ...forms].some((form) => bytes.includes(form))) found.push(path.relative(folder, file))
    } catch {
      // Gone meanwhile.
    }
  }
  return found
}

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
    const memory = await world.start('memory', { environment: environment('1h') })
    const { session, cursor } = await world.api.create('telling', `say ${word}`)
    await world.settled(session.id)
    await world.api.turn(session.id, `!shell yes ${word}-in-a-long-output | head -c 300000`)
    await world.settled(session.id)
    const nats = path.join(world.servers.folder, 'nats')
    expect(filesWith(nats, word)).not.toEqual([])
    expect((await erase(session.id)).body.error).toMatchObject({ code: 'session_conflict' })

    await end(session.id)
    const answer = await erase(session.id)
    expect(answer.status).toBe(202)
    const info = await erasedOf(session.id)
    expect(info).not.toHaveProperty('title')
    expect(filesWith(nats, word)).toEqual([])
    for (const rest of ['/events', `/events?after=${cursor}`, '/state', '/prompt', '/outputs/x'])
      expect([rest, (await ask('GET', session.id, rest)).status]).toEqual([rest, 410])
    expect((await ask('POST', session.id, '/messages', { content: 'hi' })).body.error).toMatchObject({
      code: 'session_erased',
      details: { by: info.erased?.by },
    })
    expect((await erase(session.id)).body).toMatchObject({ completed: true, by: info.erased?.by })
    const { problems } = await world.checked(session.id)
    expect(problems).toEqual([])
    await memory.kill()
  },
  deadline,
)
