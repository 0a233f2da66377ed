import { protocolVersion } from '@reins/contracts'
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
} from '../test/given.ts'
import { isCurrentModelCall, mayStart, takeover, verdict } from './holder.ts'

const running = given(
  g(started(), message('m1')),
  showing('running', by('e1', e(turn('t2', 'm1'), calling('c2', 't2')))),
)
const atRest = running.and(showing('idle', e(answered('c2', text('hi')), turnCompleted('t2', 'c2'))))

describe('the holder of an exec trigger', () => {
  it('leaves a session alone that needs a newer protocol', () => {
    const newer = { ...running.head, needs: protocolVersion + 1 }
    expect(verdict(running.session, newer, holder('e1'))).toEqual({ do: 'nak', why: 'newer-protocol' })
  })

  it('answers a cancel before it looks at anything else, whoever runs the call', () => {
    for (const one of [running.and(g(cancel())), running.and(g(paused), g(cancel()))]) {
      expect(one.verdict('e1', ['c2/1'])).toMatchObject({ do: 'append' })
      expect(one.verdict('e2')).toMatchObject({ do: 'append', plan: { effect: null } })
    }
  })

  it('holds while the model call runs in this process, also when paused', () => {
    expect(running.verdict('e1', ['c2/1'])).toEqual({ do: 'hold' })
    expect(running.and(g(paused)).verdict('e1', ['c2/1'])).toEqual({ do: 'hold' })
  })

  it('runs a call that is recorded as its own and never started', () => {
    expect(running.verdict('e1')).toEqual({ do: 'run', call: 'c2', attempt: 1 })
  })

  it('takes over a call of its own that it started and lost', () => {
    const next = running.verdict('e1', [], ['c2/1'])
    expect(next).toMatchObject({ do: 'append', plan: { effect: { call: 'c2', attempt: 2 } } })
  })

  it('asks the owner of a call in flight elsewhere, on whatever delivery', () => {
    expect(running.verdict('e2')).toEqual({ do: 'ask', owner: 'e1', call: 'c2', attempt: 1 })
    expect(verdict(running.session, running.head, holder('e2'), undefined, false)).toMatchObject({ do: 'ask' })
  })

  it('acks a paused session with nothing in flight here', () => {
    expect(running.and(showing('paused', g(paused))).verdict('e2')).toEqual({ do: 'ack' })
  })

  it('acks where nothing is due and the head shows it', () => {
    expect(atRest.verdict('e1')).toEqual({ do: 'ack' })
  })

  it('corrects the status before it acks', () => {
    const wrong = { ...atRest.head, status: 'running' as const }
    expect(verdict(atRest.session, wrong, holder('e1'))).toEqual({ do: 'settle' })
  })

  it('begins what is due', () => {
    const next = given(g(started(), message('m1'))).verdict('e1')
    expect(next).toMatchObject({ do: 'append', plan: { effect: { kind: 'call-model', call: 'c2', attempt: 1 } } })
  })
})

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

  it('does not happen where the session is paused, under a cancel, or at another attempt', () => {
    for (const one of [running.and(g(paused)), running.and(g(cancel())), atRest])
      expect(takeover(one.session, one.head, holder('e2'), gone)).toBeNull()
    expect(takeover(running.session, running.head, holder('e2'), { call: 'c2', attempt: 2 })).toBeNull()
  })
})

describe('an intent that is in', () => {
  const intent = { call: 'c2', attempt: 1 }

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
