import { childId, type Frame, toExec } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  g,
  given,
  id,
  message,
  type Said,
  started,
  text,
  turn,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { plan } from '../deciding/plan.ts'
import { settlement } from './errand-frames.ts'
import { errandsOf, finalErrand, standingErrands } from './errands.ts'

const child = childId(id, 'k1')
const delegate = asks('k1', 'delegate', { agent: 'helper', instruction: 'look' })
const request = { call: 'k1', agent: 'helper', digest: 'h1', child, pool: 'helpers', instruction: 'look' }
const above = given(
  g(started(), message('m1')),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(answered('c2', delegate), { type: 'delegation.requested', data: request }),
)
const below = (...frames: readonly Said[]) => {
  const state = given(e(started({ parent: { session: id, call: 'k1', pool: 'default' } }), message('do')), ...frames)
  return { ...state.session, id: child }
}
const frame = (...events: Frame['events']) => ({ events }) as Frame

describe('a delegation', () => {
  it('is a frame for the pool of the child', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const next = plan(session, [answered('c2', delegate)], { n: 3, at: 1000, by: 'e1' }, true)
    expect(next).toMatchObject({ to: toExec('helpers'), effect: null })
    expect(next?.events[1]).toEqual({ type: 'delegation.requested', data: request })
  })

  it('to nobody that it knows is settled at once', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const content = asks('k1', 'delegate', { agent: 'nobody' })
    const next = plan(session, [answered('c2', content)], { n: 3, at: 1000, by: 'e1' }, true)
    expect(next?.events[1]).toMatchObject({ type: 'tool-call.completed', data: { code: 'not-found' } })
  })

  it('to a name that every object has is to nobody', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const content = asks('k1', 'delegate', { agent: 'constructor' })
    const next = plan(session, [answered('c2', content)], { n: 3, at: 1000, by: 'e1' }, true)
    expect(next?.events[1]).toMatchObject({ type: 'tool-call.completed', data: { code: 'not-found' } })
  })

  it('beside tools is asked for first, in a frame of its own', () => {
    const { session } = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
    const next = plan(session, [answered('c2', asks('k0', 'grep'), delegate)], { n: 3, at: 1000, by: 'e1' }, true)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed', 'delegation.requested'])
    expect(types(plan(next!.after, [], { n: 4, at: 1000, by: 'e1' }, true)?.events ?? [])).toEqual([
      'tool-calls.requested',
    ])
  })
})

describe('errands', () => {
  it('are those of the pool that the frame was delivered to', () => {
    const asked = frame({ type: 'delegation.requested', data: request })
    expect(errandsOf(asked, 'helpers')).toMatchObject([{ kind: 'create-child', child, instruction: 'look' }])
    expect(errandsOf(asked, 'others')).toEqual([])
    const stop = frame({ type: 'delegation.cancel-requested', data: { call: 'k1', child, pool: 'helpers' } })
    expect(errandsOf(stop, 'helpers')).toEqual([{ kind: 'cancel-child', child, call: 'k1' }])
  })

  it('of a frame that closes more than one thing settle the parent once', () => {
    const dropped = { type: 'message.dropped', data: { message: 'm1', reason: 'ended' } } as const
    const ended = { type: 'session.ended', data: { reason: 'ended' } } as const
    expect(errandsOf(frame(turnCompleted('t2', 'c2'), dropped, ended), 'default')).toEqual([{ kind: 'settle-parent' }])
  })
})

describe('the settlement of a child', () => {
  it('gives its last answer to the call that waits for it', () => {
    const done = below(
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('found')), turnCompleted('t2', 'c2')),
    )
    expect(settlement(above.session, done)).toEqual({
      type: 'delegation.settled',
      data: { call: 'k1', child, status: 'completed', output: 'found', sessions: 0 },
    })
  })

  it('waits while the child has something to do', () => {
    expect(settlement(above.session, below())).toBeNull()
    expect(settlement(above.session, below(e(turn('t2', 'do'), calling('c2', 't2'))))).toBeNull()
  })

  it('says cancelled for a child whose only message was dropped before its first turn', () => {
    const dropped = below(g(cancel()), e({ type: 'message.dropped', data: { message: 'do', reason: 'cancelled' } }))
    expect(settlement(above.session, dropped)).toMatchObject({ data: { status: 'cancelled' } })
  })

  it('says cancelled for a child that was cancelled before it was created', () => {
    const never = { ...given(e(cancel())).session, id: child }
    expect(settlement(above.session, never)).toMatchObject({ data: { status: 'cancelled' } })
  })

  it('is nothing for a call that waits for nobody, or for another child', () => {
    const done = below(
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('found')), turnCompleted('t2', 'c2')),
    )
    expect(settlement(above.session, { ...done, id: `${id}-other` })).toBeNull()
  })
})

describe('a session at rest', () => {
  it('that waits for a child sees to it that there is one, unless it was cancelled', () => {
    expect(standingErrands(above.session)).toEqual([{ kind: 'create-child', ...request }])
    const asked = { type: 'delegation.cancel-requested' as const, data: { call: 'k1', child, pool: 'helpers' } }
    const cancelled = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', delegate), { type: 'delegation.requested', data: request }),
      g(cancel()),
      e(asked),
    )
    expect(standingErrands(cancelled.session)).toEqual([])
  })

  it('that is a child at its end sees to it that its parent knows, once for each end', () => {
    expect(standingErrands(below())).toEqual([])
    const closed = below(
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('four')), turnCompleted('t2', 'c2')),
    )
    const [errand, ...more] = standingErrands(closed)
    expect(errand).toEqual({ kind: 'settle-parent' })
    expect(more).toEqual([])
    expect(finalErrand(closed, { kind: 'settle-parent' })).toBe('settle t2 after 0')
    expect(finalErrand(below(), { kind: 'settle-parent' })).toBeNull()
  })
})
