// What an agent has in mind: contexts that fill and are compacted, plans, skills, a long-term memory; alone, and in a child.
// A window of 200 tokens is compacted at 140, and what is new keeps 40: a turn with two results of 190 characters fills it.
import { any, type AskedCall, born, message, type Mind, only, type Scenario } from './scenario.ts'
import { base, withAgents } from './scenarios.ts'

const tools = { ...born.tools, use_skill: 'safe', store_memory: 'safe' } as const
const minded: Scenario['born'] = { ...born, tools }
const longText = 'y'.repeat(500)
const once = { faults: any(1), total: 1 } as const
const calls = (...asked: readonly (readonly [string, AskedCall['arguments']])[]) => ({
  calls: asked.map(([name, args]) => ({ name, arguments: args })),
})

/** The second message finds a context that is full. */
export const filling = {
  ...base,
  runners: 0,
  window: 200,
  turns: [[{ says: longText }], [{}]],
  gateway: [message('m1'), message('m2')],
} as const satisfies Partial<Scenario>

/** It fills within one turn, between two calls of tools. */
export const fillingTurn = {
  ...base,
  executors: 1,
  runners: 1,
  born: minded,
  window: 200,
  gives: 'x'.repeat(190),
  turns: [[{ tools: ['safe'] }, { tools: ['safe'] }, {}]],
} as const satisfies Partial<Scenario>

/** Its results are so long that their beginnings make enough room. */
export const prunedTurn = {
  ...fillingTurn,
  window: 1_000,
  gives: 'x'.repeat(1_000),
} as const satisfies Partial<Scenario>

/** A message joins between a call and its result, and both are short: what is kept of the turn could begin with it. */
const joinedTurn = {
  ...fillingTurn,
  gives: 'x'.repeat(20),
  turns: [[{ says: longText, tools: ['safe'] }, { tools: ['safe'] }, {}]],
  gateway: [message('m1'), message('m2', 'join')],
} as const satisfies Partial<Scenario>

const steps = [
  { name: 'a', description: 'first' },
  { name: 'b', description: 'second', depends_on: ['a'] },
]
const planner: Mind = { planning: { maxSteps: 5, strict: true } }
const planTurns: Scenario['turns'] = [
  [
    { ...calls(['create_plan', { steps }], ['start_step', { step_name: 'a' }]), tools: ['safe'] },
    { tools: ['safe'] },
    calls(['mark_step_done', { step_name: 'a', result: 'r' }], ['start_step', { step_name: 'b' }]),
    calls(['mark_step_done', { step_name: 'b', result: 'r' }]),
    {},
  ],
]

export const planning = { ...fillingTurn, minds: { agent: planner }, turns: planTurns } satisfies Partial<Scenario>

const skilled: Mind = { skills: { digest: 'd', skills: [{ name: 's', description: 's', allowedTools: ['safe'] }] } }

/** The third answer asks for what the skill does not allow, when the skill is covered by a compaction. */
export const narrowed = {
  ...fillingTurn,
  minds: { agent: skilled },
  turns: [[calls(['use_skill', { name: 's' }]), { tools: ['safe'] }, { tools: ['never'] }, {}]],
} satisfies Partial<Scenario>

export const remembering = {
  ...base,
  executors: 1,
  born: minded,
  minds: { agent: { memory: { provider: 'builtin', scope: 'default' } } },
  turns: [[calls(['store_memory', { key: 'k', value: 1 }]), {}]],
} satisfies Partial<Scenario>

/** The context of the child fills. */
const fillingChild = {
  ...fillingTurn,
  born: { ...withAgents, tools },
  turns: [[{ delegate: ['helper'] }, {}]],
  childTurn: [{ tools: ['safe'] }, { tools: ['safe'] }, {}],
} as const satisfies Partial<Scenario>

export const smallMind: readonly Scenario[] = [
  { ...filling, name: 'a context that fills', executors: 1, ...once },
  { ...remembering, name: 'a memory that is told something', runners: 1, ...once },
]

export const mediumMind: readonly Scenario[] = [
  { ...filling, name: 'a context that fills, two executors', ...once },
  { ...fillingTurn, name: 'a context that fills in the middle of a turn', ...once },
  { ...joinedTurn, name: 'a context that fills in a turn that a message joins', ...once },
  {
    ...filling,
    name: 'a summary that is throttled, and a cancel',
    executors: 1,
    summaries: ['throttled', 'made'],
    gateway: [message('m1'), message('m2'), { op: 'cancel' }],
    ...once,
  },
  { ...filling, name: 'a summary that cannot be had', executors: 1, summaries: ['failed'], ...once },
  { ...filling, name: 'a summary that kills its executor', faults: { crash: 5, die: 1 }, total: 6 },
  {
    ...filling,
    name: 'a request that is too long',
    executors: 1,
    turns: [[{ says: 'short' }], [{ overflows: true }, {}]],
    ...once,
  },
  {
    ...filling,
    name: 'a compaction by hand, which is undone',
    executors: 1,
    turns: [[{ says: 'y'.repeat(200) }]],
    gateway: [message('m1'), message('m2'), { op: 'compact' }, { op: 'restore' }, message('m3')],
    ...once,
  },
  {
    ...fillingTurn,
    name: 'a compaction by hand while a call waits for a person',
    born: {
      ...minded,
      toolset: [
        { name: 'never', source: 's', replay: 'never', risk: 'exec', digest: 'd', rule: { approval: 'always' } },
      ],
    },
    turns: [[{ says: longText, tools: ['never'] }, {}]],
    gateway: [message('m1'), { op: 'compact' }, { op: 'decide', verdict: 'approved' }],
    ...once,
  },
  {
    ...fillingTurn,
    name: 'a compaction, a pause and an end',
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }, { op: 'cancel', end: true }],
    ...once,
  },
  { ...prunedTurn, name: 'results that are cut first', turns: [longTurn()], ...once },
  { ...planning, name: 'a plan, and a compaction in the middle of it', ...once },
  {
    ...planning,
    name: 'a plan that a person approves',
    minds: { agent: { planning: { maxSteps: 5, approve: true } } },
    gateway: [message('m1'), { op: 'decide', verdict: 'denied' }, message('m2'), { op: 'decide', verdict: 'approved' }],
    ...once,
  },
  { ...narrowed, name: 'a skill in use, and a compaction', ...once },
  {
    ...prunedTurn,
    name: 'a skill in use, and results that are cut',
    minds: { agent: skilled },
    turns: [[calls(['use_skill', { name: 's' }]), { tools: ['safe'] }, { tools: ['safe'] }, { tools: ['never'] }, {}]],
    ...once,
  },
  { ...remembering, name: 'a memory that is told something, two runners', ...once },
  { ...fillingChild, name: 'a child whose context fills', ...once },
  {
    ...fillingChild,
    name: 'a child whose context fills, and a cancel',
    gateway: [message('m1'), { op: 'cancel' }],
    ...once,
  },
  {
    ...fillingChild,
    name: 'compactions by hand of a session that waits for a child, and of the child',
    gateway: [message('m1'), { op: 'compact', of: 'child' }, { op: 'compact' }],
    ...once,
  },
  {
    ...filling,
    name: 'a compaction that older processes do not know',
    older: { processes: ['e1'], hides: 'context.compaction-started' },
    ...once,
  },
  {
    ...planning,
    name: 'a plan that older processes do not know',
    executors: 2,
    runners: 2,
    older: { processes: ['e1', 'r1'], hides: 'plan.updated' },
    faults: only('crash', 'stall'),
    total: 1,
  },
]

function longTurn(): Scenario['turns'][number] {
  return [{ tools: ['safe'] }, { tools: ['safe'] }, { tools: ['safe'] }, {}]
}

export const largeMind: readonly Scenario[] = [
  {
    ...fillingTurn,
    name: 'plans, skills, memory and compactions, in a child too',
    executors: 2,
    runners: 2,
    born: { ...withAgents, tools, limits: { maxToolCalls: 20 } },
    minds: {
      agent: { ...planner, ...skilled, memory: { provider: 'builtin', scope: 'default' } },
      helper: { ...planner, context: { compactAt: 0.5 } },
    },
    turns: [
      [
        { ...calls(['create_plan', { steps }], ['start_step', { step_name: 'a' }]), tools: ['safe'] },
        { ...calls(['use_skill', { name: 's' }]), delegate: ['helper'] },
        calls(['store_memory', { key: 'k', value: 1 }]),
        { tools: ['safe', 'never'] },
        calls(['mark_step_done', { step_name: 'a', result: 'r' }]),
        { says: longText },
      ],
      [
        { ...calls(['start_step', { step_name: 'b' }]), tools: ['never'] },
        { delegate: ['helper', 'helper'], says: longText },
        calls(['mark_step_done', { step_name: 'b', result: 'r' }]),
        {},
      ],
      [{ overflows: true, says: longText }, { tools: ['safe'] }, {}],
    ],
    childTurn: [
      { tools: ['safe'] },
      { ...calls(['create_plan', { steps }]), tools: ['safe'] },
      { tools: ['safe'] },
      {},
    ],
    summaries: ['throttled', 'made'],
    gateway: [
      message('m1'),
      { op: 'compact', of: 'child' },
      { op: 'pause' },
      { op: 'resume' },
      message('m2', 'join'),
      { op: 'compact' },
      { op: 'restore' },
      message('m3'),
      { op: 'compact' },
      { op: 'cancel', of: 'child' },
      message('m4', 'interrupt'),
      { op: 'restore' },
      { op: 'cancel' },
      message('m5'),
    ],
    faults: any(3),
    total: 8,
  },
]
