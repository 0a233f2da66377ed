// Sessions that cannot be read, at every door of the product: each is named there, and nothing else is hurt by it. The doors are those that
// the product names itself, in its OpenAPI document.
import { callService } from '@reins/broker'
import { type RebuildProgress, serviceSubject } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ask, type Asked, askingWith } from '../attacks/people/history.ts'
import { keptSession, of } from '../attacks/services/archive.ts'
import { openArchivingWorld } from '../harness/archive.ts'
import { eventually } from '../harness/eventually.ts'
import { runReins } from '../harness/split-command.ts'
import type { World } from '../harness/world.ts'
import { type Damaged, damageSessions } from './damage.ts'

const deadline = 240_000
let world: World
let admin: Ask
let damaged: Damaged
let doors: readonly string[]

beforeAll(async () => {
  const opened = await openArchivingWorld('resting')
  world = opened.world
  await world.start('memory', { environment: opened.environment })
  admin = askingWith(world, world.token)
  damaged = await damageSessions(world)
  // What it has read it keeps for a while.
  const [gateway] = world.gateways
  await gateway!.kill()
  await world.replaceGateway(gateway!)
  const { paths } = JSON.parse((await admin('GET', '/openapi.json')).text) as { paths: Record<string, object> }
  doors = Object.keys(paths).filter((door) => 'get' in paths[door]!)
}, deadline)
afterAll(() => world?.close(), deadline)

const everyUnreadable = () => Object.entries(damaged.unreadable)
const ask = (door: string, session: string): Promise<Asked> =>
  admin(
    'GET',
    door.replace('{id}', session).replaceAll(/\{\w+\}/g, 'c1'),
    undefined,
    door.endsWith('/stream') ? { accept: 'text/event-stream' } : {},
  )
const isAnswered = ({ status }: Asked): boolean => status >= 200 && status < 500

test('what is not about one session is answered as ever, and lists have all of them', async () => {
  const wrong: string[] = []
  const others = doors.filter((door) => !door.includes('{') && door !== '/v1/socket')
  expect(others.length).toBeGreaterThan(20)
  for (const door of others) {
    const answer = await admin('GET', door)
    if (!isAnswered(answer)) wrong.push(`${door}: ${answer.status} ${answer.text.slice(0, 200)}`)
  }
  expect(wrong).toEqual([])
  const { text } = await admin('GET', '/v1/sessions?limit=100')
  for (const [, id] of [...everyUnreadable(), ...Object.entries(damaged.quarantined)]) expect(text).toContain(id)
})

test('a look at the archive finds what is damaged there before anybody opens it, and lists say so', async () => {
  const { fork, ...inArchive } = damaged.unreadable
  const marked = await eventually(
    async () => {
      const { text } = await admin('GET', '/v1/sessions?limit=100')
      const { sessions } = JSON.parse(text) as { sessions: { id: string; unreadable?: boolean }[] }
      const found = sessions.filter(({ unreadable }) => unreadable).map(({ id }) => id)
      return Object.values(inArchive).every((id) => found.includes(id)) && found
    },
    { withinMs: 60_000, describe: () => 'each damaged session is marked in the list' },
  )
  expect(marked.toSorted()).toEqual(
    Object.values(damaged.unreadable)
      .filter((id) => marked.includes(id))
      .toSorted(),
  )
  expect(marked).not.toContain(damaged.fine.session)
})

test('each door of a session says that it cannot be read, or shows what is left and names it; others are answered', async () => {
  const wrong: string[] = []
  const ofSession = doors.filter((door) => door.startsWith('/v1/sessions/{id}'))
  expect(ofSession.length).toBeGreaterThan(10)
  for (const door of ofSession) {
    for (const [what, id] of everyUnreadable()) {
      const answer = await ask(door, id)
      const named = answer.text.includes('session_unreadable') || answer.text.includes('"unreadable"')
      const says = answer.text.includes(id) || answer.text.includes(damaged.unreadable.source!)
      // Of what needs no log (outputs, calls that nobody waits for), that there is none.
      const none = answer.status === 400 || answer.status === 404 || answer.status === 426
      const shown = answer.status === 200 && !answer.text.includes(damaged.fine.word)
      if (!(named && says) && !none && !shown)
        wrong.push(`${door} of ${what}: ${answer.status} ${answer.text.slice(0, 200)}`)
    }
    for (const id of [damaged.fine.session, damaged.parent, ...Object.values(damaged.quarantined)]) {
      const answer = await ask(door, id)
      if (!isAnswered(answer)) wrong.push(`${door} of ${id}: ${answer.status} ${answer.text.slice(0, 200)}`)
    }
  }
  expect(wrong).toEqual([])
  expect((await admin('GET', '/health')).text).toMatch(/\d+ sessions cannot be read/)
})

test('a parent waits for a child in quarantine, its tree says so, and it goes on when somebody ends that', async () => {
  const { parent, quarantined } = damaged
  const tree = JSON.parse((await admin('GET', of(parent, '/tree'))).text) as { nodes: { id: string; status: string }[] }
  expect(tree.nodes.map(({ id, status }) => [id, status])).toEqual([
    [parent, 'waiting'],
    [quarantined.child, 'quarantined'],
  ])
  expect((await admin('POST', of(quarantined.child!, '/release'))).status).toBe(202)
  expect((await admin('POST', of(quarantined.child!, '/end'))).status).toBe(202)
  await world.settled(parent)
})

test('every session is verified, and each that is damaged is named', async () => {
  const said = await runReins(world, ['session', 'verify', '--all', '--json'], {
    REINS_URL: world.api.url(),
    REINS_TOKEN: world.token,
  }).then(
    () => '',
    (error: unknown) => String(error),
  )
  expect(said).toMatch(/\d+ of \d+ sessions are damaged or cannot be read/)
  const plain = await world.api.once<{ sessions: { id: string }[] }>('GET', '/v1/sessions?limit=100')
  expect(plain.status).toBe(200)
})

test('the archive goes on, and the index can be rebuilt', async () => {
  const next = await keptSession(world, 'resting')
  const verb = (name: string) => callService<RebuildProgress>(world.broker, serviceSubject('memory', name), {})
  await verb('rebuild')
  await eventually(
    async () => {
      const progress = await verb('rebuild.progress')
      return progress.ok && progress.value.kind === 'done'
    },
    { withinMs: 60_000, describe: () => 'the index is rebuilt' },
  )
  const { text } = await admin('GET', '/v1/sessions?limit=100')
  for (const id of [next.session, damaged.fine.session, ...Object.values(damaged.unreadable)])
    expect(text).toContain(id)
})

test('each that cannot be read can be erased, a fork before its source, and is as any that was erased', async () => {
  const { source, fork, ...others } = damaged.unreadable
  const early = await admin('DELETE', of(source!))
  expect([early.status, early.text]).toEqual([409, expect.stringContaining(fork!)])
  for (const id of [...Object.values(others), fork!, source!]) {
    const answer = await admin('DELETE', of(id))
    expect([id, answer.status, answer.text]).toEqual([id, expect.toSatisfy((status) => status < 300), answer.text])
    await eventually(
      async () => {
        const { text } = await admin('GET', '/v1/sessions?erased=true&limit=100')
        const { sessions } = JSON.parse(text) as { sessions: { id: string; erased?: { completed?: boolean } }[] }
        return sessions.some((one) => one.id === id && one.erased?.completed)
      },
      { withinMs: 60_000, describe: () => `${id} is erased` },
    )
    expect((await admin('GET', of(id, '/events'))).status).toBe(410)
    expect((await admin('GET', of(id, '/frames'))).status).toBe(200)
  }
  // What was erased is not named any more.
  await eventually(async () => !(await admin('GET', '/health')).text.includes('cannot be read'), {
    withinMs: 60_000,
    describe: () => 'no session is named any more',
  })
})
