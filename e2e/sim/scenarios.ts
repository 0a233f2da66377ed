// The scenarios: small ones to explore whole, large ones to walk through.
import { born, type FaultKind, type Scenario } from './scenario.ts'

const message = (id: string, onBusy: 'queue' | 'join' | 'interrupt' = 'queue') =>
  ({ op: 'message', message: id, onBusy }) as const
const any = (each: number): Scenario['faults'] => ({
  'lose-ack': each,
  'lose-request': each,
  die: each,
  crash: each,
  stall: each,
  repeat: each,
  'late-ack': each,
  server: each,
  recreate: each,
  'timer-twice': each,
})
const only = (...kinds: readonly FaultKind[]): Scenario['faults'] => Object.fromEntries(kinds.map((kind) => [kind, 1]))

const base = { executors: 2, runners: 2, born, turns: [[{}]], gateway: [message('m1')] } as const
const two = { gateway: [message('m1'), message('m2')] } as const
const withAgents = { ...born, agents: { helper: { digest: 'h', pool: 'helpers' } } }
/** `safe` only reads, and `never` changes something: calls of one answer have an order. */
const pinned: Scenario['born'] = {
  ...born,
  toolset: [
    { name: 'safe', source: 's', replay: 'safe', risk: 'read', digest: 'd' },
    { name: 'never', source: 's', replay: 'never', risk: 'exec', digest: 'd' },
  ],
}

/** Of a server that has no tools: what counts is that it answered. */
const serverThere: NonNullable<Scenario['servers']> = [{ server: 'files', status: 'ready', digest: 'd', tools: [] }]
/** Asked again before each turn. */
const serverGone: NonNullable<Scenario['servers']> = [{ server: 'files', status: 'unavailable', reason: 'It is down.' }]

export const small: readonly Scenario[] = [
  { ...base, name: 'one message, two faults', faults: any(2), total: 2 },
  { ...base, name: 'one tool that may run again', turns: [[{ tools: ['safe'] }, {}]], faults: any(1), total: 1 },
  { ...base, name: 'one tool that must not run twice', turns: [[{ tools: ['never'] }, {}]], faults: any(1), total: 1 },
  {
    ...base,
    name: 'two tools in their order',
    born: pinned,
    turns: [[{ tools: ['never', 'never'] }, {}]],
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'two messages', gateway: [message('m1'), message('m2')], faults: any(1), total: 1 },
  { ...base, name: 'a message that joins', gateway: [message('m1'), message('m2', 'join')], faults: any(1), total: 1 },
  {
    ...base,
    name: 'a message that interrupts',
    gateway: [message('m1'), message('m2', 'interrupt')],
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'one cancel', gateway: [message('m1'), { op: 'cancel' }], faults: any(1), total: 1 },
  {
    ...base,
    name: 'a cancel of an endless answer',
    turns: [[{ endless: true }], [{}]],
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'an end', gateway: [message('m1'), { op: 'cancel', end: true }], faults: any(1), total: 1 },
  {
    ...base,
    name: 'pause and resume',
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }],
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'two messages, slots missing', ...two, slotsMayMiss: true, faults: any(1), total: 1 },
  {
    ...base,
    name: 'a message that interrupts, slots missing',
    gateway: [message('m1'), message('m2', 'interrupt')],
    slotsMayMiss: true,
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a tool and a cancel, slots missing',
    turns: [[{ tools: ['safe'] }, {}]],
    gateway: [message('m1'), { op: 'cancel' }],
    slotsMayMiss: true,
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'a timer', turns: [[{ throttledOnce: true }]], faults: any(1), total: 1 },
  {
    ...base,
    name: 'a delegation',
    runners: 0,
    born: withAgents,
    turns: [[{ delegate: ['helper'] }, {}]],
    childTurn: [{}],
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'tools of a server', servers: serverThere, faults: any(1), total: 1 },
  {
    ...base,
    name: 'a delegation, one executor',
    executors: 1,
    runners: 0,
    born: withAgents,
    turns: [[{ delegate: ['helper'] }, {}]],
    childTurn: [{}],
    faults: any(1),
    total: 1,
  },
]

/** A call that takes its process with it again and again; `release` comes at any time, also before it is needed. */
const poison: Scenario = {
  ...base,
  name: 'a call that kills its executor',
  runners: 0,
  gateway: [message('m1'), { op: 'release' }],
  faults: { crash: 5, die: 1 },
  total: 6,
}

export const medium: readonly Scenario[] = [
  poison,
  {
    ...base,
    name: 'two tools, two messages',
    turns: [[{ tools: ['safe', 'never'] }, {}]],
    gateway: [message('m1'), message('m2')],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'reads and other tools in their order, and a cancel',
    born: pinned,
    turns: [[{ tools: ['safe', 'never', 'safe', 'never'] }, {}]],
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'tools in their order, two at once at most',
    born: { ...pinned, limits: { maxToolCalls: 10, maxConcurrentTools: 2 } },
    turns: [[{ tools: ['never', 'safe', 'never'] }, {}]],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a tool and a cancel',
    turns: [[{ tools: ['never'] }, {}]],
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a delegation and a cancel',
    runners: 0,
    born: withAgents,
    turns: [[{ delegate: ['helper'] }, {}]],
    childTurn: [{}],
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a child that a person cancels',
    runners: 0,
    born: withAgents,
    turns: [[{ delegate: ['helper'] }, {}]],
    childTurn: [{}],
    gateway: [message('m1'), { op: 'cancel', of: 'child' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a timer and a cancel',
    turns: [[{ throttledOnce: true }]],
    gateway: [message('m1'), { op: 'cancel' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a cancel of a tool, which older processes do not know',
    turns: [[{ tools: ['never'] }, {}]],
    gateway: [message('m1'), { op: 'cancel' }],
    older: { processes: ['e1', 'r1'], hides: 'cancel.requested' },
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a pause and a resume, which older processes do not know',
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }],
    older: { processes: ['e1', 'r1'], hides: 'session.paused' },
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a tool, interrupted in a way that older processes do not know',
    turns: [[{ tools: ['never'] }, {}], [{}]],
    gateway: [message('m1'), message('m2', 'interrupt')],
    older: { processes: ['e1', 'r1'], hides: 'tool-call.cancelled' },
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'a delegation, which older processes do not know',
    runners: 0,
    born: withAgents,
    turns: [[{ delegate: ['helper'] }, {}]],
    childTurn: [{}],
    older: { processes: ['e1'], hides: 'delegation.requested' },
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'tools of a server that is not there, two messages',
    servers: serverGone,
    ...two,
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'tools of a server, and a cancel',
    servers: serverThere,
    gateway: [message('m1'), { op: 'cancel' }, message('m2')],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'tools of a server, and a pause',
    servers: serverThere,
    gateway: [message('m1'), { op: 'pause' }, { op: 'resume' }],
    faults: any(1),
    total: 1,
  },
  {
    ...base,
    name: 'tools of a server, which older processes do not know',
    servers: serverThere,
    older: { processes: ['e1', 'r1'], hides: 'toolset.requested' },
    faults: any(1),
    total: 1,
  },
  { ...base, name: 'a message, three faults', faults: any(2), total: 3 },
]

/** For walks: everything at once. */
export const large: readonly Scenario[] = [
  {
    ...base,
    name: 'everything',
    born: { ...withAgents, limits: { maxToolCalls: 10, maxConcurrentTools: 2 } },
    turns: [
      [{ tools: ['safe', 'never', 'safe'] }, { delegate: ['helper'], tools: ['never'], throttledOnce: true }, {}],
      [{ delegate: ['helper', 'helper'] }, {}],
      [{ tools: ['never', 'never'] }, {}],
    ],
    childTurn: [{ tools: ['safe'] }, { throttledOnce: true }],
    gateway: [
      message('m1'),
      message('m2'),
      message('m3', 'join'),
      { op: 'pause' },
      { op: 'resume' },
      message('m4', 'interrupt'),
      { op: 'rename' },
      { op: 'cancel', of: 'child' },
      message('m5'),
      { op: 'cancel' },
      message('m6'),
    ],
    faults: any(3),
    total: 10,
  },
  {
    ...base,
    name: 'messages and cancels, with a server that is not there',
    executors: 3,
    servers: serverGone,
    turns: [[{ throttledOnce: true, tools: ['never'] }, {}], [{ endless: true }], [{ tools: ['safe', 'safe'] }, {}]],
    gateway: [
      message('m1'),
      message('m2'),
      { op: 'cancel' },
      message('m3'),
      message('m4', 'interrupt'),
      { op: 'pause' },
      message('m5', 'join'),
      { op: 'resume' },
      { op: 'cancel', end: true },
      message('m6'),
    ],
    faults: any(3),
    total: 8,
  },
  {
    ...base,
    name: 'cancels that older processes do not know',
    executors: 3,
    born: withAgents,
    turns: [
      [{ tools: ['safe', 'never'], throttledOnce: true }, { delegate: ['helper'] }, {}],
      [{ tools: ['never', 'never'] }, {}],
    ],
    childTurn: [{ tools: ['safe'] }, {}],
    gateway: [
      message('m1'),
      message('m2', 'join'),
      { op: 'cancel' },
      message('m3'),
      { op: 'pause' },
      { op: 'resume' },
      message('m4', 'interrupt'),
      { op: 'cancel', end: true },
    ],
    older: { processes: ['e1', 'r1'], hides: 'cancel.requested' },
    faults: any(3),
    total: 8,
  },
  {
    ...base,
    name: 'three tools at once, the last turn',
    born: { ...pinned, limits: { maxToolCalls: 4, maxTurns: 2 } },
    turns: [[{ tools: ['never', 'safe', 'never'] }, { tools: ['safe', 'safe'] }, {}]],
    gateway: [message('m1'), message('m2'), message('m3')],
    faults: any(3),
    total: 8,
  },
]

export { any, base, message, only, pinned, serverThere, withAgents }
