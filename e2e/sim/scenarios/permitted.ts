// Who may have which tools called: people who may less than others, alone, together in one turn, above a session that they delegate to.
import { born, message, type Scenario, usualFaults } from './scenario.ts'
import { pausedByPerson, threeLevels } from './teams.ts'

const base = {
  executors: 2,
  runners: 1,
  born,
  turns: [[{ tools: ['never'] }, { tools: ['safe'] }, {}]],
  faults: usualFaults,
  total: 1,
} as const

const anybody = message('m1')
const reader = { ...message('m1'), may: ['safe', 'delegate'] } as const

/** Who sent the message may not call what the model asks for first. */
export const readOnly = { ...base, gateway: [reader] } as const satisfies Partial<Scenario>

/** Somebody who may less joins a turn that runs. */
export const joinedByReader = {
  ...base,
  turns: [[{ tools: ['safe'] }, { tools: ['never'] }, {}]],
  gateway: [anybody, { ...message('m2', 'join'), may: ['safe'] }],
} as const satisfies Partial<Scenario>

/** The child of the child asks for what the person at the top may not call. */
export const belowReader = {
  ...threeLevels,
  ...{ runners: 1, gateway: [reader] },
  below: { helper: [[{ delegate: ['leaf'] }, {}]], leaf: [[{ tools: ['never'] }, {}]] },
} as const satisfies Partial<Scenario>

/** A child of somebody who may everything is gone on with for somebody who may less. */
export const goneOnWithByReader = {
  ...pausedByPerson,
  ...{ runners: 1, faults: {}, total: 0 },
  below: { helper: [[{ throttledOnce: true }, { tools: ['never'] }, {}]] },
  gateway: [message('m1'), { op: 'pause', of: 'child' }, { ...message('m2'), may: ['delegate'] }],
} as const satisfies Partial<Scenario>

/** Code that is resumed by somebody who may less than whoever began. */
export const codeResumedByReader = {
  ...base,
  code: ['pause', 'call', 'pause'],
  turns: [[{ tools: ['never'] }, {}]],
  gateway: [anybody, { ...message('m2'), may: ['safe'] }],
} as const satisfies Partial<Scenario>

export const mediumPermitted: readonly Scenario[] = [
  { ...readOnly, name: 'a person who may call one tool of two' },
  { ...joinedByReader, name: 'a person who may less joins a turn' },
  { ...belowReader, name: 'what may not be called above is not called two sessions below' },
  { ...goneOnWithByReader, name: 'a child that is gone on with by a person who may less' },
  { ...codeResumedByReader, name: 'code that is resumed by a person who may less' },
]
