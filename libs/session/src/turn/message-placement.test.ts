import { type EventOf, emptyHead, type Head, type OnBusy, type Status, statuses, toExec, toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { g, given, message, started } from '../../test/given.ts'
import { needsFold, placeMessage } from './message-placement.ts'

const head = (status: Status): Head => ({ ...emptyHead('s'), n: 3, seq: 30, status, pool: 'p' })
const said = (onBusy: OnBusy) => message('m1', onBusy) as EventOf<'message.received'>
const busy = statuses.filter((status) => status !== 'idle' && status !== 'ended')

describe('a message', () => {
  it('wakes an executor where the session is at rest', () => {
    for (const onBusy of ['queue', 'join', 'interrupt', 'reject'] as const)
      expect(placeMessage(head('idle'), said(onBusy))).toEqual({
        kind: 'append',
        decision: { events: [said(onBusy)], to: toExec('p'), status: 'idle' },
      })
  })

  it.each(busy)('waits in the log of a session that is %s, with the status that the head shows', (status) => {
    for (const onBusy of ['queue', 'join'] as const)
      expect(placeMessage(head(status), said(onBusy))).toMatchObject({ decision: { to: toLog, status } })
  })

  it.each(busy)('that interrupts wakes an executor, also of a session that is %s', (status) => {
    expect(placeMessage(head(status), said('interrupt'))).toMatchObject({ decision: { to: toExec('p'), status } })
  })

  it.each(busy)('that asks to be rejected is refused by a session that is %s', (status) => {
    expect(placeMessage(head(status), said('reject'))).toMatchObject({ kind: 'refused', code: 'session_busy', status })
  })

  it('that asks to be rejected is refused while another message waits for its turn, though the head is idle', () => {
    const waits = given(g(started(), message('m0'))).session
    expect(needsFold(head('idle'), said('reject'))).toBe(true)
    expect(placeMessage(head('idle'), said('reject'), [], { folded: waits })).toMatchObject({
      ...{ kind: 'refused', code: 'session_busy' },
    })
    expect(placeMessage(head('idle'), said('queue'), [], { folded: waits })).toMatchObject({ kind: 'append' })
  })

  it('is refused by a session that has ended', () => {
    expect(placeMessage(head('ended'), said('queue'))).toMatchObject({ kind: 'refused', code: 'session_ended' })
  })
})
