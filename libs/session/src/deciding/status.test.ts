import type { Status } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  type Given,
  g,
  given,
  id,
  m,
  message,
  paused,
  requested,
  started,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import type { Cover } from '../slice.ts'
import { cover, statusOf } from './status.ts'

const born = given(g(started()))
const received = born.and(g(message('m1')))
const running = received.and(e(turn('t3', 'm1'), calling('c3', 't3')))
const error = { code: 'overloaded' as const, message: 'later' }
const throttled = running.and(
  e(
    { type: 'model-call.throttled', data: { call: 'c3', attempt: 1, error, timer: 'w1', until: 5 } },
    { type: 'timer.armed', data: { timer: 'w1', at: 5 } },
  ),
)
const tools = running.and(e(answered('c3', asks('k1', 'grep')), requested('t3', ['k1', 'safe'])))
const request = { call: 'k1', agent: 'helper', digest: 'h', child: `${id}-x`, pool: 'p', instruction: '' }
const delegated = running.and(
  e(answered('c3', asks('k1', 'delegate', { agent: 'helper' })), { type: 'delegation.requested', data: request }),
)
const done = running.and(e(answered('c3', text('hi')), turnCompleted('t3', 'c3')))

const rows: readonly (readonly [string, Given, Status, Cover['kind']])[] = [
  ['a new session', born, 'idle', 'rest'],
  ['a message that waits', received, 'running', 'exec-trigger'],
  ['a model call', running, 'running', 'exec-trigger'],
  ['a throttled model call', throttled, 'waiting', 'timer'],
  [
    'one whose timer has fired',
    throttled.and(m({ type: 'timer.fired', data: { timer: 'w1' } })),
    'running',
    'exec-trigger',
  ],
  ['a tool call', tools, 'waiting', 'runner'],
  ['a delegation', delegated, 'waiting', 'child'],
  ['a finished turn', done, 'idle', 'rest'],
  ['a paused session', running.and(g(paused)), 'paused', 'person'],
  ['a paused session under a cancel', running.and(g(paused), g(cancel())), 'paused', 'exec-trigger'],
  [
    'a quarantined session',
    running.and(e({ type: 'session.quarantined', data: { reason: 'x', frame: 3 } })),
    'quarantined',
    'person',
  ],
  ['an ended session', done.and(e({ type: 'session.ended', data: { reason: 'ended' } })), 'ended', 'rest'],
]

describe('what a state shows, and what covers it', () => {
  it.each(rows)('%s', (_, { session }, status, kind) => {
    expect(statusOf(session)).toBe(status)
    expect(cover(session).map((one) => one.kind)).toEqual([kind])
  })

  it('names what each open call waits for', () => {
    expect(cover(tools.session)).toEqual([{ kind: 'runner', call: 'k1' }])
    expect(cover(delegated.session)).toEqual([{ kind: 'child', call: 'k1', child: `${id}-x` }])
    expect(cover(throttled.session)).toEqual([{ kind: 'timer', timer: 'w1' }])
  })
})
