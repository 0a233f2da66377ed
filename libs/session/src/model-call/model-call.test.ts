import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  by,
  calling,
  e,
  g,
  given,
  lost,
  message,
  paused,
  requested,
  result,
  started,
  t,
  text,
  turn,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'

const said = (n: number) => ({ n, at: 1000, by: 'e1' })

describe('a model call', () => {
  const running = given(g(started(), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))

  it('ends once: an outcome of another call or attempt changes nothing', () => {
    const { session } = running
    expect(running.and(e(answered('c9', text('x')))).session).toBe(session)
    const { session: again } = running.and(e(lost('c2'), calling('c2', 't2', 2)))
    expect(running.and(e(lost('c2'), calling('c2', 't2', 2)), e(answered('c2', text('late')))).session).toEqual(again)
  })

  it('is void from a role that may not say it', () => {
    expect(running.and(t(answered('c2', text('forged')))).session).toBe(running.session)
    expect(running.and(g(answered('c2', text('forged')))).session).toBe(running.session)
  })

  it('counts the attempts that were lost, and after five quarantines the session until it is released', () => {
    let state = running
    for (let attempt = 1; attempt < 5; attempt++)
      state = state.and(e(lost('c2', attempt), calling('c2', 't2', attempt + 1)))
    expect(state.session.turn?.model).toMatchObject({ kind: 'running', attempt: 5, lost: 4 })
    const next = plan(state.session, [lost('c2', 5)], said(7), true)
    expect(types(next?.events ?? [])).toEqual(['model-call.failed', 'session.quarantined'])
    expect(next?.after.mode).toMatchObject({ kind: 'quarantined', frame: 2 })
    const released = state.and(e(...(next?.events ?? [])), g({ type: 'session.released', data: {} }))
    expect(plan(released.session, [], said(9), true)?.events).toEqual([calling('c2', 't2', 6)])
  })

  it('waits for its timer after a throttle, and tries again when that has fired', () => {
    const error = { code: 'rate-limited' as const, message: 'slow down' }
    const throttled = running.and(
      e(
        { type: 'model-call.throttled', data: { call: 'c2', attempt: 1, error, timer: 'w1', until: 5000 } },
        { type: 'timer.armed', data: { timer: 'w1', at: 5000 } },
      ),
    )
    expect(due(throttled.session, 4)).toBeNull()
    const fired = throttled.and({ role: 'm', by: 'memory', events: [{ type: 'timer.fired', data: { timer: 'w1' } }] })
    expect(fired.session.timers).toEqual([])
    expect(plan(fired.session, [], said(5), true)?.events).toEqual([calling('c2', 't2', 2)])
    expect(
      fired.and({ role: 'm', by: 'memory', events: [{ type: 'timer.fired', data: { timer: 'w1' } }] }).session,
    ).toBe(fired.session)
  })

  it('starts nothing while the session is paused, and records what ends', () => {
    const state = running.and(g(paused))
    const next = plan(state.session, [answered('c2', asks('k1', 'grep'))], said(4), true)
    expect(types(next?.events ?? [])).toEqual(['model-call.completed'])
  })

  it('asks for a final answer once the tools of the turn are used up, and leaves out what that still asks for', () => {
    const limits = { maxToolCalls: 1 }
    const used = given(
      g(started({ limits }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'grep')), requested('t2', ['k1', 'safe'])),
      t(result('k1')),
    )
    const next = plan(used.session, [], said(5), true)
    expect(next?.events[0]?.data).toMatchObject({ call: 'c5', final: true })
    const final = used.and(by('e1', e(...(next?.events ?? []))))
    const end = plan(final.session, [answered('c5', text('so'), asks('k2', 'grep'))], said(6), true)
    expect(end?.events[1]).toMatchObject({ type: 'turn.completed', data: { reason: 'max-tool-calls' } })
    expect(end?.after.transcript.toArray().at(-1)).toMatchObject({ role: 'assistant', content: [text('so')] })
  })
})
