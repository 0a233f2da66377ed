// Sessions that are erased, at any moment at which somebody asks for it.
import { born, message, only, type Scenario, usualFaults } from './scenario.ts'
import { erasedPair } from './teams.ts'

const erasing = { executors: 1, runners: 0, born, faults: {}, total: 0 } as const
const erase = { op: 'erase' } as const
const end = { op: 'cancel', end: true } as const

export const smallErasure: readonly Scenario[] = [
  {
    ...erasing,
    whole: true,
    name: 'a session that is ended and erased at any moment',
    turns: [[{}]],
    gateway: [message('m1'), end, erase],
  },
  {
    ...erasing,
    whole: true,
    name: 'a session that is forked, and erased where it may be',
    turns: [[{}]],
    gateway: [message('m1'), end, { op: 'fork' }, erase],
  },
]

export const mediumErasure: readonly Scenario[] = [
  {
    ...erasing,
    name: 'a session with a tool that is ended and erased, while anything dies',
    executors: 2,
    runners: 1,
    turns: [[{ tools: ['never'] }, {}]],
    gateway: [message('m1'), end, erase, message('m2')],
    faults: usualFaults,
    total: 1,
  },
  { ...erasedPair, name: 'a parent and its child that are ended and erased' },
  {
    ...erasing,
    name: 'a session that goes to the archive, and is ended and erased',
    archives: true,
    turns: [[{}]],
    gateway: [message('m1'), end, erase],
    faults: only('die', 'crash', 'lose-ack'),
    total: 1,
  },
]
