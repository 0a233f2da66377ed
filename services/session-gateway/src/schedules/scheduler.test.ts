import { type ProjectEntry, type ProjectSchedule, ReinsError } from '@reins/contracts'
import { silentLog } from '@reins/telemetry'
import { expect, test } from 'vitest'
import { Scheduler } from './scheduler.ts'

const at = (text: string): number => Date.parse(`2026-11-28T${text}:00Z`)

const schedule = (change: Partial<ProjectSchedule> = {}): ProjectSchedule => ({
  ...{ of: 'workflow', name: 'report', number: 1, file: 'src/workflows/report.ts' },
  ...{ cron: '0 * * * *', timeZone: 'UTC', missed: 'latest', ...change },
})

const project = (updatedAt: number, ...schedules: ProjectSchedule[]): ProjectEntry => ({
  ...{ name: 'desk', version: 1, digest: `sha256-${'0'.repeat(64)}`, size: 1, previous: [], deleted: false },
  ...{ createdAt: 1, updatedAt, by: 'user:admin' },
  manifest: { agents: [], workflows: [], channels: [], app: false, schedules },
})

/** Gateways that share what is stored by key. */
function world(...projects: ProjectEntry[]) {
  const here = {
    now: at('08:00'),
    projects,
    fired: [] as string[],
    refuse: undefined as ReinsError | undefined,
    gateway: () =>
      new Scheduler({
        projects: () => here.projects,
        fire: async (_project, _schedule, key) => {
          if (here.refuse) return here.refuse
          const time = new Date(Number(key.split('/').at(-1))).toISOString().slice(11, 16)
          if (!here.fired.includes(time)) here.fired.push(time)
          return undefined
        },
        now: () => here.now,
        log: silentLog,
      }),
  }
  return here
}

test('each time fires once, however many gateways look, and however often', async () => {
  const here = world(project(at('07:30'), schedule()))
  const gateways = [here.gateway(), here.gateway()]
  for (const time of ['07:59', '08:00', '08:01', '08:59', '09:00', '09:01']) {
    here.now = at(time)
    for (const gateway of gateways) await gateway.look()
  }
  expect(here.fired).toEqual(['08:00', '09:00'])
  await here.gateway().look() // It has just started.
  expect(here.fired).toEqual(['08:00', '09:00'])
})

test('a schedule begins when its project was deployed', async () => {
  const here = world(project(at('08:00'), schedule()))
  here.now = at('08:30')
  await here.gateway().look()
  expect(here.fired).toEqual([])
})

test.each([
  ['latest', ['20:00']],
  ['all', ['11:00', '12:00', '13:00', '14:00', '15:00', '16:00', '17:00', '18:00', '19:00', '20:00']],
  ['skip', []],
] as const)('of what was missed while no gateway ran, %s fires %j', async (missed, fired) => {
  const here = world(project(at('00:30'), schedule({ missed })))
  here.now = at('20:30')
  await here.gateway().look()
  expect(here.fired).toEqual(fired)
})

test('nothing is made up for that lies more than twelve hours back', async () => {
  const here = world(project(at('00:30'), schedule({ cron: '0 1 * * *' })))
  here.now = at('20:30')
  await here.gateway().look()
  expect(here.fired).toEqual([])
})

test('what is refused for a while is tried again, and what is wrong is not', async () => {
  const here = world(project(at('07:30'), schedule()))
  const gateway = here.gateway()
  here.refuse = new ReinsError('unavailable')
  await gateway.look()
  here.refuse = undefined
  here.now += 5_000
  await gateway.look()
  expect(here.fired).toEqual(['08:00'])
  here.now = at('09:00')
  here.refuse = new ReinsError('workflow_not_found')
  await gateway.look()
  here.refuse = undefined
  here.now = at('09:01')
  await gateway.look()
  expect(here.fired).toEqual(['08:00'])
})

test('a schedule that a build changes or leaves out fires as the build says', async () => {
  const here = world(project(at('07:30'), schedule()))
  const gateway = here.gateway()
  await gateway.look()
  here.projects = [project(at('08:10'), schedule({ cron: '30 * * * *' }))]
  for (const time of ['08:11', '08:30', '09:00']) {
    here.now = at(time)
    await gateway.look()
  }
  here.projects = []
  here.now = at('09:30')
  await gateway.look()
  expect(here.fired).toEqual(['08:00', '08:30'])
})
