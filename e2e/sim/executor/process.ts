// An executor, step by step: what it does with a trigger that it holds, with a model call that ends, with what it learns.
// The rules are those of @reins/session; this file only carries them out on a world, one append a step.
//   E1. A step decides on what the process knows (its fold), which may be old: the append's condition finds out.
//   E2. Nothing else is decided for a session while a frame of it is under way.
//   E3. Who lost its call to another forgets its triggers of that session.
import type { SessionEvent } from '@reins/contracts'
import {
  defaultRetryPolicy,
  due,
  type Effect,
  type Fold,
  flightOf,
  plan,
  type Session,
  type Verdict,
} from '@reins/session'
import { checkHeard } from '../checks/heard.ts'
import { readFor } from '../world/builds.ts'
import { errandsHeld } from '../world/errands.ts'
import { begin, decide, drop } from './append.ts'
import { askedErrand, standingErrand } from './errands.ts'
import {
  counting,
  type ExecHold,
  type ExecSession,
  type ExecutorProcess,
  executorNamed,
  holderOf,
  learn,
  nameOf,
  update,
} from './state.ts'
import { answerOf, outcomeOf, summaryOf } from '../world/model.ts'
import type { Rules } from '../world/rules.ts'
import { instanceOf, type World } from '../world/world.ts'

export function deliverExec(world: World, name: string, seq: number): void {
  const trigger = world.triggers.get(seq)
  if (!trigger) return
  const process = executorNamed(world, name)
  const state = process.sessions.get(trigger.session)
  world.setTrigger(seq, { state: 'held', first: false })
  world.note(`${instanceOf(process)} is given ${world.nameOf(seq)}${trigger.first ? '' : ' again'}`)
  const old = state?.held.get(seq)
  // A cached fold that is not older than the trigger is used as it is. While a frame is under way, finding out about it reads on.
  if (!state || (state.fold.head.seq < seq && !state.sending))
    learn(world, name, trigger.session, readFor(world, name, trigger.session))
  const held = new Map(executorNamed(world, name).sessions.get(trigger.session)?.held)
  held.set(seq, old ?? { redelivered: !trigger.first, errands: 0 })
  update(world, name, trigger.session, { held })
}

/** What the process would do with a trigger now; null: nothing, until something else happens. */
export function nextFor(world: World, process: ExecutorProcess, seq: number): Verdict | 'errand' | null {
  const trigger = world.triggers.get(seq)
  const state = trigger && process.sessions.get(trigger.session)
  const hold = state?.held.get(seq)
  if (!trigger || !state || !hold || state.sending) return null
  if (errandsHeld(world, seq, state.fold).length > 0) return 'errand'
  const next = verdictFor(world, process, state, hold)
  return next.do === 'hold' ? null : next
}

const verdicts = new WeakMap<Rules, WeakMap<Fold, Map<string, Verdict>>>()

/** A verdict follows from these alone: worlds that differ in something else need it only once. */
function verdictFor(world: World, process: ExecutorProcess, state: ExecSession, hold: ExecHold): Verdict {
  const { rules } = world
  const { fold, running, started } = state
  const ofRules = verdicts.get(rules) ?? new WeakMap<Fold, Map<string, Verdict>>()
  verdicts.set(rules, ofRules)
  const ofFold = ofRules.get(fold) ?? new Map<string, Verdict>()
  ofRules.set(fold, ofFold)
  const runs = running ? `${running.call}/${running.attempt}` : ''
  const key = `${instanceOf(process)} ${runs} ${started.join()} ${hold.redelivered}`
  const known = ofFold.get(key)
  if (known) return known
  const next = rules.verdict(rules.remembers(fold.session), fold.head, holderOf(process, state), hold)
  ofFold.set(key, next)
  return next
}

export function actExec(world: World, name: string, seq: number): void {
  const session = world.triggers.get(seq)?.session ?? ''
  // H1: a verdict is good for a head that is not older than the trigger.
  const behind = (executorNamed(world, name).sessions.get(session)?.fold.head.seq ?? 0) < seq
  if (behind) learn(world, name, session, readFor(world, name, session))
  const process = executorNamed(world, name)
  const next = nextFor(world, process, seq)
  const state = process.sessions.get(session)
  if (next === null || !state) return
  if (next === 'errand') {
    askedErrand(world, process, state, seq)
    return
  }
  switch (next.do) {
    case 'ack':
      atRest(world, name, state, seq)
      return
    case 'nak':
      drop(world, process, session, seq, 'nak')
      return
    case 'run':
      begin(world, name, session, state, next.effect)
      return
    case 'ask':
      ask(world, process, session, seq, next)
      return
    case 'append':
    case 'settle':
      decide(world, process, state, next.plan, { kind: 'decide', effect: next.plan.effect })
      return
    case 'hold':
      return
    default:
      next satisfies never
  }
}

/** The model call that the holder of a trigger would begin now, if it had a slot for it. */
export function wouldBegin(world: World, process: ExecutorProcess, seq: number): boolean {
  const next = nextFor(world, process, seq)
  return typeof next === 'object' && next?.do === 'append' && next.plan.effect !== null
}

/** There is no slot for the call that is due: what is due before it, and needs none, is appended; else it waits. */
export function actWithoutSlot(world: World, name: string, seq: number): void {
  const session = world.triggers.get(seq)?.session ?? ''
  const state = executorNamed(world, name).sessions.get(session)
  const process = executorNamed(world, name)
  if (!state) return
  const said = { n: state.fold.head.n + 1, at: 1_700_000_000_000, by: instanceOf(process) }
  const now = plan(state.fold.session, [], said, false)
  if (now) decide(world, process, state, now, { kind: 'decide', effect: null })
}

/** Another executor has a slot: what waits here is given back. */
export function handOver(world: World, name: string, session: string): void {
  const state = executorNamed(world, name).sessions.get(session)
  if (!state) return
  for (const seq of counting(world, state)) drop(world, executorNamed(world, name), session, seq, 'nak')
}

/** `heard`: it is told that the other one has it; else both hold it from now on. */
export function giveTo(world: World, name: string, other: string, seq: number, heard: boolean): void {
  const trigger = world.triggers.get(seq)
  if (!trigger) return
  const { session } = trigger
  const held = new Map(executorNamed(world, name).sessions.get(session)?.held)
  // Known-wrong: what the other one does not do is done by nobody.
  if (heard && world.rules.acksGiven) drop(world, executorNamed(world, name), session, seq, 'ack')
  else if (heard) {
    held.delete(seq)
    update(world, name, session, { held })
  }
  const taker = executorNamed(world, other)
  world.note(
    `${instanceOf(executorNamed(world, name))} gives ${world.nameOf(seq)} to ${instanceOf(taker)}${heard ? '' : ', and does not hear so'}`,
  )
  const known = taker.sessions.get(session)
  if (!known || (known.fold.head.seq < seq && !known.sending))
    learn(world, other, session, readFor(world, other, session))
  const taken = new Map(executorNamed(world, other).sessions.get(session)?.held)
  taken.set(seq, taken.get(seq) ?? { redelivered: false, errands: 0 })
  update(world, other, session, { held: taken })
}

/** Whether an instance would answer that it runs the call, or that its outcome is not known to be in (PROTOCOL 6). */
export function answersYes(world: World, instance: string, session: string, call: string, attempt: number): boolean {
  const process = world.reachable(instance)
  if (process?.kind !== 'executor') return false
  const state = process.sessions.get(session)
  const ends = state?.sending?.then.kind === 'outcome'
  if (state?.running?.call === call && state.running.attempt === attempt)
    return !(ends && world.rules.ownerAnswersEarly)
  return (
    state?.sending?.order.events.some(
      ({ type, data }) =>
        ((type === 'model-call.started' && data.call === call) ||
          (type === 'run.replay-started' && data.replay === call) ||
          (type === 'context.compaction-started' && data.compaction === call)) &&
        data.attempt === attempt,
    ) ?? false
  )
}

function ask(
  world: World,
  process: ExecutorProcess,
  session: string,
  seq: number,
  asked: { owner: string; call: string; attempt: number },
): void {
  const { owner, call, attempt } = asked
  if (answersYes(world, owner, session, call, attempt)) {
    world.note(`${instanceOf(process)} asks ${owner}: it still runs ${call}/${attempt}`)
    drop(world, process, session, seq, 'nak')
    return
  }
  world.note(`${instanceOf(process)} asks ${owner} for ${call}/${attempt}: no answer, or no`)
  takeOver(world, process.name, session, asked)
}

/** The owner is gone: read again from the leader, and where the call is still open there, take it over. */
export function takeOver(
  world: World,
  name: string,
  session: string,
  { owner, call, attempt }: { owner: string; call: string; attempt: number },
): void {
  const process = executorNamed(world, name)
  const fold = readFor(world, name, session)
  const state = update(world, name, session, { fold })
  const next = world.rules.takeover(fold.session, fold.head, holderOf(process, state), { call, attempt })
  if (!next) return
  const ending = world.reachable(owner)?.sessions.get(session)?.sending
  if (ending?.then.kind === 'outcome')
    world.fail(`C2: ${name} takes over ${call}/${attempt} of ${owner}, which lives and has its outcome under way`)
  decide(world, process, state, next, { kind: 'decide', effect: next.effect })
}

/** The model call of a process ends: its outcome, and what follows from it, in one frame. `goesOn` false: others come first. */
export function finishExec(world: World, name: string, session: string, goesOn = true): void {
  const process = executorNamed(world, name)
  const state = process.sessions.get(session)
  if (!state?.running) return
  const { head } = state.fold
  const is = world.rules.remembers(state.fold.session)
  const outcome = outcomeAt(world, is, state.running)
    // Known-wrong: nobody has looked.
    .filter(({ type }) => !(type === 'output.checked' && world.rules.uncheckedCompletes))
  world.note(`${nameOf(state.running)} at ${instanceOf(process)} ends`)
  checkHeard(world, session, state.running, instanceOf(process))
  const said = { n: head.n + 1, at: 1_700_000_000_000, by: instanceOf(process) }
  const next = plan(decidedOn(world, is), outcome, said, goesOn && counting(world, state).length > 0)
  if (next) decide(world, process, state, next, { kind: 'outcome', effect: next.effect })
}

function outcomeAt(world: World, session: Session, { kind, call, attempt }: Effect): readonly SessionEvent[] {
  if (kind === 'call-model') return outcomeOf(answerOf(world.scenario, session), call, attempt, session)
  const summary = summaryOf(world.scenario, attempt)
  return world.rules.compactionEvents(session, { call, attempt }, summary, { now: 0, random: 0 }, defaultRetryPolicy)
}

/** Known-wrong: the schema of the turn, or how often it was asked for, is nothing that an executor looks at. */
function decidedOn({ rules }: World, session: Session): Session {
  const { turn } = session
  if (!turn?.output) return session
  const { output, ...rest } = turn
  if (rules.uncheckedCompletes) return { ...session, turn: rest }
  return rules.asksWithoutEnd ? { ...session, turn: { ...rest, output: { ...output, answers: 0 } } } : session
}

/** Errands that must be done first; where a newer process is to say what is left of them, the trigger is given back. */
function atRest(world: World, name: string, state: ExecSession, seq: number): void {
  const errand = standingErrand(world, name, state.fold.session.id)
  if (errand === 'none') ackAtRest(world, executorNamed(world, name), state, seq)
  else if (errand === 'newer') drop(world, executorNamed(world, name), state.fold.session.id, seq, 'nak')
}

function ackAtRest(world: World, process: ExecutorProcess, state: ExecSession, seq: number): void {
  const { session, head } = state.fold
  const flying = flightOf(session) !== null
  if (
    head.seq < seq ||
    (flying && session.mode.kind === 'paused') ||
    (session.mode.kind === 'open' && (flying || due(session, head.n + 1)))
  )
    world.fail(`I6: ${instanceOf(process)} acks ${world.nameOf(seq)} where something is due or in flight`)
  if (!world.rules.timerInLogOnly)
    for (const { timer } of session.timers) world.tim = new Set(world.tim).add(`${session.id} ${timer}`)
  if (world.rules.acksUndoneErrands)
    for (const other of state.held.keys())
      if (other !== seq && other <= head.seq) drop(world, executorNamed(world, process.name), session.id, other, 'ack')
  drop(world, executorNamed(world, process.name), session.id, seq, 'ack')
}
