// Memory is killed at each step of putting a session into the archive, and of taking its frames out of the stream. At each of them the
// session reads as it was, and goes on with the next message; and the next memory brings the step to its end.
import { callService } from '@reins/broker'
import { type RebuildProgress, type SessionInfo, serviceSubject } from '@reins/contracts'
import { checkLog } from '@reins/session'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { framesOf as allFramesOf, rested as restedIn } from '../harness/api-frames.ts'
import { openArchivingWorld, untilArchived } from '../harness/archive.ts'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import type { World } from '../harness/world.ts'

const deadline = 180_000
let world: World
let environment: Readonly<Record<string, string>>
let executor: ServiceProcess

beforeAll(async () => {
  ;({ world, environment, executor } = await openArchivingWorld('resting'))
}, deadline)
afterAll(() => world?.close(), deadline)

async function startExecutor(): Promise<void> {
  executor = await world.start('executor')
}

const framesOf = (session: string) => allFramesOf(world, session)
const rested = (session: string, turns: number) => restedIn(world, session, turns)

const archived = (session: string) => untilArchived(world, session)

const rowOf = (session: string) =>
  eventually(async () => {
    const { body } = await world.api.once<{ sessions: SessionInfo[] }>('GET', '/v1/sessions?limit=100')
    return body.sessions.find(({ id }) => id === session)
  })

test.each([
  'memory.archive-read',
  'memory.archive-stored',
  'memory.archive-appended',
  'memory.archive-before-taking-out',
  'memory.archive-taken-out',
])(
  'memory killed at %s: the session reads as before, goes on, and goes to the archive with the next memory',
  async (point) => {
    const { session } = await world.api.create('resting', '!shell echo one')
    const before = await rested(session.id, 1)
    const victim = await world.start('memory', { environment, pauseAt: point })
    await victim.paused()
    await victim.kill()
    const now = await framesOf(session.id)
    expect(now.slice(0, before.length)).toEqual(before)
    expect(checkLog(session.id, now)).toMatchObject({ problems: [], atRest: true })
    await world.api.send(session.id, 'say two')
    const after = await rested(session.id, 2)

    const memory = await world.start('memory', { environment })
    await archived(session.id)
    const whole = await framesOf(session.id)
    expect(whole.slice(0, after.length)).toEqual(after)
    await executor.kill()
    await startExecutor()
    await world.api.send(session.id, 'say three')
    const last = await rested(session.id, 3)
    expect(last.slice(0, whole.length)).toEqual(whole)
    await archived(session.id)
    expect((await framesOf(session.id)).slice(0, last.length)).toEqual(last)
    await memory.kill()
  },
  deadline,
)

test(
  'the list is the same when it is made anew from a stream whose frames lie in the archive',
  async () => {
    const { session } = await world.api.create('resting', 'say one')
    await rested(session.id, 1)
    const memory = await world.start('memory', { environment })
    await archived(session.id)
    const fork = await world.api.once<{ session: { id: string } }>('POST', `/v1/sessions/${session.id}/fork`, {})
    expect(fork.status).toBe(201)
    await world.api.send(fork.body.session.id, 'say two')
    await rested(fork.body.session.id, 2)
    await archived(fork.body.session.id)
    const rows = [await rowOf(session.id), await rowOf(fork.body.session.id)]
    const ask = (verb: string) => callService(world.broker, serviceSubject('memory', verb), {})
    await ask('rebuild')
    await eventually(async () => {
      const reply = await ask('rebuild.progress')
      return 'value' in reply && (reply.value as RebuildProgress).kind === 'done'
    })
    expect([await rowOf(session.id), await rowOf(fork.body.session.id)]).toEqual(rows)
    await memory.kill()
  },
  deadline,
)
