import { emptyHead, type Head, type Status, statuses, toExec, toLog } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { type ControlVerb, controlVerbs, steer } from './control.ts'

const head = (status: Status): Head => ({ ...emptyHead('s'), n: 3, seq: 30, status, pool: 'p' })
const open = statuses.filter((status) => status !== 'ended')
const outcomes = (verb: ControlVerb) =>
  Object.fromEntries(statuses.map((status) => [status, steer(verb, 'x1', head(status)).kind]))

describe('steering a session', () => {
  it.each(open)(
    'asks the executors of a session that is %s to cancel or to end it, and copies its status',
    (status) => {
      expect(steer('cancel', 'x1', head(status))).toEqual({
        kind: 'append',
        decision: { events: [{ type: 'cancel.requested', data: { cancel: 'x1' } }], to: toExec('p'), status },
      })
      expect(steer('end', 'x1', head(status))).toMatchObject({
        decision: { events: [{ data: { cancel: 'x1', end: true } }], to: toExec('p'), status },
      })
    },
  )

  it('pauses, says so in the status, and wakes somebody where nobody is at work', () => {
    expect(steer('pause', 'x1', head('running'))).toMatchObject({ decision: { to: toLog, status: 'paused' } })
    expect(steer('pause', 'x1', head('waiting'))).toMatchObject({ decision: { to: toExec('p'), status: 'paused' } })
  })

  it('wakes an executor to resume and to release, and says idle until that one has folded the session', () => {
    expect(steer('resume', 'x1', head('paused'))).toMatchObject({ decision: { to: toExec('p'), status: 'idle' } })
    expect(steer('release', 'x1', head('quarantined'))).toMatchObject({ decision: { to: toExec('p'), status: 'idle' } })
  })

  it('refuses what the status does not allow, and appends nothing for what is so already', () => {
    const taken = { idle: 'append', running: 'append', waiting: 'append', paused: 'append', quarantined: 'append' }
    expect(outcomes('cancel')).toEqual({ ...taken, ended: 'refused' })
    expect(outcomes('end')).toEqual({ ...taken, ended: 'unchanged' })
    expect(outcomes('pause')).toEqual({ ...taken, paused: 'unchanged', quarantined: 'refused', ended: 'refused' })
    const none = Object.fromEntries(statuses.map((status) => [status, 'refused']))
    expect(outcomes('resume')).toEqual({ ...none, paused: 'append' })
    expect(outcomes('release')).toEqual({ ...none, quarantined: 'append' })
    expect(controlVerbs).toHaveLength(5)
  })

  it('says in a whole sentence why it refuses', () => {
    expect(steer('pause', 'x1', head('quarantined'))).toMatchObject({
      code: 'session_conflict',
      why: 'The session is quarantined: it does nothing until it is released.',
    })
  })
})
