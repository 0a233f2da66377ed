import type { Frame, KeptWebhook, SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { bodyFrom, jobsOf } from './matching.ts'

const session = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const webhook = (name: string, on: string[], after = 0): KeptWebhook => ({
  ...{ kind: 'kept', name, url: 'https://example.com', on, after, key: 'k', wrapped: '', sealed: '' },
  ...{ createdAt: 1, updatedAt: 1, by: 't' },
})
const frame = (events: readonly SessionEvent[], seq = 7): Frame => ({
  ...{ seq, n: 3, hash: 'h', status: 'idle', pool: 'p', needs: 1, id: 'f3', role: 'g', prev: 6 },
  ...{ at: 1_700_000_000_000, by: 'user:ann', events },
})
const told = (events: readonly SessionEvent[], seq = 7, of = session, stream = 'SES') => ({
  ...{ stream, session: of, frame: frame(events, seq) },
})
const paused: SessionEvent = { type: 'session.paused', data: {} }
const renamed: SessionEvent = { type: 'session.renamed', data: { title: 'A' } }

test('each webhook is told of the events that it listens to, with where they stand', () => {
  const jobs = jobsOf(told([paused, renamed]), [
    webhook('one', ['session.renamed']),
    webhook('all', ['*']),
    webhook('none', ['turn.failed']),
  ])
  expect(jobs.map(({ webhook: name, type, i }) => [name, type, i])).toEqual([
    ['all', 'session.paused', 0],
    ['one', 'session.renamed', 1],
    ['all', 'session.renamed', 1],
  ])
  expect(jobs[1]).toEqual({
    ...{ id: expect.stringMatching(/^msg_/), webhook: 'one', type: 'session.renamed' },
    ...{ session, seq: 7, n: 3, i: 1, attempt: 1 },
  })
  expect(JSON.parse(bodyFrom(frame([paused, renamed]), jobs[1]!) ?? '')).toEqual({
    type: 'session.renamed',
    timestamp: '2023-11-14T22:13:20.000Z',
    data: { session, n: 3, i: 1, by: 'user:ann', event: { title: 'A' } },
  })
})

test('the same event is the same delivery, and each webhook and event has its own', () => {
  const webhooks = [webhook('one', ['*']), webhook('two', ['*'])]
  const first = jobsOf(told([paused, renamed]), webhooks)
  expect(jobsOf(told([paused, renamed]), webhooks)).toEqual(first)
  expect(new Set(first.map(({ id }) => id)).size).toBe(4)
})

test('nobody is told of what was recorded before a webhook was made', () => {
  expect(jobsOf(told([paused], 7), [webhook('one', ['*'], 7)])).toEqual([])
  expect(jobsOf(told([paused], 8), [webhook('one', ['*'], 7)])).toHaveLength(1)
})

test('each of several streams has its own place, behind which a webhook is told', () => {
  const one = { ...webhook('one', ['*'], 5), places: { 'SES-0': 9 } }
  expect(jobsOf(told([paused], 8, session, 'SES-0'), [one])).toEqual([])
  expect(jobsOf(told([paused], 10, session, 'SES-0'), [one])).toHaveLength(1)
  expect(jobsOf(told([paused], 6, session, 'SES-1'), [one])).toHaveLength(1)
})

test('a large event is told without its data', () => {
  const large = frame([{ type: 'session.renamed', data: { title: 'x'.repeat(40_000) } }])
  const body = bodyFrom(large, { session, n: 3, i: 0, type: 'session.renamed' })
  expect(JSON.parse(body ?? '').data).toEqual({ session, n: 3, i: 0, by: 'user:ann' })
})

test.each([
  ['the number of the frame', { n: 4 }],
  ['the place in it', { i: 1 }],
  ['the type', { type: 'turn.failed' }],
])('%s must be that of the event, or there is no body', (_, wrong) => {
  expect(bodyFrom(frame([paused]), { session, n: 3, i: 0, type: 'session.paused', ...wrong })).toBeUndefined()
})

test('a webhook of somebody who may read some sessions is told of these alone', () => {
  const heard = (only: KeptWebhook['only'], of = session, agent?: string) =>
    jobsOf(told([paused], 7, of), [{ ...webhook('one', ['*']), ...(only ? { only } : {}) }], agent).length === 1
  const other = '01ARZ3NDEKTSV4RRFFQ69G5FAW'
  expect(heard([{ agent: 'coder' }], session, 'coder')).toBe(true)
  expect(heard([{ agent: 'coder' }], session, 'other')).toBe(false)
  expect(heard([{ session }], session, 'other')).toBe(true)
  expect(heard([{ session }], other, 'other')).toBe(false)
  expect(heard([{ agent: 'coder', session: other }], session, 'coder')).toBe(false)
  expect(heard([{ agent: 'coder' }, { session }], session, 'other')).toBe(true)
  // Whose agent is not known is told to nobody who needs it, and what asks for a tool is no leave to read a session.
  expect(heard([{ agent: 'coder' }])).toBe(false)
  expect(heard([{ agent: 'coder', tool: 'shell' }], session, 'coder')).toBe(false)
  expect(heard([])).toBe(false)
})
