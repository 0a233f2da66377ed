import { toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  e,
  g,
  given,
  message,
  requested,
  result,
  started,
  t,
  text,
  turn,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'

const said = (n: number) => ({ n, at: 1000, by: 'e1' })

describe('messages and turns', () => {
  it('begins a turn and its model call in one frame for the message that waits longest', () => {
    const { session } = given(g(started(), message('m1')), g(message('m2')))
    expect(plan(session, [], said(3), true)).toMatchObject({
      events: [turn('t3', 'm1'), calling('c3', 't3')],
      to: toLog,
      effect: { kind: 'call-model', call: 'c3', attempt: 1 },
    })
  })

  it('takes a message once, however often it was received', () => {
    const { session } = given(g(started(), message('m1')), g(message('m1')))
    expect(session.inbox.map(({ message: name }) => name)).toEqual(['m1'])
  })

  it('ends the turn with the answer, and begins the next one for a message that waits', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')), g(message('m2')))
    const next = plan(session, [answered('c2', text('hi'))], said(4), true)
    expect(next?.events).toEqual([
      answered('c2', text('hi')),
      turnCompleted('t2', 'c2'),
      turn('t4', 'm2'),
      calling('c4', 't4'),
    ])
    expect(next?.after.settled).toBeNull()
  })

  it('begins nothing for one who holds no trigger: it records, and ends what can be ended', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')), g(message('m2')))
    const next = plan(session, [answered('c2', text('hi'))], said(4), false)
    expect(next).toMatchObject({ effect: null })
    expect(types(next?.events ?? [])).toEqual(['model-call.completed', 'turn.completed'])
  })

  it('lets a message join before the next model call, and only then', () => {
    const busy = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(message('m2', 'join')),
      e(answered('c2', asks('k1', 'grep')), requested('t2', ['k1', 'safe'])),
    )
    expect(due(busy.session, 5)).toBeNull()
    const next = plan(busy.and(t(result('k1'))).session, [], said(6), true)
    expect(next?.events).toEqual([{ type: 'message.joined', data: { message: 'm2', turn: 't2' } }, calling('c6', 't2')])
    expect(next?.after.transcript.toArray().map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'tool'])
  })

  it('asks the model again where a message joins an answer that would have been the last', () => {
    const { session } = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(message('m2', 'join')),
    )
    const next = plan(session, [answered('c2', text('hi'))], said(4), true)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed', 'message.joined', 'model-call.started'])
  })

  it('cancels the turn for a message that interrupts, which is next', () => {
    const { session } = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(message('m2')),
      g(message('m3', 'interrupt')),
    )
    const next = plan(session, [], said(5), true)
    expect(types(next?.events ?? [])).toEqual([
      'model-call.failed',
      'turn.cancelled',
      'turn.started',
      'model-call.started',
    ])
    expect(next?.after.turn?.messages).toEqual(['m3'])
    expect(next?.after.inbox.map(({ message: name }) => name)).toEqual(['m2'])
  })

  it('ends the session after its last turn, and drops what waits', () => {
    const limits = { maxToolCalls: 1, maxTurns: 1 }
    const { session } = given(
      g(started({ limits }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(message('m2')),
    )
    const next = plan(session, [answered('c2', text('hi'))], said(4), true)
    expect(types(next?.events ?? [])).toEqual([
      'model-call.completed',
      'turn.completed',
      'message.dropped',
      'session.ended',
    ])
    expect(next?.after.mode).toEqual({ kind: 'ended', reason: 'max_turns' })
  })

  it('counts a turn that failed as a turn', () => {
    const limits = { maxToolCalls: 1, maxTurns: 1 }
    const { session } = given(g(started({ limits }), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const failed = { call: 'c2', attempt: 1, error: { code: 'auth' as const, message: 'no key' } }
    const next = plan(session, [{ type: 'model-call.failed', data: failed }], said(3), true)
    expect(types(next?.events ?? [])).toEqual(['model-call.failed', 'turn.failed', 'session.ended'])
  })
})
