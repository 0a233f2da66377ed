// Forks: the root is forked wherever it is, and both go on. Neither does anything for the other.
import { any, born, message, only, type Scenario, usualFaults } from './scenario.ts'
import { approved } from './scenarios.ts'

const fork = { op: 'fork' } as const
const forking = { executors: 1, runners: 0, born, faults: {}, total: 0 } as const

/** A person approves the tool for the whole root; the fork asks them anew. */
export const granted: Scenario = {
  ...forking,
  ...approved,
  name: 'a fork of a session in which a person lets a tool pass',
  runners: 1,
  turns: [[{ tools: ['never'] }, {}]],
  gateway: [
    message('m1'),
    { op: 'decide', verdict: 'approved', scope: 'tool' },
    { ...fork, message: 'f1' },
    { op: 'decide', verdict: 'denied', of: 'fork' },
  ],
  faults: {},
  total: 0,
}
export const tool: Scenario = {
  ...forking,
  name: 'a fork in the middle of a tool, alone',
  runners: 1,
  turns: [[{ tools: ['never'] }, {}]],
  gateway: [message('m1'), { ...fork, message: 'f1' }],
}

export const smallForks: readonly Scenario[] = [
  {
    ...forking,
    whole: true,
    name: 'a fork that says something, at any place of a turn',
    turns: [[{}]],
    gateway: [message('m1'), { ...fork, message: 'f1' }],
  },
  {
    ...forking,
    whole: true,
    name: 'a fork at rest, and a message to it',
    turns: [[{}]],
    gateway: [message('m1'), fork, { ...message('f1'), of: 'fork' }],
  },
]

export const mediumForks: readonly Scenario[] = [
  { ...granted, faults: only('die', 'crash', 'lose-ack'), total: 1 },
  {
    ...forking,
    name: 'a fork in the middle of a tool that must not run twice',
    executors: 2,
    runners: 1,
    turns: [[{ tools: ['never'] }, {}]],
    gateway: [message('m1'), { ...fork, message: 'f1' }],
    faults: usualFaults,
    total: 1,
  },
  {
    ...forking,
    name: 'a fork while messages wait, and a cancel of the root',
    executors: 2,
    turns: [[{}]],
    gateway: [message('m1'), message('m2'), { ...fork, message: 'f1' }, { op: 'cancel' }],
    faults: only('die', 'lose-ack', 'repeat'),
    total: 1,
  },
  {
    ...forking,
    name: 'a fork of a paused and of an ended root',
    turns: [[{}]],
    gateway: [message('m1'), { op: 'pause' }, { ...fork, message: 'f1' }, { op: 'cancel', end: true }],
    faults: only('die', 'crash'),
    total: 1,
  },
  {
    ...forking,
    name: 'a fork while the root is throttled',
    turns: [[{ throttledOnce: true }]],
    gateway: [message('m1'), { ...fork, message: 'f1' }],
    faults: only('die', 'crash', 'timer-twice'),
    total: 1,
  },
]

export const largeForks: readonly Scenario[] = [
  {
    ...forking,
    name: 'a fork among tools, messages and all faults',
    executors: 2,
    runners: 2,
    turns: [
      [{ tools: ['safe', 'never'] }, { throttledOnce: true }, {}],
      [{ tools: ['never'] }, {}],
    ],
    gateway: [
      message('m1'),
      message('m2'),
      { ...fork, message: 'f1' },
      { ...message('f2'), of: 'fork' },
      message('m3'),
    ],
    faults: any(1),
    total: 3,
  },
]
