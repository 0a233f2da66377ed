import type { SessionEvent } from '@reins/contracts'
import { expect, it } from 'vitest'
import { filesBefore, type RunnerView } from '../tool-call/runner.ts'
import { evolveView, viewOf } from '../tool-call/runner.ts'

const view: RunnerView = viewOf(
  ['a', 'b', 'c'].map((call) => ({ call, name: 'shell', arguments: {}, replay: 'safe', alone: true })),
)
const kept = (call: string, attempt = 1): SessionEvent => ({
  type: 'files.kept',
  data: { call, attempt, files: 1, bytes: 1, content: 'x' },
})
const done = (call: string): SessionEvent => ({
  type: 'tool-call.completed',
  data: { call, attempt: 1, status: 'ok', output: '{}' },
})
const before = (one: RunnerView) => ['a', 'b', 'c'].map((call) => filesBefore(one, call, 3))

it('a call begins with what the call before it left, else with what was asked', () => {
  expect(before(view)).toEqual([3, 3, 3])
  const first = evolveView(view, { events: [kept('a'), done('a')], by: 't', seq: 7 })
  expect(before(first)).toEqual([3, 7, 7])
  expect(before(evolveView(first, { events: [done('b')], by: 't', seq: 8 }))).toEqual([3, 7, 7])
})

it('what an attempt left that counts no more, or a call that has ended, is not there', () => {
  const ended = evolveView(view, { events: [done('a')], by: 't', seq: 7 })
  expect(before(evolveView(ended, { events: [kept('a'), kept('b', 2)], by: 't', seq: 8 }))).toEqual([3, 3, 3])
})
