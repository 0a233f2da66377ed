import type { SessionEvent } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import {
  answered,
  asks,
  calling,
  e,
  g,
  given,
  message,
  started,
  t,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { workspaceFound } from './files-told.ts'

const left = (call: string, instructions: string, attempt = 1): readonly SessionEvent[] => [
  { type: 'files.kept', data: { call, attempt, files: 1, bytes: 1, content: 'x' } },
  { type: 'workspace.found', data: { call, attempt, found: { instructions, skills: [] } } },
  { type: 'tool-call.completed', data: { call, attempt, status: 'ok', output: '{}' } },
]
const asked: SessionEvent = {
  type: 'tool-calls.requested',
  data: { turn: 't2', calls: [{ call: 'k1', name: 'grep', arguments: {}, replay: 'safe' }] } as never,
}
const open = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2'))).and(
  e(answered('c2', asks('k1', 'grep')), asked),
)
const told = (one: typeof open) => workspaceFound(one.session)?.instructions

describe('what files in memory tell', () => {
  test('counts from the turn after the one in which they were written', () => {
    const written = open.and(t(...left('k1', 'one')))
    expect(told(written)).toBeUndefined()
    const over = written.and(e(calling('c5', 't2')), e(answered('c5', text('done')), turnCompleted('t2', 'c5')))
    expect(told(over)).toBe('one')
    expect(told(over.and(g(message('m2')), e(turn('t8', 'm2'))))).toBe('one')
  })

  test('counts with the outcome of its call, and not for an attempt that is over', () => {
    expect(open.and(t(...left('k1', 'late', 2).slice(0, 2))).session.told).toBeUndefined()
    const ended = open.and(t(...left('k1', 'one')))
    expect(ended.and(t(...left('k1', 'two').slice(0, 2))).session.told).toBe(ended.session.told)
  })
})
