import { emptyHead, type Frame, type Head, type SessionEvent, toExec } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { e, g, given, m, message, started } from '../../test/given.ts'
import { earlyTimer, fireTimer, saysFired, timerAsked } from './fired-timer.ts'

const armed = (timer: string, at: number): SessionEvent => ({ type: 'timer.armed', data: { timer, at } })
const fired = (timer: string): SessionEvent => ({ type: 'timer.fired', data: { timer } })
const head: Head = { ...emptyHead('s'), seq: 30, n: 3, status: 'waiting', pool: 'p' }

describe('a timer', () => {
  const open = given(g(started(), message('m1')), e(armed('w1', 5), armed('w2', 6)))

  it('is open from when it is armed until it has fired', () => {
    expect(open.session.timers).toEqual([
      { timer: 'w1', at: 5 },
      { timer: 'w2', at: 6 },
    ])
    expect(open.and(m(fired('w1'))).session.timers).toEqual([{ timer: 'w2', at: 6 }])
  })

  it('that is armed again has the later time', () => {
    expect(open.and(e(armed('w1', 9))).session.timers).toContainEqual({ timer: 'w1', at: 9 })
    expect(open.and(e(armed('w1', 9))).session.timers).toHaveLength(2)
  })

  it('that is not open fires for nothing', () => {
    expect(open.and(m(fired('w9'))).session).toBe(open.session)
  })

  it('that has fired wakes the executors of the session, with the status that the head shows', () => {
    expect(fireTimer(head, 'w1', head.pool)).toEqual({
      events: [fired('w1')],
      to: toExec('p'),
      status: 'waiting',
      pool: 'p',
    })
  })

  it('fires for nothing where nobody waits: no session, an ended one, none that says its pool', () => {
    expect(fireTimer(emptyHead('s'), 'w1', undefined)).toBeNull()
    expect(fireTimer({ ...head, status: 'ended' }, 'w1', 'p')).toBeNull()
    expect(fireTimer(head, 'w1', undefined)).toBeNull()
  })

  it('is not said to have fired again where somebody was faster', () => {
    const frames = [{ events: [fired('w1')] } as unknown as Frame]
    expect(saysFired(frames, 'w1')).toBe(true)
    expect(saysFired(frames, 'w2')).toBe(false)
  })

  it('fires where it is asked of the log whether it is due, only where it is open and its time has come', () => {
    expect(timerAsked(open.session, 'w1', 5)).toBe('due')
    expect(timerAsked(open.session, 'w9', 5)).toBe('closed')
    const later = open.and(e(armed('w1', 60_000))).session
    expect(timerAsked(later, 'w1', 5)).toBe('early')
    expect(open.and(m(fired(earlyTimer('w1')))).session).toBe(open.session)
  })
})
