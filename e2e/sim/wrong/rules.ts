// The known-wrong rules (PROTOCOL 14, and what exploring added), each with the smallest scenario in which it bites.
//   B1. In the same scenario, with the sound rules, nothing is found.
//   B2. "Compare the last frame" bites only together with "covered, so ack" and no row for one's own call: alone, whoever takes its own
//       landed intent for another's meets the row that runs a call recorded as its own, or asks itself, hears no, and takes it over.
import { type Rules, sound } from '../world/rules.ts'
import { message, only, born, type Scenario } from '../scenarios/scenario.ts'
import { approved, asksOnce, base, looking, pinned, serverThere, withAgents } from '../scenarios/scenarios.ts'
import {
  ackByDeliveryCount,
  ackCoveredElsewhere,
  acksUndoneErrands,
  answerWakesNobody,
  asksTwice,
  childAtHead,
  decidedLooksAgain,
  decisionsWithoutFold,
  decisionWakesNobody,
  expiryWakesNobody,
  freshOnNewerHead,
  looksAgain,
  looksUnrecorded,
  modelCallHidesCancel,
  noRowForOwnCall,
  olderDecides,
  olderRuns,
  overdueIsLeft,
  questionsWithoutTimer,
  resumedIsNew,
  runnerCountsForeignCalls,
  runnerIgnoresOrder,
  runnerSkipsGap,
  startClosedIntent,
  takeOverPaused,
  toolsAnsweredToLog,
  toolsHideCancel,
  toolsWithoutTimer,
  waitingCountsAsOpen,
  wrong,
} from './protocol.ts'

export interface WrongRule {
  readonly name: string
  readonly says: string
  readonly rules: Rules
  readonly scenario: Scenario
  /** It bites where one errand overtakes another, deep in the scenario: seeded walks find it, one of so many. */
  readonly walks?: number
}

type Switch = { readonly [K in keyof Rules]: Rules[K] extends boolean ? K : never }[keyof Rules]
const world = (...names: readonly Switch[]): Rules => ({
  ...sound,
  ...Object.fromEntries(names.map((name) => [name, true])),
})
const scenario = (name: string, change: Partial<Scenario>, faults: Scenario['faults'] = {}): Scenario => ({
  ...base,
  runners: 0,
  ...change,
  name,
  faults,
  total: Object.values(faults).reduce((sum, count) => sum + count, 0),
})

const deciding = {
  ...approved,
  executors: 1,
  runners: 1,
  turns: [[{ tools: ['never'] }, {}]],
  gateway: [message('m1'), { op: 'decide', verdict: 'approved' }],
} as const

const lookingOnce = { ...looking, executors: 1, turns: [[{ tools: ['safe'] }, {}]] } as const

/** Nobody decides: what counts is who is asked. */
const lookingOnly = { ...lookingOnce, runners: 1, gateway: [message('m1')] } as const

const asking = { ...asksOnce, runners: 1 } as const

const delegating = { born: withAgents, turns: [[{ delegate: ['helper'] }, {}]], childTurn: [{}] } as const

/** A lost ack with another writer on top, and nobody else who could help. */
export const lostIntent: Scenario = scenario(
  'one executor, a lost ack',
  { executors: 1, gateway: [message('m1'), message('m2')] },
  only('lose-ack'),
)

export const wrongRules: readonly WrongRule[] = [
  {
    name: 'loser-acks',
    says: 'a loser acks its trigger',
    rules: world('loserAcks'),
    scenario: scenario('one stall', {}, only('stall')),
  },
  {
    name: 'given-is-acked',
    says: 'an executor acks the trigger that it gives to another one',
    rules: world('acksGiven'),
    scenario: scenario(
      'a trigger that is given away, and a crash',
      { gateway: [message('m1'), message('m2')], givesAway: true },
      only('crash'),
    ),
  },
  {
    name: 'covered-so-ack',
    says: "covered by another's call, so ack",
    rules: wrong(sound, ackCoveredElsewhere),
    scenario: scenario('a trigger delivered too early', {}, only('repeat')),
  },
  {
    name: 'delivery-count',
    says: 'decide by delivery count',
    rules: wrong(sound, ackByDeliveryCount),
    scenario: scenario('a broker that forgets', {}, only('server')),
  },
  {
    name: 'compare-last-frame',
    says: "after a lost ack compare the last frame's id (with covered-so-ack, and no row for one's own call)",
    rules: { ...wrong(sound, noRowForOwnCall, ackCoveredElsewhere), compareLastFrame: true },
    scenario: lostIntent,
  },
  {
    name: 'status-without-fold',
    says: 'a status header written by one who did not fold',
    rules: world('statusWithoutFold'),
    scenario: scenario('a new name between messages', {
      gateway: [message('m1'), message('m2'), { op: 'rename' }, message('m3')],
    }),
  },
  {
    name: 'zombie-working',
    says: "a zombie's working() after its reconnect",
    rules: world('zombieWorking'),
    scenario: scenario('a stall, then a crash', {}, only('stall', 'crash')),
  },
  {
    name: 'counts-foreign-calls',
    says: 'a runner that counts calls it was not asked for as open',
    rules: wrong(sound, runnerCountsForeignCalls),
    scenario: scenario('two tools, one at a time', {
      runners: 1,
      born: { ...born, limits: { maxToolCalls: 10, maxConcurrentTools: 1 } },
      turns: [[{ tools: ['safe', 'safe'] }, {}]],
    }),
  },
  {
    name: 'recreate-with-new',
    says: 'a consumer recreated with `new`',
    rules: world('recreateWithNew'),
    scenario: scenario('a consumer made anew', {}, only('recreate')),
  },
  {
    name: 'child-after-cancel',
    says: 'a child created after its cancel',
    rules: wrong(sound, childAtHead),
    scenario: scenario('a delegation that is cancelled', {
      executors: 1,
      ...delegating,
      gateway: [message('m1'), { op: 'cancel' }],
    }),
  },
  {
    name: 'timer-in-log-only',
    says: 'a timer in the log only',
    rules: world('timerInLogOnly'),
    scenario: scenario('a throttled call', { turns: [[{ throttledOnce: true }]] }),
  },
  {
    name: 'model-call-hides-cancel',
    says: 'a running model call hides a cancel (rows in another order)',
    rules: wrong(sound, modelCallHidesCancel),
    scenario: scenario('an endless answer that is cancelled', {
      turns: [[{ endless: true }]],
      gateway: [message('m1'), { op: 'cancel' }],
    }),
  },
  {
    name: 'start-closed-intent',
    says: '"mine is in" starts what the same read shows closed',
    rules: wrong(sound, startClosedIntent),
    scenario: scenario('a lost ack and a cancel', { gateway: [message('m1'), { op: 'cancel' }] }, only('lose-ack')),
  },
  {
    name: 'take-over-paused',
    says: 'the next attempt of a call that was lost in a paused session, or is being cancelled',
    rules: wrong(sound, takeOverPaused),
    scenario: scenario('a crash and a pause', { gateway: [message('m1'), { op: 'pause' }] }, only('crash')),
  },
  {
    name: 'owner-answers-early',
    says: 'an owner that answers no while its outcome is not in yet',
    rules: world('ownerAnswersEarly'),
    scenario: scenario('an outcome under way', {}, only('lose-request')),
  },
  {
    name: 'runner-skips-gap',
    says: "a runner takes a trigger's own sequence for the head of everything that it holds of that session",
    rules: wrong(sound, runnerSkipsGap),
    scenario: scenario('a tool, interrupted by a message with a tool', {
      executors: 1,
      runners: 1,
      turns: [[{ tools: ['safe'] }, {}]],
      gateway: [message('m1'), message('m2', 'interrupt')],
    }),
  },
  {
    name: 'runner-ignores-order',
    says: 'a runner begins calls of one answer that change something side by side',
    rules: wrong(sound, runnerIgnoresOrder),
    scenario: scenario('two tools that change something', {
      executors: 1,
      runners: 1,
      born: pinned,
      turns: [[{ tools: ['never', 'never'] }, {}]],
    }),
  },
  {
    name: 'acks-undone-errands',
    says: 'at rest every trigger of the session is acked, those too whose errands are still to be done, and nobody looks after them',
    rules: wrong(sound, acksUndoneErrands),
    scenario: scenario('a delegation inside one pool', {
      ...delegating,
      executors: 1,
      born: { ...born, agents: { helper: { digest: 'h', pool: 'default' } } },
    }),
  },
  {
    name: 'fresh-on-newer-head',
    says: "a runner appends a fresh trigger's outcome on a head that it has seen, not on the trigger's own",
    rules: wrong(sound, freshOnNewerHead),
    scenario: scenario('two tools, one interrupted', {
      executors: 1,
      runners: 1,
      turns: [[{ tools: ['never'] }, {}]],
      gateway: [message('m1'), message('m2', 'interrupt'), message('m3', 'interrupt')],
    }),
  },
  {
    name: 'older-decides',
    says: 'an old process decides on what it does not understand',
    rules: wrong(sound, olderDecides),
    scenario: scenario('an older executor and a cancel that it does not know', {
      gateway: [message('m1'), { op: 'cancel' }],
      older: { processes: ['e1'], hides: 'cancel.requested' },
    }),
  },
  {
    name: 'older-runner-decides',
    says: 'an old tool-runner begins calls after a frame that it does not understand',
    rules: wrong(sound, olderRuns),
    scenario: scenario('a tool, interrupted in a way that an older tool-runner does not know', {
      executors: 1,
      runners: 2,
      turns: [[{ tools: ['never'] }, {}], [{}]],
      gateway: [message('m1'), message('m2', 'interrupt')],
      older: { processes: ['r1'], hides: 'tool-call.cancelled' },
    }),
  },
  {
    name: 'tools-without-timer',
    says: 'a request for the tools of servers without a timer',
    rules: wrong(sound, toolsWithoutTimer),
    scenario: scenario('tools of a server', { runners: 1, servers: serverThere }),
  },
  {
    name: 'tools-answered-to-log',
    says: 'what servers answered wakes nobody',
    rules: wrong(sound, toolsAnsweredToLog),
    scenario: scenario('tools of a server, answered', { runners: 1, servers: serverThere }),
  },
  {
    name: 'overdue-is-left',
    says: 'a request for tools whose time is over is left to the tool-runner',
    rules: wrong(sound, overdueIsLeft),
    scenario: scenario('tools of a server, too late', { runners: 1, servers: serverThere }),
  },
  {
    name: 'tools-hide-cancel',
    says: 'a session that waits for its tools does not look at a cancel',
    rules: wrong(sound, toolsHideCancel),
    scenario: scenario('tools of a server, and a cancel', {
      executors: 1,
      runners: 1,
      servers: serverThere,
      gateway: [message('m1'), { op: 'cancel' }],
    }),
  },
  {
    name: 'decision-wakes-nobody',
    says: 'the decision of a person is addressed to nobody',
    rules: wrong(sound, decisionWakesNobody),
    scenario: scenario('an approval', { ...deciding, policy: { mode: 'default' } }),
  },
  {
    name: 'decisions-without-fold',
    says: 'a gateway decides without a look at whether the call still waits',
    rules: wrong(sound, decisionsWithoutFold),
    scenario: scenario('two deciders', {
      ...deciding,
      gateway: [message('m1'), { op: 'decide', verdict: 'denied' }, { op: 'decide', verdict: 'approved' }],
    }),
  },
  {
    name: 'asks-twice',
    says: 'an executor forgets what was decided about a call, and asks again',
    rules: wrong(sound, asksTwice),
    scenario: scenario('an approval', deciding),
  },
  {
    name: 'expiry-wakes-nobody',
    says: 'that the time of an approval has passed is written, and wakes nobody',
    rules: wrong(sound, expiryWakesNobody),
    scenario: scenario('an approval that expires', { ...deciding, gateway: [message('m1')] }),
  },
  {
    name: 'approval-timer-in-log-only',
    says: 'the timer of an approval stands in the log only',
    rules: world('timerInLogOnly'),
    scenario: scenario('an approval that expires', { ...deciding, gateway: [message('m1')] }),
  },
  {
    name: 'looks-unrecorded',
    says: 'what a tool says of the arguments is recorded nowhere before a call runs that may run again',
    rules: wrong(sound, looksUnrecorded),
    scenario: scenario('a tool that looks, and a crash', lookingOnly, only('crash')),
  },
  {
    name: 'looks-again',
    says: 'a tool is asked before each attempt whether it wants a person',
    rules: wrong(sound, looksAgain),
    scenario: scenario('a tool that looks, and a crash', lookingOnly, only('crash')),
  },
  {
    name: 'decided-looks-again',
    says: 'a tool is asked again about a call on which a person has decided',
    rules: wrong(sound, decidedLooksAgain),
    scenario: scenario('a tool that looks', { ...lookingOnce, runners: 1 }),
  },
  {
    name: 'needs-to-log',
    says: 'that a tool wants a person stands in the log and wakes nobody',
    rules: world('needsToLog'),
    scenario: scenario('a tool that looks', { ...lookingOnce, runners: 1 }),
  },
  {
    name: 'question-without-timer',
    says: 'no timer is armed for the question of a server',
    rules: wrong(sound, questionsWithoutTimer),
    scenario: scenario('a question that nobody answers', { ...asking, gateway: [message('m1')] }),
  },
  {
    name: 'questions-to-log',
    says: 'the question of a server stands in the log and wakes nobody',
    rules: world('questionsToLog'),
    scenario: scenario('a question', asking),
  },
  {
    name: 'answer-wakes-nobody',
    says: 'the answer of a person to a server is addressed to nobody',
    rules: wrong(sound, answerWakesNobody),
    scenario: scenario('a question', asking),
  },
  {
    name: 'waiting-counts-as-open',
    says: 'an outcome wakes nobody while another call of its request waits for a person',
    rules: wrong(sound, waitingCountsAsOpen),
    scenario: scenario('a question, and calls beside it', {
      ...asking,
      born: { ...born, limits: { maxToolCalls: 10, maxConcurrentTools: 2 } },
      turns: [[{ tools: ['never', 'safe', 'safe'] }, {}]],
      gateway: [message('m1')],
    }),
  },
  {
    name: 'resumed-is-new',
    says: 'a runner takes a call that has waited for a person for a new one',
    rules: wrong(sound, resumedIsNew),
    scenario: scenario('a question', asking),
  },
  {
    name: 'settle-on-stale-parent',
    says: 'the parent of a closed child is read where it may be stale',
    rules: world('settleOnStaleParent'),
    scenario: scenario('a delegation', { executors: 1, ...delegating }),
  },
]
