import { emptyHead, toExec } from '@reins/contracts'
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
  started,
  text,
  turn,
  turnCompleted,
} from '../../test/given.ts'
import { emptyFold } from '../folding/fold.ts'
import { cancelChild, createChild, settleParent } from './errand-frames.ts'

const child = `${id}-child`
const creation = {
  kind: 'create-child' as const,
  child,
  call: 'k1',
  agent: 'helper',
  digest: 'h1',
  pool: 'helpers',
  instruction: 'do it',
}
const parent = { session: id, call: 'k1', pool: 'default' }
const born = { ...started({ parent, pools: { executor: 'helpers', tools: 'helpers' } }) } as ReturnType<
  typeof started
> & {
  type: 'session.started'
}
const delegating = given(
  g(started(), message('m1')),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(answered('c2', asks('k1', 'delegate', { agent: 'helper' })), {
    type: 'delegation.requested',
    data: { call: 'k1', agent: 'helper', digest: 'h1', pool: 'helpers', child, instruction: 'do it' },
  }),
)
const made = given(e(born, message('do')))
const below = { ...made, session: { ...made.session, id: child } }

describe('creating a child', () => {
  it('is its first frame, addressed to its executors, with the instruction as its message', () => {
    expect(createChild(emptyFold(child), creation, born.data, delegating.session)).toMatchObject({
      events: [born, { type: 'message.received', data: { message: 'm-k1', content: [{ text: 'do it' }] } }],
      to: toExec('helpers'),
      status: 'idle',
      pool: 'helpers',
    })
  })

  it('is done where the child is there, cancelled or not', () => {
    expect(createChild(below, creation, born.data, delegating.session)).toBeNull()
    const cancelled = given(e(cancel()))
    expect(createChild(cancelled, creation, born.data, delegating.session)).toBeNull()
  })
})

describe('cancelling a child', () => {
  it('asks the executors of a child that works', () => {
    expect(cancelChild(below, 'helpers', 'x1')).toMatchObject({
      events: [{ type: 'cancel.requested', data: { cancel: 'x1' } }],
      to: toExec('default'),
      status: below.head.status,
    })
  })

  it('asks those of a child whose code works, between its turns too', () => {
    const code = given(
      e(started(), { type: 'run.declared', data: { file: './chat.ts', digest: 'd' } }),
      e({ type: 'run.replay-started', data: { replay: 'r2', attempt: 1 } }),
      e({ type: 'run.step-started', data: { position: 0, name: 'charge', attempt: 1, replay: 'never' } }),
    )
    expect(cancelChild(code, 'helpers', 'x1')).toMatchObject({ events: [{ type: 'cancel.requested' }] })
  })

  it('is the end of a child that nobody has made yet', () => {
    const there = { session: emptyFold(child).session, head: emptyHead(child) }
    expect(cancelChild(there, 'helpers', 'x1')).toMatchObject({
      to: toExec('helpers'),
      status: 'ended',
      pool: 'helpers',
    })
  })

  it('is done where the child is at rest, has ended, or is being cancelled', () => {
    const rest = made.and(
      e(turn('t2', 'do'), calling('c2', 't2')),
      e(answered('c2', text('4')), turnCompleted('t2', 'c2')),
    )
    const ended = rest.and(e({ type: 'session.ended', data: { reason: 'ended' } }))
    for (const there of [rest, ended, made.and(g(cancel()))]) expect(cancelChild(there, 'helpers', 'x1')).toBeNull()
  })
})

describe('settling the parent', () => {
  const closed = below.and(
    e(turn('t2', 'do'), calling('c2', 't2')),
    e(answered('c2', text('four')), turnCompleted('t2', 'c2')),
  ).session

  it('tells the executors of the parent what the child has come to, with the status that the head shows', () => {
    expect(settleParent(delegating, parent, { ...closed, id: child })).toMatchObject({
      events: [{ type: 'delegation.settled', data: { call: 'k1', child, status: 'completed', output: 'four' } }],
      to: toExec('default'),
      status: delegating.head.status,
    })
  })

  it('is done where the child is not at its end, or the parent does not wait for it', () => {
    expect(settleParent(delegating, parent, below.session)).toBeNull()
    expect(settleParent(given(g(started())), parent, { ...closed, id: child })).toBeNull()
  })
})
