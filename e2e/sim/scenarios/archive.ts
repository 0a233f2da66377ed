// Sessions that go to the archive whenever they may, while messages come.
import { born, message, only, type Scenario, usualFaults } from './scenario.ts'

const archiving = { executors: 1, runners: 0, born, faults: {}, total: 0, archives: true } as const

export const smallArchive: readonly Scenario[] = [
  {
    ...archiving,
    whole: true,
    name: 'two messages to a session that goes to the archive when it may',
    turns: [[{}]],
    gateway: [message('m1'), message('m2')],
  },
]

export const mediumArchive: readonly Scenario[] = [
  {
    ...archiving,
    name: 'a session with a tool that goes to the archive, goes on, and is ended',
    executors: 2,
    runners: 1,
    turns: [[{ tools: ['never'] }, {}], [{}]],
    gateway: [message('m1'), message('m2'), { op: 'cancel', end: true }],
    faults: usualFaults,
    total: 1,
  },
  {
    ...archiving,
    name: 'a session that is forked and goes to the archive, as its fork does',
    turns: [[{}]],
    gateway: [message('m1'), { op: 'fork', message: 'f1' }, message('m2')],
    faults: only('die', 'crash', 'lose-ack'),
    total: 1,
  },
]
