// Model calls that go out together with the frames that announce them (PROTOCOL 4b).
import { any, attemptTokens, born, message, only, type Scenario, usualFaults } from './scenario.ts'

const base = {
  ...{ executors: 2, runners: 0, born, turns: [[{}]], gateway: [message('m1')], faults: {}, total: 0 },
  earlyCalls: true,
} as const satisfies Partial<Scenario>

/** The announcement may be refused: somebody else has appended, or made the same call. */
export const refused = { ...base, gateway: [message('m1'), message('m2')], faults: only('repeat'), total: 1 } as const

/** One attempt is all that there is: one that nobody knows of must not be made. */
export const budgeted = {
  ...base,
  budget: { tokens: attemptTokens },
  faults: only('crash', 'die'),
  total: 1,
} as const satisfies Partial<Scenario>

export const smallEarly: readonly Scenario[] = [
  { ...base, name: 'an early call, one fault', whole: true, faults: any(1), total: 1 },
  {
    ...base,
    name: 'an early call, and a cancel',
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
]

export const mediumEarly: readonly Scenario[] = [
  { ...refused, name: 'early calls whose announcements are refused' },
  { ...budgeted, name: 'a call under a budget does not go out early' },
  {
    ...base,
    name: 'early calls around a tool, a message that interrupts',
    runners: 1,
    turns: [[{ tools: ['safe'] }, {}]],
    gateway: [message('m1'), message('m2', 'interrupt')],
    faults: usualFaults,
    total: 1,
  },
]

export const largeEarly: readonly Scenario[] = [
  {
    ...base,
    name: 'early calls: tools, throttled calls, interrupts, cancels',
    runners: 1,
    turns: [[{ tools: ['safe', 'never'] }, {}], [{ throttledOnce: true }], [{}]],
    gateway: [message('m1'), message('m2', 'interrupt'), { op: 'cancel' }, message('m3'), message('m4', 'join')],
    faults: any(2),
    total: 4,
  },
]
