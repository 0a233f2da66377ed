import { type EventOf, noUsage } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { e, type Given, g, given, message, started, turn, types } from '../../test/given.ts'
import { raiseBudget } from './budget-controls.ts'

const goOn: EventOf<'message.received'> = {
  type: 'message.received',
  data: { message: 'm9', content: [{ type: 'text', text: 'go on' }], onBusy: 'queue' },
}
const begun = given(g(started(), { type: 'budget.declared', data: { tokens: 100 } }, message('m1')))
const usedUp = begun.and(
  e(
    turn('t2', 'm1'),
    { type: 'budget.reached', data: { turn: 't2', budget: 'tokens', spent: 90, limit: 100 } },
    { type: 'turn.failed', data: { turn: 't2', usage: noUsage, error: { code: 'budget_reached', message: 'x' } } },
  ),
)
const raise = (at: Given, tokens: number, ceiling = {}) => raiseBudget(at, { tokens }, ceiling, goOn)

describe('a person raises a budget', () => {
  test('and a session whose turn has ended for it goes on', () => {
    const outcome = raise(usedUp, 200)
    expect(outcome.kind === 'append' && types(outcome.decision.events)).toEqual(['budget.raised', 'message.received'])
    const after = usedUp.and(g(...(outcome.kind === 'append' ? outcome.decision.events : [])))
    expect(after.session.budget).toMatchObject({ limits: { tokens: 200 } })
    expect(after.verdict('e1').do).toBe('append')
  })

  test('and a session that works is told nothing more', () => {
    const outcome = raise(begun, 200)
    expect(outcome.kind === 'append' && types(outcome.decision.events)).toEqual(['budget.raised'])
  })

  test('to what it is already: nothing changes', () => expect(raise(usedUp, 100).kind).toBe('unchanged'))

  test.each([
    ['lower than it is', raise(usedUp, 50), 'can only be raised'],
    ['beyond the ceiling of the operator', raise(usedUp, 500, { tokens: 400 }), 'The operator allows 400'],
    ['of another kind', raiseBudget(usedUp, { usd: 3 }, {}, goOn), 'has no limit of usd'],
    ['of a session without one', raise(given(g(started())), 9), 'has no budget'],
    [
      'of a child',
      raise(
        given(
          e(started({ parent: { session: 'P', call: 'k', pool: 'p' } }), {
            type: 'budget.declared',
            data: { tokens: 1 },
          }),
        ),
        9,
      ),
      'reins session budget P',
    ],
  ])('%s: refused, with the reason', (_, outcome, why) => {
    expect(outcome).toMatchObject({ kind: 'refused', code: 'session_conflict', why: expect.stringContaining(why) })
  })
})
