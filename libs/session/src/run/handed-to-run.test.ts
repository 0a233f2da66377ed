import { childId, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, id, message, started, turn, types } from '../../test/given.ts'
import { createChild, resumeChild, settlement } from '../delegation/errand-frames.ts'
import { standingErrands } from '../delegation/errands.ts'
import { due } from '../deciding/due.ts'
import { handedToRun } from './handed-to-run.ts'
import { runBeginning } from './run-beginning.ts'

const child = childId(id, 'k1')
const parent = { session: id, call: 'k1', pool: 'default' }
const declared: readonly SessionEvent[] = [
  {
    type: 'agents.declared',
    data: {
      agents: [{ name: 'deployer', description: 'd', onPause: 'return', digest: 'b1', pool: 'p', delegates: true }],
      ...{ levels: 2, fanOut: 4, perTurn: 8, sessions: 9 },
    },
  },
  {
    type: 'workflows.declared',
    data: { workflows: [{ agent: 'deployer', workflow: 'ship', project: 'shop', file: 'workflows/ship.ts' }] },
  },
]
const asked = (more: object = {}) => asks('k1', 'delegate', { agent: 'deployer', instruction: 'Ship it.', ...more })
const requested: SessionEvent = {
  type: 'delegation.requested',
  data: {
    ...{ call: 'k1', agent: 'deployer', digest: 'b1', child, pool: 'p', instruction: 'Ship it.', onPause: 'return' },
    ...{ levels: 1, sessions: 4 },
  },
}
const above = given(
  g(started(), ...declared, message('m1')),
  e(turn('t2', 'm1'), calling('c2', 't2')),
  e(answered('c2', asked({ input: '{"version":"v3"}' })), requested),
)
const begun = runBeginning({
  ...{ workflow: 'ship', project: 'shop', file: 'workflows/ship.ts', digest: 'b1', pool: 'p', principal: 'ada' },
  ...{ payload: { instruction: 'Ship it.', version: 'v3' }, onPause: 'return', parent },
  granted: { levels: 1, sessions: 4 },
  requesters: ['ada'],
})
const first = () => {
  const [errand] = standingErrands(above.session)
  if (errand?.kind !== 'create-child') throw new Error('nothing is to be made')
  const made = createChild(given(), errand, begun.started, above.session, begun.declared)
  return { events: made?.events ?? [], below: given(e(...(made?.events ?? []))) }
}
const replay = { replay: 'r2', attempt: 1 }
const waiting = () =>
  first().below.and(
    e({ type: 'run.replay-started', data: replay }),
    e(
      { type: 'run.waited', data: { position: 0, name: 'pause', output: { question: 'Really?' } } },
      { type: 'run.replay-ended', data: { ...replay, how: 'suspended' } },
    ),
  )
const named = ({ session, head }: ReturnType<typeof waiting>) => ({ head, session: { ...session, id: child } })

describe('a delegation to a workflow of a project', () => {
  it('begins a run, which has the words of the model as its payload, and no message', () => {
    const { events, below } = first()
    expect(types(events)).toEqual([
      ...['session.started', 'approvals.pinned', 'agents.declared', 'parent.declared', 'run.declared', 'run.invoked'],
    ])
    expect(below.session.run?.workflow).toMatchObject({ workflow: 'ship', payload: { version: 'v3' } })
    expect([below.session.team?.levels, below.session.team?.sessions]).toEqual([1, 4])
    expect(below.session.approvals?.requesters).toEqual(['ada'])
    expect(due(below.session, 2)?.effect?.kind).toBe('replay-run')
  })

  it('is told of its pause, where it waits for nothing else', () => {
    expect(settlement(above.session, named(waiting()).session)).toMatchObject({
      type: 'delegation.paused',
      data: { call: 'k1', child, output: { waits_for: 'input', output: { question: 'Really?' } } },
    })
    const asleep: SessionEvent = { type: 'run.slept', data: { position: 1, name: 's', timer: 's1', until: 5 } }
    const both = first().below.and(
      e({ type: 'run.replay-started', data: replay }),
      e({ type: 'run.waited', data: { position: 0, name: 'pause', output: 1 } }, asleep, {
        type: 'run.replay-ended',
        data: { ...replay, how: 'suspended' },
      }),
    )
    expect(settlement(above.session, named(both).session)).toBeNull()
  })

  it('goes on with it: what the model gives is what its code is given', () => {
    const resumption = {
      ...{ kind: 'resume-child' as const, call: 'k2', agent: 'deployer', child, pool: 'p' },
      ...{ instruction: 'Go on.', input: '{"approved":true}' },
    }
    const told = resumeChild(named(waiting()), resumption, above.session)
    expect(types(told?.events ?? [])).toEqual(['delegation.continued', 'run.continued'])
    const after = waiting().and(e(...(told?.events ?? [])))
    const [pause] = after.session.run?.operations.toArray() ?? []
    expect(pause).toMatchObject({ result: { kind: 'value', value: { approved: true, instruction: 'Go on.' } } })
    expect(due(after.session, 9)?.effect?.kind).toBe('replay-run')
    expect(resumeChild(named(after), resumption, above.session)).toBeNull()
  })
})

describe('what a workflow is given', () => {
  it.each([
    [{ instruction: 'Do.' }, { instruction: 'Do.' }],
    [
      { instruction: 'Do.', input: '{"a":1,"instruction":"own"}' },
      { instruction: 'own', a: 1 },
    ],
    [
      { instruction: 'Do.', input: '[1]', expectedOutput: 'JSON' },
      { instruction: 'Do.', input: [1], expectedOutput: 'JSON' },
    ],
    [{ instruction: ' ', input: 'plain' }, { input: 'plain' }],
  ])('of %j is %j', (asked, payload) => {
    expect(handedToRun(asked)).toEqual(payload)
  })
})
