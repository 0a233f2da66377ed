import { expect, test } from 'vitest'
import { schedulesOf } from './schedules.ts'

function read(of: 'workflow' | 'agent', schedule: unknown) {
  const problems: string[] = []
  const schedules = schedulesOf(of, 'one', { module: { schedule }, file: 'src/one.ts' }, (message) => {
    problems.push(message)
  })
  return { schedules, problems }
}
const about = { name: 'one', number: 1, file: 'src/one.ts' }

test('a schedule has what its module says, and the rest by default', () => {
  expect(read('workflow', { cron: '0 9 * * *', payload: { a: 1 } }).schedules).toEqual([
    { of: 'workflow', ...about, cron: '0 9 * * *', timeZone: 'UTC', missed: 'latest', payload: { a: 1 } },
  ])
  const agent = {
    cron: '@daily',
    timeZone: 'Europe/Berlin',
    missed: 'skip',
    id: 'ann',
    session: 'news',
    input: 'What is new?',
  }
  expect(read('agent', [agent, { ...agent, id: 'bob' }]).schedules).toMatchObject([
    { of: 'agent', ...about, ...agent },
    { number: 2, id: 'bob' },
  ])
  expect(read('workflow', undefined)).toEqual({ schedules: [], problems: [] })
})

test.each([
  ['workflow', '0 9 * * *', 'must be an object'],
  ['workflow', { every: '5m' }, 'has the unknown field "every"'],
  ['workflow', {}, 'has no cron'],
  ['workflow', { cron: '@daily', missed: 'never' }, 'none of latest, all and skip'],
  ['workflow', { cron: '@daily', payload: () => 1 }, 'has a payload that is no JSON'],
  ['agent', { cron: '@daily', input: 'x' }, 'has no id'],
  ['agent', { cron: '@daily', id: 'ann' }, 'has no input'],
  ['agent', { cron: '@daily', id: 'ann', input: 'x', payload: 1 }, 'has the unknown field "payload"'],
] as const)('of %s %j is refused with what to write', (of, schedule, message) => {
  const { schedules, problems } = read(of, schedule)
  expect([schedules, problems]).toEqual([[], [expect.stringContaining(message)]])
  expect(problems[0]).toContain('export const schedule = {')
})
