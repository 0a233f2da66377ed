// Teams: a parent, its child and its grandchild; children that pause and are gone on with; a tree that may have so many sessions.
import type { DeclaredAgent, EventData } from '@reins/contracts'
import { any, born, message, type Scenario } from './scenario.ts'

type Team = EventData<'agents.declared'>

const member = (name: string, more: Partial<DeclaredAgent> = {}): DeclaredAgent => ({
  ...{ name, description: name, onPause: 'wait', digest: name, pool: `${name}s` },
  ...more,
})
const team = (agents: readonly DeclaredAgent[], limits: Partial<Team> = {}): Team => ({
  ...{ agents: [...agents], levels: 3, fanOut: 4, perTurn: 8, sessions: 4 },
  ...limits,
})

const base = {
  executors: 1,
  runners: 0,
  born,
  turns: [[{}]],
  gateway: [message('m1')],
  faults: any(1),
  total: 1,
} as const

/** The root asks a helper, which asks a leaf. */
export const threeLevels = {
  ...base,
  teams: { agent: team([member('helper', { delegates: true })]), helper: team([member('leaf')]) },
  turns: [[{ delegate: ['helper'] }, {}]],
  below: { helper: [[{ delegate: ['leaf'] }, {}]], leaf: [[{}]] },
} as const satisfies Partial<Scenario>

/** Its only tool waits for a person: the child pauses, and its parent goes on with it in a second turn. */
const asking: Scenario['born'] = {
  ...born,
  toolset: [{ name: 'never', source: 's', replay: 'never', risk: 'exec', digest: 'd', rule: { approval: 'always' } }],
}
export const pausing = {
  ...base,
  runners: 1,
  born: asking,
  teams: { agent: team([member('helper', { onPause: 'return' })]) },
  turns: [
    [{ delegate: ['helper'] }, {}],
    [{ resume: ['helper'] }, {}],
  ],
  below: { helper: [[{ tools: ['never'] }, {}]] },
  gateway: [message('m1'), message('m2'), { op: 'decide', verdict: 'approved', of: 'child' }],
} as const satisfies Partial<Scenario>

/** A person pauses the child while it works, and its parent lets it go on. */
export const pausedByPerson = {
  ...base,
  teams: { agent: team([member('helper', { onPause: 'return' })]) },
  turns: [
    [{ delegate: ['helper'] }, {}],
    [{ resume: ['helper'] }, {}],
  ],
  below: { helper: [[{ throttledOnce: true }], [{}]] },
  gateway: [message('m1'), { op: 'pause', of: 'child' }, message('m2')],
} as const satisfies Partial<Scenario>

/** One child; both are paused, and go on. */
export const pausedPair = {
  ...base,
  teams: { agent: team([member('helper')]) },
  turns: [[{ delegate: ['helper'] }, {}]],
  below: { helper: [[{}]] },
  gateway: [message('m1'), { op: 'pause', tree: true }, { op: 'resume' }],
} as const satisfies Partial<Scenario>

/** One child; both are ended with the parent, and erased. */
export const erasedPair = {
  ...pausedPair,
  gateway: [message('m1'), { op: 'cancel', end: true }, { op: 'erase' }],
} as const satisfies Partial<Scenario>

const paused = [message('m1'), { op: 'pause', tree: true }] as const
/** Nobody goes on with it: what was in flight has to come to its end by itself. */
export const pausedForGood = { ...base, gateway: paused } as const satisfies Partial<Scenario>

const pauseAndGoOn = [{ op: 'pause', tree: true }, { op: 'resume' }] as const
export const pausedOften = {
  ...pausedPair,
  gateway: [message('m1'), ...pauseAndGoOn, ...pauseAndGoOn, ...pauseAndGoOn],
} as const satisfies Partial<Scenario>

/** The whole tree is paused while it grows, and goes on: once at once, once again. */
export const pausedTree = {
  ...threeLevels,
  gateway: [message('m1'), { op: 'pause', tree: true }, { op: 'resume' }],
} as const satisfies Partial<Scenario>

/** Two children that would each like to have more than there is. */
export const boundedTree = {
  ...base,
  teams: {
    agent: team([member('helper', { delegates: true })], { sessions: 4 }),
    helper: team([member('leaf')], { sessions: 4 }),
  },
  turns: [[{ delegate: ['helper', 'helper'] }, {}]],
  below: { helper: [[{ delegate: ['leaf', 'leaf'] }, {}]], leaf: [[{}]] },
} as const satisfies Partial<Scenario>

/** By the tool `task`: a fresh context of its own, which asks for one more than the tree is deep, and an agent by its name. */
const tasks = {
  ...base,
  teams: { agent: team([member('helper')], { levels: 1 }) },
  tasks: { agent: { agents: ['helper'], own: member('agent', { digest: 'd', pool: 'default', delegates: true }) } },
  turns: [[{ tasks: ['', 'helper'] }, {}]],
  below: { agent: [[{ tasks: ['', 'nobody'] }, {}]], helper: [[{}]] },
} as const satisfies Partial<Scenario>

/** Two fresh contexts of its own, of which each would like two more, in a tree that has room for two. */
export const boundedTasks = {
  ...base,
  teams: { agent: team([], { sessions: 2 }) },
  tasks: { agent: { ...tasks.tasks.agent, agents: [] } },
  turns: [[{ tasks: ['', ''] }, {}]],
  below: { agent: [[{ tasks: ['', ''] }, {}]] },
} as const satisfies Partial<Scenario>

export const mediumTeams: readonly Scenario[] = [
  { ...tasks, name: 'tasks: a fresh context of its own, and an agent' },
  { ...tasks, name: 'tasks that are cancelled', gateway: [message('m1'), { op: 'cancel' }] },
  { ...threeLevels, name: 'three levels' },
  { ...threeLevels, name: 'three levels and a cancel', gateway: [message('m1'), { op: 'cancel' }] },
  { ...threeLevels, name: 'three levels and an end', gateway: [message('m1'), { op: 'cancel', end: true }] },
  { ...pausedPair, name: 'a parent and its child, paused and gone on with' },
  { ...pausedPair, name: 'a parent and its child, paused for good', gateway: paused },
  { ...pausedTree, name: 'three levels, paused and gone on with' },
  {
    ...pausedTree,
    name: 'three levels, paused twice, and cancelled',
    gateway: [...pausedTree.gateway, { op: 'pause', tree: true }, { op: 'cancel' }, { op: 'resume' }],
    faults: {},
    total: 0,
  },
  { ...pausing, name: 'a child that waits for a person, gone on with in a later turn' },
  { ...pausedByPerson, name: 'a child that a person pauses, gone on with in a later turn' },
  {
    ...pausing,
    name: 'a session that ends while a child of it is paused',
    turns: [[{ delegate: ['helper'] }, {}]],
    gateway: [message('m1'), { op: 'cancel', end: true }],
  },
  { ...boundedTree, name: 'a tree with fewer sessions than it is asked for', faults: {}, total: 0 },
  {
    ...pausing,
    name: 'a child that pauses, which older processes do not know',
    executors: 2,
    older: { processes: ['e1', 'r1'], hides: 'delegation.paused' },
  },
]

export const largeTeams: readonly Scenario[] = [
  {
    ...pausedTree,
    name: 'teams: three levels, paused, cancelled while paused, gone on with',
    executors: 2,
    gateway: [
      message('m1'),
      ...pauseAndGoOn,
      { op: 'pause', tree: true },
      { op: 'cancel' },
      { op: 'resume' },
      message('m2'),
    ],
    total: 3,
  },
  {
    ...base,
    name: 'teams: pauses, cancels, several children, three levels',
    executors: 2,
    runners: 1,
    born: { ...asking, limits: { maxToolCalls: 10 } },
    teams: {
      agent: team([member('helper', { delegates: true }), member('asker', { onPause: 'return' })], { sessions: 8 }),
      helper: team([member('leaf'), member('asker', { onPause: 'return' })]),
    },
    turns: [
      [{ delegate: ['helper', 'asker'] }, { resume: ['asker'] }, {}],
      [{ resume: ['asker'], delegate: ['helper'] }, {}],
      [{ delegate: ['asker'] }, { resume: ['asker'] }, {}],
    ],
    below: {
      helper: [[{ delegate: ['leaf', 'asker'] }, { resume: ['asker'] }, {}]],
      asker: [[{ tools: ['never'] }, {}]],
      leaf: [[{ throttledOnce: true }]],
    },
    gateway: [
      message('m1'),
      { op: 'decide', verdict: 'approved', of: 'child' },
      { op: 'pause', of: 'child' },
      message('m2'),
      { op: 'resume', of: 'child' },
      { op: 'pause', tree: true },
      { op: 'resume' },
      { op: 'cancel', of: 'grandchild' },
      { op: 'decide', verdict: 'denied', of: 'child' },
      message('m3'),
      { op: 'cancel' },
      message('m4'),
      { op: 'cancel', end: true },
    ],
    faults: any(3),
    total: 8,
  },
]
