import { expect, test } from 'vitest'
import type { Session } from '../session.ts'
import type { Effect } from '../slice.ts'
import { emptyFold } from '../folding/fold.ts'
import { mayGoEarly } from './early.ts'

const { session } = emptyFold('01JZZZZZZZZZZZZZZZZZZZZZZZ')
const withBudget = { ...session, budget: {} } as unknown as Session
const first: Effect = { kind: 'call-model', call: 'c2', attempt: 1 }

test.each<readonly [string, boolean, Session, Effect | null, Session]>([
  ['a first attempt', true, session, first, session],
  ['a later attempt', false, session, { ...first, attempt: 2 }, session],
  ['a call under a budget', false, withBudget, first, withBudget],
  ['a call whose own frame declares a budget', false, session, first, withBudget],
  ['a summary', false, session, { ...first, kind: 'compact' }, session],
  ['a replay of code', false, session, { ...first, kind: 'replay-run' }, session],
  ['a frame that begins nothing', false, session, null, session],
])('%s may go out with its announcement: %s', (_, may, before, effect, after) => {
  expect(mayGoEarly(before, { effect, after })).toBe(may)
})
