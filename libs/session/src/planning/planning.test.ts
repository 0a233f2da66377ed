import { argumentsDigest, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { answered, asks, calling, e, g, given, message, result, started, t, turn, types } from '../../test/given.ts'
import { offered } from '../deciding/offered.ts'
import { plan as framePlan } from '../deciding/plan.ts'
import { planningDeclared } from './planning.ts'

const declared = (change: object = {}): SessionEvent => ({
  type: 'planning.declared',
  data: { maxSteps: 5, ...change },
})
const steps = [
  { name: 'look', description: 'Look.' },
  { name: 'write', description: 'Write.', depends_on: ['look'] },
]
const asked = (change: object = {}) =>
  given(g(started(), declared(change), message('m1')), e(turn('t2', 'm1'), calling('c2', 't2')))
const next = (state: ReturnType<typeof given>, ...events: readonly SessionEvent[]) =>
  framePlan(state.session, events, { n: 3, at: 1000, by: 'e1' }, true)

describe('a session whose model may plan', () => {
  it('answers the calls of its plan by itself, each on what the one before it has done', () => {
    const frame = next(
      asked(),
      answered(
        'c2',
        asks('k0', 'create_plan', { steps }),
        asks('k1', 'start_step', { step_name: 'look' }),
        asks('k2', 'mark_step_done', { step_name: 'look', result: 'Seen.' }),
      ),
    )
    expect(types(frame?.events ?? [])).toEqual([
      'model-call.completed',
      ...['plan.updated', 'tool-call.completed'],
      ...['plan.updated', 'tool-call.completed'],
      ...['plan.updated', 'tool-call.completed'],
      'model-call.started',
    ])
    expect(frame?.after.planning?.steps.map(({ status }) => status)).toEqual(['completed', 'pending'])
  })

  it('tells its model at each call how far the plan is, after the newest message, until nothing of it is open', () => {
    const { session } = given(
      g(started(), declared(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(answered('c2', asks('k0', 'create_plan', { steps })), {
        type: 'plan.updated',
        data: {
          call: 'k0',
          steps: [
            { ...steps[0]!, status: 'pending' },
            { name: 'b', description: '', status: 'failed' },
          ],
        },
      }),
    )
    expect(offered(session).notices).toEqual(['[Plan: 0/2 done, 1 failed ("b"). Ready: "look".]'])
    expect(offered(session).tools.map(({ name }) => name)).toContain('create_plan')
    expect(offered(asked().session).notices).toEqual([])
  })

  it('is asked to go on once more where it said nothing while steps are open, and not where none are', () => {
    const said = (status: 'pending' | 'completed') => {
      const error = { code: 'bad-request' as const, message: 'It said nothing.' }
      const state = given(
        g(started(), declared(), message('m1')),
        e(turn('t2', 'm1'), calling('c2', 't2')),
        e(answered('c2', asks('k0', 'create_plan', { steps })), {
          type: 'plan.updated',
          data: { call: 'k0', steps: steps.map((step) => ({ ...step, status })) },
        }),
        e(result('k0'), calling('c4', 't2')),
        e({ type: 'model-call.throttled', data: { call: 'c4', attempt: 1, error, timer: 'w', until: 1 } }),
      )
      return offered(state.session).notices
    }
    expect(said('pending')).toEqual([expect.stringMatching(/^Continue working on your plan\. \[Plan: 0\/2 done\./)])
    expect(said('completed')).toEqual([])
  })

  it('answers them after the calls before them, since those may be what the step is about', () => {
    const first = next(asked(), answered('c2', asks('k0', 'shell'), asks('k1', 'create_plan', { steps })))
    expect(types(first?.events ?? [])).toEqual(['model-call.completed', 'tool-calls.requested'])
    const ran = given(
      g(started(), declared(), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(...(first?.events ?? [])),
      t({ type: 'tool-call.started', data: { call: 'k0', attempt: 1 } }),
      t(result('k0')),
    )
    expect(types(next(ran)?.events ?? []).slice(0, 2)).toEqual(['plan.updated', 'tool-call.completed'])
  })

  it('says to its model what is wrong with a call, and changes nothing', () => {
    const frame = next(asked(), answered('c2', asks('k0', 'create_plan', { steps: [steps[0]] })))
    expect(frame?.events[1]).toMatchObject({
      type: 'tool-call.completed',
      data: { status: 'error', code: 'invalid-arguments', output: expect.stringContaining('at least 2 steps') },
    })
    expect(frame?.after.planning?.steps).toEqual([])
  })
})

describe('a plan that a person approves', () => {
  const waiting = () => {
    const frame = next(asked({ approve: true }), answered('c2', asks('k0', 'create_plan', { steps })))
    return given(
      g(started(), declared({ approve: true }), message('m1')),
      e(turn('t2', 'm1'), calling('c2', 't2')),
      e(...(frame?.events ?? [])),
    )
  }
  const decided = (verdict: 'approved' | 'edited' | 'denied', args?: Record<string, unknown>): SessionEvent => ({
    type: 'approval.decided',
    data: {
      ...{ call: 'k0', digest: argumentsDigest('create_plan', { steps }), verdict, scope: 'call', approver: 'gateway' },
      ...(args ? { arguments: args } : {}),
    },
  })

  it('waits as any other call does', () => {
    expect(waiting().session.turn?.calls[0]?.state).toMatchObject({ kind: 'waiting', for: 'approval' })
    expect(waiting().session.planning?.steps).toEqual([])
  })

  it('counts when it is approved', () => {
    const frame = next(waiting().and(g(decided('approved'))))
    expect(frame?.after.planning?.steps.map(({ name }) => name)).toEqual(['look', 'write'])
  })

  it('counts as the person has changed it, and is checked again', () => {
    const other = [...steps, { name: 'ship', description: 'Ship.' }]
    const frame = next(waiting().and(g(decided('edited', { steps: other }))))
    expect(frame?.after.planning?.steps.map(({ name }) => name)).toEqual(['look', 'write', 'ship'])
    const wrong = next(waiting().and(g(decided('edited', { steps: [steps[0]] }))))
    expect(wrong?.after.planning?.steps).toEqual([])
    expect(wrong?.events[0]).toMatchObject({ data: { status: 'error' } })
  })

  it('is none when it is denied', () => {
    const frame = next(waiting().and(g(decided('denied'))))
    expect(frame?.events[0]).toMatchObject({ data: { code: 'denied' } })
    expect(frame?.after.planning?.steps).toEqual([])
  })

  it('is shown to nobody where it breaks a rule', () => {
    const frame = next(asked({ approve: true }), answered('c2', asks('k0', 'create_plan', { steps: [] })))
    expect(types(frame?.events ?? []).slice(0, 2)).toEqual(['model-call.completed', 'tool-call.completed'])
  })
})

it('a definition declares planning where it asks for it, and not where tools are off', () => {
  const definition = { name: 'a', model: 'a/b', system_prompt: 'x', planning: true }
  expect(planningDeclared({ ...definition, max_plan_steps: 7, approve_plan: true, strict_dependencies: true })).toEqual(
    [{ type: 'planning.declared', data: { maxSteps: 7, strict: true, approve: true } }],
  )
  expect(planningDeclared(definition)).toMatchObject([{ data: { maxSteps: 20 } }])
  expect(planningDeclared({ ...definition, approval_mode: 'never' })).toEqual([])
  expect(planningDeclared({ ...definition, planning: false, max_plan_steps: 7 })).toEqual([])
})
