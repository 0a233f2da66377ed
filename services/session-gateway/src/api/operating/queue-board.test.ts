import type { Heartbeat } from '@reins/contracts'
import { expect, test } from 'vitest'
import { QueueBoard } from './queue-board.ts'

function world() {
  const clock = { now: 10_000 }
  const board = new QueueBoard(() => clock.now)
  const told: string[] = []
  board.onQueued((session, { ahead }) => told.push(`${session} ${ahead}`))
  const beat = (instance: string, more: Partial<Heartbeat>) =>
    board.heard({ instance, pools: ['default'], labels: {}, slots: 1, busy: 1, ...more })
  return { clock, board, told, beat }
}
const waiting = { count: 2, since: 100 }
const queued = [
  { session: 'a', since: 100 },
  { session: 'b', since: 200 },
]

test('a session that waits has its place, and viewers are told of it once', () => {
  const { board, told, beat } = world()
  beat('e1', { waiting, queued })
  beat('e1', { waiting })
  beat('e1', { waiting, queued })
  expect(board.of('b')).toEqual({ since: 200, ahead: 1 })
  expect(board.of('c')).toBeUndefined()
  expect(told).toEqual(['a 0', 'b 1'])
})

test('who has left the queue waits no more, and who comes back is told of again', () => {
  const { board, told, beat } = world()
  beat('e1', { waiting, queued })
  beat('e1', { waiting: { count: 1, since: 200 }, queued: queued.slice(1) })
  expect(board.of('a')).toBeUndefined()
  expect(board.of('b')).toEqual({ since: 200, ahead: 0 })
  beat('e1', {})
  expect(board.of('b')).toBeUndefined()
  beat('e1', { waiting, queued: queued.slice(1) })
  expect(told).toEqual(['a 0', 'b 1', 'b 0'])
})

test('all executors together say how many wait, and since when; one that is silent says nothing', () => {
  const { clock, board, beat } = world()
  expect(board.all()).toBeUndefined()
  beat('e1', { waiting, queued })
  clock.now += 2000
  beat('e2', { waiting: { count: 3, since: 150 }, queued: [] })
  expect(board.all()).toEqual({ count: 5, since: 100 })
  clock.now += 2000
  expect(board.all()).toEqual({ count: 3, since: 150 })
  expect(board.of('a')).toBeUndefined()
})
