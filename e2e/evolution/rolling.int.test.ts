// Two builds side by side, under load, rolled forward and back: an older process leaves alone what it does not understand, nothing is
// quarantined, and nothing is stuck. The older build is the product as it is; the newer one is made by newer-build.ts.
import { knownEvents } from '@reins/contracts'
import { brokenLink } from '@reins/session'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import type { StoredFrame } from '../harness/stored-log.ts'
import { World } from '../harness/world.ts'
import { newer } from './newer.ts'

const deadline = 180_000
const sessionsEach = 4
let world: World

beforeAll(async () => {
  world = await World.open()
  await Promise.all([world.start('registry'), world.start('session-gateway')])
  await Promise.all([world.agent('plain'), world.agent('marker')])
}, deadline)

afterAll(() => world?.close(), deadline)

const pair = (settings = {}): Promise<ServiceProcess[]> =>
  Promise.all([world.start('executor', settings), world.start('tool-runner', settings)])
const written = ({ frame, eventsJson }: StoredFrame): string => `${frame.needs} ${eventsJson}`
const answered = (log: readonly StoredFrame[]): number =>
  log.flatMap(({ frame }) => knownEvents(frame)).filter(({ type }) => type === 'turn.completed').length

/** Resolves when the session has so many answers. */
const answers = (session: string, count: number): Promise<readonly StoredFrame[]> =>
  eventually(
    async () => {
      const log = await world.readLog(session)
      return answered(log) >= count && log
    },
    { withinMs: 60_000, describe: () => `${session} has ${count} answers` },
  )

test(
  'processes of two builds are rolled forward and back under load',
  async () => {
    const say = (session: string) => world.api.send(session, '!shell echo hello')
    const begin = (agent: string) =>
      Promise.all(
        Array.from(
          { length: sessionsEach },
          async () => (await world.api.create(agent, '!shell echo hello')).session.id,
        ),
      )
    const older = await pair()
    const [plain, marked] = await Promise.all([begin('plain'), begin('marker')])
    const all = [...plain, ...marked]
    await Promise.all(all.map((session) => answers(session, 1)))

    // Forward: both builds serve the same pool for a while, then the older one is gone.
    const next = await pair(newer)
    await Promise.all(all.map(say))
    await Promise.all(older.map((one) => one.terminate()))
    await Promise.all(all.map(say))
    await Promise.all(all.map((session) => answers(session, 3)))
    for (const session of marked)
      expect((await world.readLog(session)).map(written).join('\n')).toContain('turn.marked')
    for (const session of plain) {
      const log = (await world.readLog(session)).map(written).join('\n')
      expect(log).toContain('"mood":"good"')
      expect(log).not.toMatch(/^2/m)
    }

    // Back: what the newer build has marked waits, and everything else goes on.
    const back = await pair()
    await Promise.all(all.map(say))
    await Promise.all(next.map((one) => one.kill()))
    await Promise.all(plain.map((session) => answers(session, 4)))
    const waiting = await Promise.all(marked.map((session) => world.readLog(session)))
    const { body } = await world.api.once<{ state: { beyond?: { why: string } } }>(
      'GET',
      `/v1/sessions/${marked[0]}/state`,
    )
    expect(body.state.beyond?.why).toContain('turn.marked')
    for (const log of waiting) expect(log.at(-1)?.frame.status).not.toBe('quarantined')

    // Forward again: what waited is answered.
    await pair(newer)
    await Promise.all(all.map(say))
    await Promise.all(back.map((one) => one.terminate()))
    await Promise.all(all.map((session) => answers(session, 5)))

    for (const session of all) {
      const log = await world.readLog(session)
      expect(brokenLink(session, log)).toBeNull()
      expect(log.map(written).join('\n')).not.toContain('session.quarantined')
      expect(log.filter(({ frame }) => frame.fault !== undefined)).toEqual([])
      const needs = log.map(({ frame }) => frame.needs)
      expect(needs).toEqual([...needs].sort((a, b) => a - b))
      if (plain.includes(session)) expect(await world.verdict(session)).toEqual([])
    }
  },
  deadline,
)
