import { describe, expect, it } from 'vitest'
import {
  answered,
  by,
  calling,
  cancel,
  e,
  g,
  given,
  holder,
  lost,
  message,
  paused,
  showing,
  started,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { mayStart } from '../deciding/effects.ts'
import { verdict } from '../deciding/holder.ts'
import { isCurrentModelCall, takeover } from './takeover.ts'

const running = given(
  g(started(), message('m1')),
  showing('running', by('e1', e(turn('t2', 'm1'), calling('c2', 't2')))),
)
const atRest = running.and(showing('idle', e(answered('c2', text('hi')), turnCompleted('t2', 'c2'))))

describe('a takeover', () => {
  const gone = { call: 'c2', attempt: 1 }

  it('closes the lost attempt and begins the next one in one frame', () => {
    const next = takeover(running.session, running.head, holder('e2'), { ...gone, partial: 'half a' })
    expect(next?.events).toEqual([
      { ...lost('c2'), data: { ...lost('c2').data, partial: 'half a' } },
      calling('c2', 't2', 2),
    ])
    expect(next?.effect).toEqual({ kind: 'call-model', call: 'c2', attempt: 2 })
  })

  it('only records the loss in a paused session, which goes on with the next attempt when it is resumed', () => {
    const one = running.and(g(paused))
    expect(verdict(one.session, one.head, holder('e2'))).toEqual({ do: 'ask', owner: 'e1', call: 'c2', attempt: 1 })
    const next = takeover(one.session, one.head, holder('e2'), gone)
    expect(next).toMatchObject({ events: [lost('c2')], effect: null })
    const after = one.and(showing('paused', by('e2', e(lost('c2')))))
    expect(verdict(after.session, after.head, holder('e2'))).toEqual({ do: 'ack' })
    const resumed = after.and(g({ type: 'session.resumed', data: {} }))
    expect(verdict(resumed.session, resumed.head, holder('e2'))).toMatchObject({
      do: 'append',
      plan: { events: [calling('c2', 't2', 2)] },
    })
  })

  it('does not happen where the session is quarantined, under a cancel, or at another attempt', () => {
    const quarantined = running.and(e({ type: 'session.quarantined', data: { reason: 'a test', frame: 1 } }))
    for (const one of [quarantined, running.and(g(cancel())), atRest])
      expect(takeover(one.session, one.head, holder('e2'), gone)).toBeNull()
    expect(takeover(running.session, running.head, holder('e2'), { call: 'c2', attempt: 2 })).toBeNull()
  })
})

describe('an intent that is in', () => {
  const intent = { kind: 'call-model' as const, call: 'c2', attempt: 1 }

  it('starts where it is still the session’s running call, and its writer’s', () => {
    expect(mayStart(running.session, intent, 'e1')).toBe(true)
    expect(mayStart(running.session, intent, 'e2')).toBe(false)
  })

  it('starts nothing where it is closed, superseded or about to be cancelled', () => {
    const taken = running.and(by('e2', e(lost('c2'), calling('c2', 't2', 2))))
    for (const one of [taken, atRest, running.and(g(cancel()))]) expect(mayStart(one.session, intent, 'e1')).toBe(false)
    expect(isCurrentModelCall(taken.session, 'c2', 1)).toBe(false)
    expect(isCurrentModelCall(taken.session, 'c2', 2)).toBe(true)
  })
})
