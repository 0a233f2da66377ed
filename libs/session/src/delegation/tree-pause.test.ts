import { toExec } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asks,
  calling,
  cancel,
  e,
  type Given,
  g,
  given,
  id,
  message,
  requested,
  resumed,
  started,
  t,
  turn,
  turnCancelled,
  types,
} from '../../test/given.ts'
import { due } from '../deciding/due.ts'
import { plan } from '../deciding/plan.ts'
import { pauseTree } from '../lifecycle/lifecycle-controls.ts'
import { cancelChild, receiptOf, settleParent } from './errand-frames.ts'
import { standingErrands } from './errands.ts'
import { stopOf } from './stop.ts'
import { pauseChild, tellHeld, unpauseChild } from './tree-pause.ts'

const childId = `${id}-0123456789abcdef`
const parent = { session: id, call: 'k1', pool: 'default' }
const said = (n: number) => ({ n, at: 1000, by: 'e1' })
const asked = {
  type: 'delegation.requested' as const,
  data: { call: 'k1', agent: 'helper', digest: 'h1', child: childId, pool: 'helpers', instruction: 'go' },
}
const pauseAll = { type: 'session.paused' as const, data: { tree: true as const } }
const delegating = given(
  g(started(), message('m1')),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(answered('c2', asks('k1', 'delegate', { agent: 'helper', instruction: 'go' })), asked),
)
const child = given(e(started({ parent }), message('m-k1')), e(turn('t2', 'm-k1'), calling('c2', 't2')))
const below = ({ session, head }: Given) => ({ head, session: { ...session, id: childId } })

describe('a pause of a tree', () => {
  const pausing = delegating.and(g(pauseAll))

  it('asks each child that works to pause, and rests then', () => {
    const next = due(pausing.session, 5)
    expect(next).toEqual({
      events: [{ type: 'delegation.pause-requested', data: { call: 'k1', child: childId, pool: 'helpers', pause: 4 } }],
      to: toExec('helpers'),
    })
    expect(due(pausing.and(e(...(next?.events ?? []))).session, 6)).toBeNull()
  })

  it('lets them go on when a person resumes it', () => {
    const spread = pausing.and(e(...(due(pausing.session, 5)?.events ?? [])))
    const next = due(spread.and(g(resumed)).session, 7)
    expect(types(next?.events ?? [])).toEqual(['delegation.unpause-requested'])
    expect(due(spread.and(g(resumed), e(...(next?.events ?? []))).session, 8)).toBeNull()
  })

  it('is complete when each child has said that nothing works in it', () => {
    const spread = pausing.and(e(...(due(pausing.session, 5)?.events ?? [])))
    expect(stopOf(spread.session)).toMatchObject({ complete: false, pending: [{ session: childId, agent: 'helper' }] })
    const paused = child.and(e(...(pauseChild(child, { pause: 4 })?.events ?? [])))
    // Its model call goes on to its end.
    expect(standingErrands(paused.session)).toEqual([])
    const rests = paused.and(e(answered('c2', asks('k9', 'grep'))))
    expect(standingErrands(rests.session)).toEqual([{ kind: 'tell-held' }])
    const held = tellHeld(spread, parent, below(rests).session)
    expect(held?.events).toEqual([
      { type: 'delegation.held', data: { call: 'k1', child: childId, pause: 4, sessions: 1 } },
    ])
    const whole = spread.and(e(...(held?.events ?? [])))
    expect(stopOf(whole.session)).toMatchObject({ what: 'pause', complete: true, sessions: 2 })
    expect(tellHeld(whole, parent, below(rests).session)).toBeNull()
  })

  it('that is over when its errand is done at last changes nothing, however late that is', () => {
    const over = child.and(e(...(unpauseChild(child, { pause: 4 })?.events ?? [])))
    expect(over.session.mode).toEqual({ kind: 'open' })
    expect(pauseChild(over, { pause: 4 })).toBeNull()
    expect(pauseChild(over, { pause: 9 })).not.toBeNull()
  })

  it('leaves alone, when it is over, what a person has paused', () => {
    const own = child.and(g({ type: 'session.paused', data: {} }))
    const both = own.and(e(...(pauseChild(own, { pause: 4 })?.events ?? [])))
    expect(both.session.mode).toMatchObject({ kind: 'paused', own: 'session', above: 4 })
    const after = both.and(e(...(unpauseChild(both, { pause: 4 })?.events ?? [])))
    expect(after.session.mode).toEqual({ kind: 'paused' })
    const only = child.and(e(...(pauseChild(child, { pause: 4 })?.events ?? [])))
    expect(only.and(e(...(unpauseChild(only, { pause: 4 })?.events ?? []))).session.mode).toEqual({ kind: 'open' })
  })

  it('reaches what a session that is paused alone has below it', () => {
    const alone = delegating.and(g({ type: 'session.paused', data: {} }))
    expect(due(alone.session, 5)).toBeNull()
    const outcome = pauseTree(alone)
    expect(outcome.kind).toBe('append')
    const spread = alone.and(g(...(outcome.kind === 'append' ? outcome.decision.events : [])))
    expect(types(due(spread.session, 6)?.events ?? [])).toEqual(['delegation.pause-requested'])
    expect(pauseTree(spread)).toEqual({ kind: 'unchanged' })
  })
})

describe('a cancel', () => {
  const closed = delegating.and(g(cancel()))
  const withCancel = (() => {
    const next = plan(closed.session, [], said(5), true)
    return closed.and(e(...(next?.events ?? [])))
  })()

  it('is complete when each child has said what became of it, with the calls that had run', () => {
    expect(stopOf(withCancel.session)).toMatchObject({
      what: 'cancel',
      complete: false,
      pending: [{ session: childId }],
    })
    const ran = child.and(
      e(answered('c2', asks('k9', 'shell')), requested('t2', ['k9', 'never'])),
      t({ type: 'tool-call.started', data: { call: 'k9', attempt: 1 } }),
      t({ type: 'tool-call.completed', data: { call: 'k9', attempt: 1, status: 'ok', output: '' } }),
      g(cancel()),
    )
    const end = plan(ran.session, [], said(7), true)
    expect(end?.events.at(-1)).toMatchObject({ data: { ran: [{ call: 'k9', name: 'shell', how: 'done' }] } })
    const over = ran.and(e(...(end?.events ?? [])))
    const settled = settleParent(withCancel, parent, below(over).session)
    expect(settled?.events).toMatchObject([
      {
        type: 'delegation.settled',
        data: {
          child: childId,
          status: 'cancelled',
          stopped: { sessions: 1, ran: [{ session: childId, agent: 'agent', name: 'shell' }] },
        },
      },
    ])
    const whole = withCancel.and(e(...(settled?.events ?? [])))
    expect(stopOf(whole.session)).toMatchObject({ complete: true, sessions: 2, ran: [{ name: 'shell', how: 'done' }] })
    expect(settleParent(whole, parent, below(over).session)).toBeNull()
  })

  it('gives no receipt before those below have given theirs', () => {
    expect(receiptOf(withCancel.session)).toBeNull()
  })

  it('of a child that nobody has made yet is told to the session above all the same', () => {
    const unmade = given()
    const first = cancelChild(unmade, 'helpers', 'x1', parent)
    expect(first?.events).toEqual([{ type: 'cancel.requested', data: { cancel: 'x1', parent } }])
    const over = unmade.and(e(...(first?.events ?? [])))
    expect(standingErrands(over.session)).toEqual([{ kind: 'settle-parent' }])
  })

  it('lists what was stopped while it ran, and leaves out what only looks', () => {
    const toolset = [
      { name: 'shell', source: 'builtin', replay: 'never' as const, risk: 'exec' as const, digest: 'd' },
      { name: 'grep', source: 'builtin', replay: 'safe' as const, risk: 'read' as const, digest: 'd' },
    ]
    const running = given(
      g(started({ toolset }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k1', 'grep'), asks('k2', 'shell')), requested('t2', ['k1', 'safe'], ['k2', 'never'])),
      g(cancel()),
    )
    const end = plan(running.session, [], said(5), true)
    expect(end?.events.at(-1)).toMatchObject({ data: { ran: [{ call: 'k2', name: 'shell', how: 'interrupted' }] } })
    const over = running.and(e(...(end?.events ?? [])))
    expect(stopOf(over.session)).toMatchObject({ complete: true, sessions: 1, ran: [{ call: 'k2' }] })
    expect(stopOf(given(g(started(), message('m1')), e(turn('t2', 'm1'), turnCancelled('t2'))).session)).toMatchObject({
      ran: [],
    })
  })
})
