// Functions of the protocol made wrong from outside: each once left sessions stuck or did work twice.
import { argumentsDigest, type RequestedCall, toLog } from '@reins/contracts'
import {
  addressOf,
  type Call,
  createChild,
  followsSeen,
  type RunnerCall,
  type Session,
  takeover,
  verdict,
} from '@reins/session'
import type { Rules } from '../world/rules.ts'

type Wrong = (rules: Rules) => Partial<Rules>

/** A call in flight elsewhere: it believes that the other's trigger covers it, and acks. */
export const ackCoveredElsewhere: Wrong = (rules) => ({
  verdict: (...asked) => {
    const next = rules.verdict(...asked)
    return next.do === 'ask' ? { do: 'ack' } : next
  },
})

/** A call recorded as this instance's own that it does not run is taken for somebody else's. */
export const noRowForOwnCall: Wrong = (rules) => ({
  verdict: (session, head, holder, delivery) => {
    const stranger = verdict(session, head, { ...holder, instance: '' })
    return stranger.do === 'ask' ? stranger : rules.verdict(session, head, holder, delivery)
  },
})

/** The frame of a decision is addressed to nobody. */
export const decisionWakesNobody: Wrong = (rules) => ({
  decideApproval: (...asked) => {
    const outcome = rules.decideApproval(...asked)
    return outcome.kind === 'append' ? { ...outcome, decision: { ...outcome.decision, to: toLog } } : outcome
  },
})

/** A gateway takes the word of whoever comes, without a look at whether the call still waits. */
export const decisionsWithoutFold: Wrong = (rules) => ({
  decideApproval: (fold, said, ...asked) => {
    const { session } = fold
    const calls = session.turn?.calls.map((call) => (call.call === said.call && call.approval ? asWaiting(call) : call))
    return rules.decideApproval(
      session.turn && calls ? { ...fold, session: { ...session, turn: { ...session.turn, calls } } } : fold,
      said,
      ...asked,
    )
  },
})

function asWaiting({ approval: _, ...call }: Call): Call {
  const digest = argumentsDigest(call.name, call.arguments)
  const state = {
    kind: 'waiting',
    for: 'approval',
    n: 0,
    digest,
    reason: '',
    must: false,
    quorum: 1,
    votes: [],
  } as const
  return { ...call, state }
}

/** An executor forgets what was decided, and asks again. */
export const asksTwice: Wrong = (rules) => ({
  verdict: (session, ...asked) => {
    const { turn } = session
    const calls = turn?.calls.map(({ approval: _, ...call }) => call)
    return rules.verdict(turn && calls ? { ...session, turn: { ...turn, calls } } : session, ...asked)
  },
})

/** Memory writes that a timer has fired, and wakes nobody. */
export const expiryWakesNobody: Wrong = (rules) => ({
  fireTimer: (...asked) => {
    const decision = rules.fireTimer(...asked)
    return decision && { ...decision, to: toLog }
  },
})

/** No timer is armed for the question of a server: whoever is asked is believed to answer. */
export const questionsWithoutTimer: Wrong = (rules) => ({
  verdict: (session, ...asked) => {
    const next = rules.verdict(session, ...asked)
    const waits = session.turn?.calls.some(({ state }) => state.kind === 'eliciting')
    if (!waits || next.do !== 'append') return next
    return next.plan.events.every(({ type }) => type === 'timer.armed') ? { do: 'ack' } : next
  },
})

/** A call that waits for a person counts as open when a runner chooses whom an outcome wakes. */
export const waitingCountsAsOpen: Wrong = (rules) => ({
  addressOf: (requests, ...asked) =>
    rules.addressOf(
      requests.map((one) => ({ ...one, view: one.view.map((call) => ({ ...call, state: asClaimed(call.state) })) })),
      ...asked,
    ),
})

const asClaimed = (state: RunnerCall['state']): RunnerCall['state'] =>
  state.kind === 'parked' ? { kind: 'claimed', attempt: state.attempt, by: state.by } : state

/** The answer of a person is addressed to nobody. */
export const answerWakesNobody: Wrong = (rules) => ({
  answerElicitation: (...asked) => {
    const outcome = rules.answerElicitation(...asked)
    return outcome.kind === 'append' ? { ...outcome, decision: { ...outcome.decision, to: toLog } } : outcome
  },
})

/** A runner takes a call that has waited for a person for one that nobody was asked for yet. */
export const resumedIsNew: Wrong = (rules) => ({
  viewOf: (calls) => rules.viewOf(calls.map(({ resume: _, ...call }) => call)),
})

/** What a tool says of the arguments is recorded nowhere before its call runs, if that may run again. */
export const looksUnrecorded: Wrong = (rules) => ({
  nextStep: (view, holder, fresh, answers) => {
    const step = rules.nextStep(view, holder, fresh, answers)
    if (step.do !== 'work' || !fresh) return step
    const straight = step.claims.filter(({ call }) => call.looks && call.replay === 'safe')
    return {
      ...step,
      runs: [...step.runs, ...straight],
      claims: step.claims.filter((claim) => !straight.includes(claim)),
    }
  },
})

/** A tool is asked again before each attempt of its call. */
export const looksAgain: Wrong = (rules) => ({
  nextStep: (view, holder, ...asked) => {
    const step = rules.nextStep(view, holder, ...asked)
    if (step.do !== 'work') return step
    const again = step.claims.filter(({ call, attempt }) => call.looks && attempt > 1 && !holder.asksNobody(call.call))
    return again.length > 0 ? { do: 'look', calls: again.map(({ call }) => call.call) } : step
  },
})

/** An executor asks for a call about which a person has decided as if nobody had. */
export const decidedLooksAgain: Wrong = (rules) => ({
  verdict: (...asked) => {
    const next = rules.verdict(...asked)
    if (next.do !== 'append') return next
    const events = next.plan.events.map((event) =>
      event.type === 'tool-calls.requested'
        ? { ...event, data: { ...event.data, calls: event.data.calls.map(({ cleared: _, ...call }) => looked(call)) } }
        : event,
    )
    return { ...next, plan: { ...next.plan, events } }
  },
})

const looked = (call: RequestedCall): RequestedCall => ({ ...call, looks: true })

/** A first delivery that finds a call in flight is taken for a repeat and acked. */
export const ackByDeliveryCount: Wrong = (rules) => ({
  countsDeliveries: true,
  verdict: (session, head, holder, delivery) => {
    const next = rules.verdict(session, head, holder, delivery)
    return next.do === 'ask' && !delivery.redelivered ? { do: 'ack' } : next
  },
})

/** A running model call is looked at before a cancel is. */
export const modelCallHidesCancel: Wrong = (rules) => ({
  verdict: (session, ...asked) =>
    rules.verdict(session.turn?.model?.kind === 'running' ? { ...session, cancel: null } : session, ...asked),
})

/** A request for the tools of servers has no timer: its tool-runner is believed to answer. */
export const toolsWithoutTimer: Wrong = (rules) => ({
  verdict: (...asked) => {
    const next = rules.verdict(...asked)
    if (next.do !== 'append' || !next.plan.events.some(({ type }) => type === 'toolset.requested')) return next
    return { ...next, plan: { ...next.plan, events: next.plan.events.filter(({ type }) => type !== 'timer.armed') } }
  },
})

/** What servers answered is recorded, and wakes nobody. */
export const toolsAnsweredToLog: Wrong = (rules) => ({
  toolsetAnswer: (...asked) => ({ ...rules.toolsetAnswer(...asked), to: toLog }),
})

/** Whose time is over is left to the tool-runner that may still answer. */
export const overdueIsLeft: Wrong = (rules) => ({
  verdict: (session, ...asked) =>
    session.servers?.asking.kind === 'overdue' ? { do: 'ack' } : rules.verdict(session, ...asked),
})

/** A session that waits for its tools does not look at a cancel. */
export const toolsHideCancel: Wrong = (rules) => ({
  verdict: (session, ...asked) =>
    rules.verdict(session.servers?.asking.kind === 'asked' ? { ...session, cancel: null } : session, ...asked),
})

/** An intent that is in is started, though the same read shows it closed. */
export const startClosedIntent: Wrong = () => ({ mayStart: () => true, mayRun: () => true })

/** The next attempt of a lost call begins although the session is paused or the call is being cancelled. */
export const takeOverPaused: Wrong = () => ({
  takeover: (session, ...asked) => takeover({ ...session, mode: { kind: 'open' }, cancel: null }, ...asked),
})

/** A process of an older build leaves out what it does not know, and decides on the rest. */
export const olderDecides: Wrong = (rules) => ({
  verdict: (session, ...asked) => rules.verdict(understood(session), ...asked),
  takeover: (session, ...asked) => rules.takeover(understood(session), ...asked),
  mayStart: (session, ...asked) => rules.mayStart(understood(session), ...asked),
})

/** A tool-runner of an older build goes on with a request after a frame that it does not know. */
export const olderRuns: Wrong = () => ({ leftToNewer: () => 'no' })

function understood({ beyond: _, ...session }: Session): Session {
  return session
}

/** A runner waits for the calls of other pools too before it wakes the executor. */
export const runnerCountsForeignCalls: Wrong = () => ({
  addressOf: (requests, events, pool, foreignOpen) => (foreignOpen() > 0 ? toLog : addressOf(requests, events, pool)),
})

/** A runner takes a trigger's own sequence for the head of everything that it holds of that session. */
export const runnerSkipsGap: Wrong = () => ({ followsSeen: () => true })

/** A runner appends a fresh trigger's outcome on a head that it has seen, though it has not read the frames between the two. */
export const freshOnNewerHead: Wrong = () => ({
  followsSeen: (frame, seen, holdsOthers) => !holdsOthers || followsSeen(frame, seen, holdsOthers),
})

/** A runner begins all calls of a frame at once, whatever they change. */
export const runnerIgnoresOrder: Wrong = (rules) => ({
  viewOf: (calls) => rules.viewOf(calls.map(({ alone: _, ...call }) => call)),
})

/** A child's first frames are appended at its head, instead of at expected 0. */
export const childAtHead: Wrong = () => ({
  createChild: (there, ...asked) =>
    there.session.born ? null : createChild({ ...there, head: { ...there.head, n: 0, seq: 0 } }, ...asked),
})

/** What the trigger asks elsewhere is left to whoever comes later: at rest its errands are acked away, and nobody looks after them. */
export const acksUndoneErrands: Wrong = () => ({ acksUndoneErrands: true, standingErrands: () => [] })

/** Each made wrong on top of those before it. */
export function wrong(sound: Rules, ...rules: readonly Wrong[]): Rules {
  let made = sound
  for (const rule of rules) made = { ...made, ...rule(made) }
  return made
}
