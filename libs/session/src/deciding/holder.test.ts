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
  message,
  paused,
  showing,
  started,
  text,
  turn,
  turnCompleted,
  types,
} from '../../test/given.ts'
import { due } from './due.ts'
import { mayStart } from './effects.ts'
import { newerDelayMs, verdict } from './holder.ts'
import { takeover } from '../model-call/takeover.ts'
import { plan } from './plan.ts'
import { cover } from './status.ts'

const running = given(
  g(started(), message('m1')),
  showing('running', by('e1', e(turn('t2', 'm1'), calling('c2', 't2')))),
)
const atRest = running.and(showing('idle', e(answered('c2', text('hi')), turnCompleted('t2', 'c2'))))

describe('the holder of an exec trigger', () => {
  it('leaves a session alone that needs a newer protocol', () => {
    const newer = { ...running.head, needs: protocolVersion + 1 }
    expect(verdict(running.session, newer, holder('e1'))).toEqual({ do: 'nak', why: 'newer' })
  })

  it('leaves a session alone of which it does not understand a frame, whatever that frame needs', () => {
    const beyond = { ...running.session, beyond: { n: 3, why: 'a newer event' } }
    const call = { call: 'c2', attempt: 1 }
    expect(verdict(beyond, running.head, holder('e1'))).toEqual({ do: 'nak', why: 'newer' })
    expect(takeover(beyond, running.head, holder('e2'), call)).toBeNull()
    expect(mayStart(beyond, { kind: 'call-model', ...call }, 'e1')).toBe(false)
    expect(due(beyond, 9)).toBeNull()
    expect(cover(beyond)).toEqual([{ kind: 'exec-trigger', why: 'a newer process understands frame 3' }])
  })

  it('records there what has ended here, and nothing that would follow from it', () => {
    const beyond = { ...running.session, beyond: { n: 3, why: 'a newer event' } }
    const next = plan(beyond, [answered('c2', text('hi'))], { n: 4, at: 1000, by: 'e1' }, true)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed'])
    expect(next).toMatchObject({ to: { kind: 'log' }, effect: null })
  })

  it('asks for a newer process soon while a trigger is young, and seldom when it has found none', () => {
    expect([0, 100, 1000, 3_600_000].map(newerDelayMs)).toEqual([250, 250, 1000, 5000])
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
    expect(running.verdict('e1')).toEqual({ do: 'run', effect: { kind: 'call-model', call: 'c2', attempt: 1 } })
  })

  it('takes over a call of its own that it started and lost', () => {
    const next = running.verdict('e1', [], ['c2/1'])
    expect(next).toMatchObject({ do: 'append', plan: { effect: { call: 'c2', attempt: 2 } } })
  })

  it('asks the owner of a call in flight elsewhere', () => {
    expect(running.verdict('e2')).toEqual({ do: 'ask', owner: 'e1', call: 'c2', attempt: 1 })
  })

  it('asks after the call of a paused session, so that its loss is recorded, and acks where nothing is in flight', () => {
    const asked = { do: 'ask', owner: 'e1', call: 'c2', attempt: 1 }
    expect(running.and(showing('paused', g(paused))).verdict('e2')).toEqual(asked)
    expect(atRest.and(showing('paused', g(paused))).verdict('e2')).toEqual({ do: 'ack' })
  })

  it('acks where nothing is due and the head shows it', () => {
    expect(atRest.verdict('e1')).toEqual({ do: 'ack' })
  })

  it('corrects the status before it acks', () => {
    const wrong = { ...atRest.head, status: 'running' as const }
    expect(verdict(atRest.session, wrong, holder('e1'))).toMatchObject({
      do: 'settle',
      plan: { events: [{ type: 'session.settled' }] },
    })
  })

  it('begins what is due', () => {
    const next = given(g(started(), message('m1'))).verdict('e1')
    expect(next).toMatchObject({ do: 'append', plan: { effect: { kind: 'call-model', call: 'c2', attempt: 1 } } })
  })
})
