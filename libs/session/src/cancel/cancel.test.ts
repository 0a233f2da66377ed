import { toExec, toLog } from '@reins/contracts'
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
  paused,
  requested,
  resumed,
  started,
  turn,
  turnCancelled,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'

const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const running = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))

describe('a cancel', () => {
  it('closes the turn and every message before it, and nothing after it', () => {
    const { session } = running.and(g(message('m2')), g(cancel()), g(message('m3')))
    const next = plan(session, [], said(6), true)
    expect(next?.events.slice(1)).toEqual([
      turnCancelled('t2'),
      { type: 'message.dropped', data: { message: 'm2', reason: 'cancelled' } },
      turn('t6', 'm3'),
      calling('c6', 't6'),
    ])
  })

  it('gives every open call its outcome in one frame', () => {
    const { session } = running.and(
      e(answered('c2', asks('k1', 'grep'), asks('k2', 'shell')), requested('t2', ['k1', 'safe'], ['k2', 'never'])),
      g(cancel()),
    )
    const next = plan(session, [], said(5), true)
    expect(types(next?.events ?? [])).toEqual(['tool-call.cancelled', 'tool-call.cancelled', 'turn.cancelled'])
    expect(next?.after.transcript.toArray().slice(-2)).toMatchObject([
      { role: 'tool', call: 'k1', error: true },
      { role: 'tool', call: 'k2', error: true },
    ])
  })

  it('changes nothing where there is nothing to cancel', () => {
    const idle = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')), e(turnCancelled('t2')))
    expect(idle.and(g(cancel())).session.cancel).toBeNull()
  })

  it('is answered also when the session is paused', () => {
    const { session } = running.and(g(paused), g(cancel()))
    expect(types(due(session, 5)?.events ?? [])).toEqual(['model-call.failed', 'turn.cancelled'])
  })

  it('records an answer that came first, and starts nothing from it', () => {
    const { session } = running.and(g(cancel()))
    const next = plan(session, [answered('c2', asks('k1', 'shell'))], said(4), true)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed', 'tool-call.cancelled', 'turn.cancelled'])
  })

  it('tells open children first, each in its own pool', () => {
    const call = { call: 'k1', agent: 'helper', digest: 'h1', child: `${id}-x`, pool: 'helpers', instruction: '' }
    const { session } = running.and(
      e(answered('c2', asks('k1', 'delegate', { agent: 'helper' })), { type: 'delegation.requested', data: call }),
      g(cancel()),
    )
    expect(due(session, 5)).toMatchObject({ events: [{ type: 'delegation.cancel-requested' }], to: toExec('helpers') })
    expect(types(plan(session, [], said(5), true)?.events ?? [])).toEqual([
      'delegation.cancel-requested',
      'delegation.settled',
      'turn.cancelled',
    ])
  })

  it('is told to the session above', () => {
    const parent = { session: id, call: 'k1', pool: 'above' }
    const { session } = given(
      g(started({ parent }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      g(cancel()),
    )
    expect(plan(session, [], said(4), true)?.to).toEqual(toExec('above'))
  })

  it('for a child that does not exist yet ends it before it begins', () => {
    const unborn = given(e(cancel()))
    expect(unborn.session.mode.kind).toBe('ended')
    expect(unborn.and(e(started(), message('m1'))).session.born).toBeNull()
  })
})

describe('an end', () => {
  it('closes everything, messages that came after it too', () => {
    const { session } = running.and(g(cancel(true)), g(message('m2')))
    const next = plan(session, [], said(5), true)
    expect(types(next?.events ?? [])).toEqual([
      'model-call.failed',
      'turn.cancelled',
      'message.dropped',
      'session.ended',
    ])
    expect(next).toMatchObject({ to: toLog, after: { mode: { kind: 'ended' }, cancel: null } })
  })

  it('ends a session at rest', () => {
    const { session } = given(g(started()), g(cancel(true)))
    expect(types(plan(session, [], said(3), true)?.events ?? [])).toEqual(['session.ended'])
  })

  it('is not weakened by a cancel after it', () => {
    expect(running.and(g(cancel(true)), g(cancel())).session.cancel?.kind).toBe('end')
  })

  it('leaves a state that nothing changes any more', () => {
    const { session } = given(g(started()), e({ type: 'session.ended', data: { reason: 'ended' } }))
    expect(
      given(g(started()), e({ type: 'session.ended', data: { reason: 'ended' } }), g(message('m1'))).session,
    ).toEqual(session)
    expect(due(session, 4)).toBeNull()
  })
})

describe('a pause', () => {
  it('stops what is due until the session is resumed', () => {
    const waiting = given(g(started(), message('m1')), g(paused))
    expect(due(waiting.session, 3)).toBeNull()
    expect(due(waiting.and(g(resumed)).session, 4)?.events).toEqual([turn('t4', 'm1')])
  })
})
