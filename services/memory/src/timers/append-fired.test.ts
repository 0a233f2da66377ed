import { type Draft, emptyHead, type SessionEvent, toExec, toLog } from '@reins/contracts'
import { createMemoryJournal, type MemoryFaults } from '@reins/journal'
import { afterEach, expect, test } from 'vitest'
import { appendFired } from './append-fired.ts'

const session = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
let close: () => void = () => {}
afterEach(() => close())

function journal(faults: MemoryFaults = {}) {
  let random = 0
  const clock = { now: () => 1_700_000_000_000, random: () => (random = (random + 0.37) % 1) }
  const made = createMemoryJournal({ clock, faults })
  close = made.close
  const { sessions } = made
  const append = async (events: SessionEvent[], status: Draft['status']) => {
    const head = await sessions.head(session)
    const draft: Draft = {
      id: `x${head.n}`,
      n: head.n + 1,
      prev: head.seq,
      at: clock.now(),
      by: 'test',
      role: 'e',
      needs: 1,
      status,
      pool: 'p1',
      events,
    }
    const previous = head.seq === 0 ? emptyHead(session).hash : head.hash
    const outcome = await sessions.append(session, draft, head.seq === 0 ? toExec('p1') : toLog, previous)
    expect(outcome.kind).toBe('appended')
  }
  const fire = (timer: string, sure = true) =>
    appendFired({ sessions, clock, instance: 'memory-1' }, session, { timer, sure })
  return { sessions, append, fire }
}
const armed: SessionEvent = { type: 'timer.armed', data: { timer: 't1', at: 1 } }
const paused: SessionEvent = { type: 'session.paused', data: {} }

test('a fired timer is an event of its session, with the status and pool of the head', async () => {
  const { sessions, append, fire } = journal()
  await append([armed], 'waiting')
  expect(await fire('t1')).toBe('appended')
  const frames = await sessions.read(session)
  expect(frames.at(-1)).toMatchObject({
    n: 2,
    role: 'm',
    by: 'memory-1',
    status: 'waiting',
    pool: 'p1',
    events: [{ type: 'timer.fired', data: { timer: 't1' } }],
  })
})

test('for no session, and for one that has ended, there is nothing to do', async () => {
  const { sessions, append, fire } = journal()
  expect(await fire('t1')).toBe('nothing to do')
  await append([armed], 'ended')
  expect(await fire('t1')).toBe('nothing to do')
  expect(await sessions.read(session)).toHaveLength(1)
})

test('an append on top of another one is decided again, and copies its status', async () => {
  let raced = false
  const { sessions, append, fire } = journal({
    loseRequest: (_, frame) => !frame.startsWith('x') && !raced,
    beforeRetry: async () => {
      raced = true
      await append([paused], 'paused')
    },
  })
  await append([armed], 'waiting')
  expect(await fire('t1')).toBe('appended')
  const frames = await sessions.read(session)
  expect(frames.map(({ n, status }) => [n, status])).toEqual([
    [1, 'waiting'],
    [2, 'paused'],
    [3, 'paused'],
  ])
})

test('a lost ack makes no second event', async () => {
  let lost = false
  const { sessions, append, fire } = journal({
    loseAck: (_, frame) => {
      const lose = !frame.startsWith('x') && !lost
      lost ||= lose
      return lose
    },
  })
  await append([armed], 'waiting')
  expect(await fire('t1')).toBe('appended')
  expect(await sessions.read(session)).toHaveLength(2)
})

test('a timer that another memory has said meanwhile is done', async () => {
  let raced = false
  const { sessions, append, fire } = journal({
    loseRequest: (_, frame) => !frame.startsWith('x') && !raced,
    beforeRetry: async () => {
      raced = true
      await append([{ type: 'timer.fired', data: { timer: 't1' } }], 'waiting')
    },
  })
  await append([armed], 'waiting')
  expect(await fire('t1')).toBe('nothing to do')
  expect(await sessions.read(session)).toHaveLength(2)
})

test('of one that is not sure to have been armed so the log tells', async () => {
  const { sessions, append, fire } = journal()
  await append([armed, { type: 'timer.armed', data: { timer: 't2', at: 1_700_000_100_000 } }], 'waiting')
  expect(await fire('t3', false)).toBe('nothing to do')
  expect(await fire('t1', false)).toBe('appended')
  // Whoever spoiled it took away what was armed: the session is woken, so that it is armed again.
  expect(await fire('t2', false)).toBe('appended')
  const said = (await sessions.read(session)).slice(1).flatMap(({ events }) => events)
  expect(said).toEqual([
    { type: 'timer.fired', data: { timer: 't1' } },
    { type: 'timer.fired', data: { timer: 't2-early' } },
  ])
})
