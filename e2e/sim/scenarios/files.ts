// The sandbox in memory: `keep` changes its files, which stand in the log in front of the call's outcome.
import { any, born, message, only, type Scenario } from './scenario.ts'

const withFiles: Scenario['born'] = {
  ...born,
  toolset: [
    { name: 'safe', source: 's', replay: 'safe', risk: 'read', digest: 'd' },
    { name: 'keep', source: 's', replay: 'safe', risk: 'write', digest: 'd' },
  ],
}

export const keeping = {
  executors: 1,
  runners: 2,
  born: withFiles,
  turns: [[{ tools: ['keep', 'keep'] }, {}]],
  gateway: [message('m1')],
  faults: {},
  total: 0,
} as const satisfies Partial<Scenario>

/** A turn with files, and another one. */
export const again = {
  ...keeping,
  runners: 1,
  turns: [[{ tools: ['keep'] }, { tools: ['keep'] }, {}]],
} as const satisfies Partial<Scenario>

const runnerFaults = only('lose-ack', 'lose-request', 'die', 'crash', 'stall', 'late-ack')

export const mediumFiles: readonly Scenario[] = [
  { ...keeping, name: 'two calls of one answer that change files', faults: runnerFaults, total: 1 },
  {
    ...keeping,
    name: 'a call that changes files, cut off twice',
    turns: [[{ tools: ['keep'] }, {}]],
    faults: only('crash', 'stall', 'die'),
    total: 2,
  },
  { ...again, name: 'two answers that change files', faults: runnerFaults, total: 1 },
  {
    ...again,
    name: 'a call that changes files, and a cancel',
    turns: [
      [{ tools: ['keep'] }, {}],
      [{ tools: ['keep'] }, {}],
    ],
    gateway: [message('m1'), { op: 'cancel' }, message('m2')],
    faults: runnerFaults,
    total: 1,
  },
  {
    ...again,
    name: 'a fork of a session with files, and both change them',
    turns: [[{ tools: ['keep'] }, {}]],
    gateway: [message('m1'), { op: 'fork', message: 'f1' }, message('m2')],
  },
]

export const largeFiles: readonly Scenario[] = [
  {
    ...keeping,
    name: 'files in memory: calls side by side, cancels, interruptions, pauses, forks, faults',
    executors: 2,
    turns: [
      [{ tools: ['keep', 'safe', 'keep'] }, { tools: ['keep'], throttledOnce: true }, {}],
      [{ tools: ['safe', 'keep', 'keep'] }, {}],
    ],
    gateway: [
      message('m1'),
      message('m2', 'join'),
      { op: 'pause' },
      { op: 'resume' },
      message('m3', 'interrupt'),
      { op: 'fork', message: 'f1' },
      { op: 'cancel' },
      message('m4'),
    ],
    faults: any(2),
    total: 6,
  },
]
