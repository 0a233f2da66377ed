// Sessions whose code decides: steps that may and may not run twice, turns that the code asks for, sleeps, pauses for messages.
import { attemptTokens, born, message, type Scenario, usualFaults } from './scenario.ts'

export const running = {
  executors: 2,
  runners: 0,
  born,
  turns: [[{}]],
  gateway: [message('m1')],
  faults: usualFaults,
  total: 1,
} as const satisfies Partial<Scenario>

export const steps = ['never', 'safe', 'pause'] as const

/** A session below it is prompted twice. */
export const prompting = {
  ...running,
  code: ['init', 'prompt', 'pause', 'prompt'],
  below: { helper: [[{}]] },
} as const satisfies Partial<Scenario>

/** A prompt is cancelled, and the tree paused before the session below knows of either. */
export const cancelledAndPaused = {
  ...prompting,
  executors: 1,
  code: ['init', 'prompt', 'pause'],
  gateway: [message('m1'), { op: 'cancel' }, { op: 'pause', tree: true }],
} as const satisfies Partial<Scenario>

/** Both prompts would use all that is left, and each of them asks a model twice. */
export const budgetedRun = {
  ...prompting,
  executors: 1,
  code: ['init', 'prompt', 'prompt'],
  below: {
    helper: [
      [{ delegate: ['nobody'] }, {}],
      [{ delegate: ['nobody'] }, {}],
    ],
  },
  budget: { tokens: 3 * attemptTokens },
} as const satisfies Partial<Scenario>

export const mediumRuns: readonly Scenario[] = [
  { ...budgetedRun, name: 'a run with a budget' },
  { ...budgetedRun, name: 'a run with a budget, and a cancel', gateway: [message('m1'), { op: 'cancel' }] },
  { ...cancelledAndPaused, name: 'a run whose prompt is cancelled, and whose tree is paused' },
  { ...prompting, name: 'a run that prompts a session below' },
  {
    ...running,
    name: 'a run that waits for an event',
    code: ['pause', 'wait', 'safe'],
    gateway: [message('m1'), { op: 'deliver' }],
  },
  {
    ...prompting,
    name: 'a run that waits for an event, and a cancel',
    code: ['init', 'wait', 'prompt', 'safe'],
    gateway: [message('m1'), { op: 'deliver' }, { op: 'cancel' }],
  },
  { ...prompting, name: 'a run that prompts, and a cancel', gateway: [message('m1'), { op: 'cancel' }] },
  { ...running, name: 'code with steps', code: steps },
  { ...running, name: 'code that calls its agent', code: ['pause', 'call', 'pause'] },
  {
    ...running,
    name: 'code that calls a tool, and a cancel',
    runners: 1,
    code: ['tool', 'pause'],
    gateway: [message('m1'), { op: 'cancel' }],
  },
  {
    ...prompting,
    name: 'a run that calls a tool in a session below',
    runners: 1,
    code: ['init', 'prompt-tool', 'prompt'],
  },
  { ...running, name: 'code that writes lines', code: steps, logs: true },
  {
    ...prompting,
    name: 'a run that prompts by another model',
    code: ['init', 'prompt', 'prompt-model', 'prompt'],
    total: 1,
  },
  {
    ...prompting,
    name: 'a run whose first prompt is by another model, and a cancel',
    code: ['init', 'prompt-model', 'prompt'],
    gateway: [message('m1'), { op: 'cancel' }],
  },
  {
    ...prompting,
    name: 'a run that works with files in a session below',
    runners: 1,
    code: ['init', 'prompt-files', 'prompt', 'prompt-files'],
  },
  {
    ...prompting,
    name: 'a run that shows images',
    code: ['init', 'prompt-images', 'prompt', 'prompt-images'],
    total: 1,
  },
  { ...running, name: 'code that sleeps', code: ['sleep', 'never', 'pause'] },
  { ...running, name: 'code that asks a person', code: ['ask', 'never', 'pause'] },
  { ...running, name: 'code that comes to its end', code: ['never', 'pause', 'safe'] },
  {
    ...running,
    name: 'code and a cancel',
    code: ['never', 'call', 'pause'],
    gateway: [message('m1'), { op: 'cancel' }],
  },
  {
    ...running,
    name: 'code and a pause of its session',
    code: ['never', 'call', 'pause'],
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }],
  },
]

export const largeRuns: readonly Scenario[] = [
  {
    ...prompting,
    name: 'runs of workflows: prompts, events, steps, cancels, pauses, faults',
    runners: 1,
    code: [
      'init',
      'prompt',
      'never',
      'pause',
      'prompt-tool',
      'prompt-files',
      'wait',
      'safe',
      'prompt-images',
      'prompt-files',
      'sleep',
    ],
    logs: true,
    gateway: [
      message('m1'),
      { op: 'deliver' },
      { op: 'cancel' },
      { op: 'pause', tree: true },
      { op: 'resume' },
      { op: 'cancel', end: true },
    ],
    total: 4,
  },
  {
    ...budgetedRun,
    name: 'runs of workflows with a budget: prompts, cancels, pauses, faults',
    executors: 2,
    code: ['init', 'prompt', 'never', 'prompt', 'wait', 'prompt', 'prompt'],
    budget: { tokens: 6 * attemptTokens },
    gateway: [message('m1'), { op: 'cancel' }, { op: 'deliver' }, { op: 'pause', tree: true }, { op: 'resume' }],
    total: 4,
  },
  {
    ...running,
    name: 'runs: every operation, messages, cancels, pauses, faults',
    turns: [[{}], [{ throttledOnce: true }]],
    runners: 1,
    code: ['never', 'safe', 'pause', 'call', 'sleep', 'never', 'pause', 'tool', 'call', 'safe', 'ask', 'pause'],
    gateway: [
      message('m1'),
      { op: 'cancel' },
      message('m2'),
      { op: 'pause' },
      { op: 'resume' },
      message('m3'),
      { op: 'cancel', end: true },
    ],
    total: 4,
  },
]
