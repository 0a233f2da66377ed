// Budgets: children that share what is left, attempts that are lost, a budget that a person raises.
import type { DeclaredAgent } from '@reins/contracts'
import { attemptTokens, born, message, only, type Scenario } from './scenario.ts'

const helper: DeclaredAgent = {
  ...{ name: 'helper', description: 'helper', onPause: 'wait', digest: 'helper', pool: 'helpers' },
}
const attempts = (count: number) => ({ tokens: count * attemptTokens })

const base = { executors: 1, runners: 0, born, turns: [[{}]], gateway: [message('m1')], faults: {}, total: 0 } as const

/** One attempt is all that there is: a second one must not begin. */
export const oneAttempt = {
  ...base,
  executors: 2,
  budget: attempts(1),
  faults: only('crash', 'die'),
  total: 1,
} as const satisfies Partial<Scenario>

const team = { agents: [helper], levels: 1, fanOut: 4, perTurn: 8, sessions: 4 }

/** Both children would use all that is left: three attempts for them and for the answer of the root. */
export const twoChildren = {
  ...base,
  teams: { agent: team },
  budget: attempts(5),
  turns: [[{ delegate: ['helper', 'helper'] }, {}]],
  below: { helper: [[{ delegate: ['nobody'] }, { delegate: ['nobody'] }, { delegate: ['nobody'] }, {}]] },
} as const satisfies Partial<Scenario>

/** A child is cancelled with its parent while it works; then the parent has a second turn, for which nothing may be left. */
export const cancelledChild = {
  ...base,
  teams: { agent: { ...team, agents: [{ ...helper, budget: attempts(1) }] } },
  budget: attempts(2),
  turns: [[{ delegate: ['helper'] }, {}], [{}]],
  below: { helper: [[{}]] },
  gateway: [message('m1'), { op: 'cancel' }, message('m2')],
} as const satisfies Partial<Scenario>

export const mediumBudgets: readonly Scenario[] = [
  { ...oneAttempt, name: 'a budget for one attempt, which may be lost' },
  { ...twoChildren, name: 'two children that share what is left' },
  { ...cancelledChild, name: 'a slice of a child that is cancelled' },
  {
    ...base,
    name: 'a budget that a person raises',
    budget: attempts(1),
    turns: [[{ delegate: ['nobody'] }, {}]],
    gateway: [message('m1'), { op: 'raise', tokens: attempts(3).tokens }],
    faults: only('lose-ack', 'repeat', 'server'),
    total: 1,
  },
]

export const largeBudgets: readonly Scenario[] = [
  {
    ...base,
    name: 'budgets: children side by side, lost attempts, cancels, raises',
    executors: 2,
    teams: { agent: team },
    budget: attempts(9),
    turns: [
      [{ delegate: ['helper', 'helper'] }, {}],
      [{ delegate: ['helper'] }, { delegate: ['helper'] }, {}],
    ],
    below: { helper: [[{ delegate: ['nobody'] }, {}]] },
    gateway: [
      message('m1'),
      message('m2'),
      { op: 'raise', tokens: attempts(14).tokens },
      { op: 'cancel' },
      message('m3'),
      { op: 'raise', tokens: attempts(20).tokens },
    ],
    faults: only('lose-ack', 'lose-request', 'die', 'crash', 'stall', 'repeat', 'late-ack', 'server'),
    total: 4,
  },
]
