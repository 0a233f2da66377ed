import type { Frame, SessionEvent } from '@reins/contracts'
import { expect, test } from 'vitest'
import { backToOpen } from './open-turn.ts'

const session = '01JZZZZZZZZZZZZZZZZZZZZZZZ'
const began = (attempt: number): SessionEvent => ({
  type: 'model-call.started',
  data: { call: 'm', attempt, turn: 't', model: 'scripted/echo' },
})
const ran: SessionEvent = { type: 'tool-call.started', data: { call: 'c', attempt: 1 } }

/** A session's frames, every `apart`th of a stream; `events` says what the nth one holds. */
function log(count: number, apart: number, events: (n: number) => SessionEvent | 'rest') {
  const frames = Array.from({ length: count }, (_, i): Frame => {
    const n = i + 1
    const held = events(n)
    return {
      ...{ seq: n * apart, id: `f${n}`, n, prev: (n - 1) * apart, at: n, by: 'test', role: 'e', needs: 1, hash: '' },
      ...{ pool: 'default', status: held === 'rest' ? 'idle' : 'running', events: held === 'rest' ? [] : [held] },
    } as Frame
  })
  const reads = { asked: 0, frames: 0 }
  return {
    reads,
    last: frames.at(-1)!,
    sessions: {
      frameAt: async (_: string, seq: number) => {
        reads.asked++
        reads.frames++
        return frames.find((frame) => frame.seq === seq)
      },
      read: async (_: unknown, { after = 0, limit = Number.POSITIVE_INFINITY } = {}) => {
        const found = frames.filter((frame) => frame.seq > after).slice(0, limit)
        reads.asked++
        reads.frames += found.length
        return found
      },
    },
  }
}
const numbers = (frames: readonly Frame[]): number[] => frames.map(({ n }) => n)

test('in a session of 15,000 frames it reads those of the open answer', async () => {
  const { sessions, reads, last } = log(15_000, 7, (n) => (n === 14_997 ? began(1) : n < 14_995 ? 'rest' : began(2)))
  expect(numbers(await backToOpen(sessions, session, last))).toEqual([14_997, 14_998, 14_999])
  expect(reads).toEqual({ asked: 3, frames: 3 })
})

test('a long turn does not matter: nothing is open before the first attempt of a model call', async () => {
  const { sessions, reads, last } = log(15_000, 7, (n) => (n === 14_998 ? began(1) : ran))
  expect(numbers(await backToOpen(sessions, session, last))).toEqual([14_998, 14_999])
  expect(reads.asked).toBe(2)
})

test.each([1, 9])(
  'many tools that run at once are read in pages, and little more than them (every %i. frame)',
  async (apart) => {
    const { sessions, reads, last } = log(15_000, apart, (n) => (n === 14_400 ? began(1) : ran))
    const found = await backToOpen(sessions, session, last)
    expect(numbers(found)).toEqual(Array.from({ length: 600 }, (_, i) => 14_400 + i))
    expect(reads.asked).toBeLessThan(50)
    expect(reads.frames).toBeLessThan(1300)
  },
)

test('frames that lie further apart than the last ones did are found too', async () => {
  const { sessions, last } = log(400, 1, (n) => (n === 1 ? began(1) : ran))
  const spread = async (_: unknown, options: { after?: number; limit?: number }) => sessions.read(_, options)
  expect(numbers(await backToOpen({ ...sessions, read: spread }, session, last))).toEqual(
    Array.from({ length: 399 }, (_, i) => i + 1),
  )
})

test('in a stream that was moved, where no frame is where the next one says, it is found all the same', async () => {
  const { sessions, last } = log(300, 3, (n) => (n === 100 ? began(1) : ran))
  const moved = { ...last, prev: last.prev + 1 }
  expect(numbers(await backToOpen(sessions, session, moved))).toEqual(Array.from({ length: 200 }, (_, i) => 100 + i))
})
