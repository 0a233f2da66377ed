import type { Frame, KeptWebhook, SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { jobsOf } from './matching.ts'

const session = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const webhook = (name: string, on: string[], after = 0): KeptWebhook => ({
  ...{ kind: 'kept', name, url: 'https://example.com', on, after, key: 'k', wrapped: '', sealed: '' },
  ...{ createdAt: 1, updatedAt: 1, by: 't' },
})
const frame = (events: readonly SessionEvent[], seq = 7): Frame => ({
  ...{ seq, n: 3, hash: 'h', status: 'idle', pool: 'p', needs: 1, id: 'f3', role: 'g', prev: 6 },
  ...{ at: 1_700_000_000_000, by: 'user:ann', events },
})
const paused: SessionEvent = { type: 'session.paused', data: {} }
const renamed: SessionEvent = { type: 'session.renamed', data: { title: 'A' } }

test('each webhook is told of the events that it listens to, with where they stand', () => {
  const jobs = jobsOf(session, frame([paused, renamed]), [
    webhook('one', ['session.renamed']),
    webhook('all', ['*']),
    webhook('none', ['turn.failed']),
  ])
  expect(jobs.map(({ webhook: name, type, i }) => [name, type, i])).toEqual([
    ['all', 'session.paused', 0],
    ['one', 'session.renamed', 1],
    ['all', 'session.renamed', 1],
  ])
  expect(JSON.parse(jobs[1]?.body ?? '')).toEqual({
    type: 'session.renamed',
    timestamp: '2023-11-14T22:13:20.000Z',
    data: { session, n: 3, i: 1, by: 'user:ann', event: { title: 'A' } },
  })
})

test('the same event is the same delivery, and each webhook and event has its own', () => {
  const webhooks = [webhook('one', ['*']), webhook('two', ['*'])]
  const first = jobsOf(session, frame([paused, renamed]), webhooks)
  expect(jobsOf(session, frame([paused, renamed]), webhooks)).toEqual(first)
  expect(new Set(first.map(({ id }) => id)).size).toBe(4)
})

test('nobody is told of what was recorded before a webhook was made', () => {
  expect(jobsOf(session, frame([paused], 7), [webhook('one', ['*'], 7)])).toEqual([])
  expect(jobsOf(session, frame([paused], 8), [webhook('one', ['*'], 7)])).toHaveLength(1)
})

test('a large event is told without its data', () => {
  const [job] = jobsOf(session, frame([{ type: 'session.renamed', data: { title: 'x'.repeat(40_000) } }]), [
    webhook('one', ['*']),
  ])
  expect(JSON.parse(job?.body ?? '').data).toEqual({ session, n: 3, i: 0, by: 'user:ann' })
})

test('a webhook of somebody who may read some sessions is told of these alone', () => {
  const heard = (only: KeptWebhook['only'], of = session, agent?: string) =>
    jobsOf(of, frame([paused]), [{ ...webhook('one', ['*']), ...(only ? { only } : {}) }], agent).length === 1
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
