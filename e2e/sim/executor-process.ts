// An executor, step by step: what it does with a trigger that it holds, with a model call that ends, with what it learns.
// The rules are those of @reins/session; this file only carries them out on a world, one append a step.
//   E1. A step decides on what the process knows (its fold), which may be old: the append's condition finds out.
//   E2. Nothing else is decided for a session while a frame of it is under way.
//   E3. Who lost its call to another forgets its triggers of that session.
import {
  due,
  type Effect,
  type Errand,
  type Fold,
  finalErrand,
  foldFrames,
  type Holder,
  isCurrentModelCall,
  isOwn,
  type Plan,
  plan,
  statusToShow,
  type Verdict,
} from '@reins/session'
import { errandOrder, errandsHeld } from './errands.ts'
import type { ExecSession, ExecThen, ExecutorProcess } from './executor-state.ts'
import { answerOf, outcomeOf } from './model.ts'
import { instanceOf, type Order, type World } from './world.ts'

const key = (call: string, attempt: number): string => `${call}/${attempt}`

/** The process as it is now: steps change the world's copy. */
export function executorNamed(world: World, name: string): ExecutorProcess {
  const process = world.processes.get(name)
  if (process?.kind !== 'executor') throw new Error(`${name} is no executor`)
  return process
}

export function update(world: World, name: string, session: string, change: Partial<ExecSession>): ExecSession {
  const process = executorNamed(world, name)
  const old = process.sessions.get(session)
  const next: ExecSession = {
    fold: old?.fold ?? world.read(session),
    held: old?.held ?? new Map(),
    running: old?.running ?? null,
    started: old?.started ?? [],
    done: old?.done ?? [],
    sending: old?.sending ?? null,
    ...change,
  }
  world.processes.set(name, { ...process, used: true, sessions: new Map(process.sessions).set(session, next) })
  return next
}

function holderOf(process: ExecutorProcess, state: ExecSession): Holder {
  return {
    instance: instanceOf(process),
    at: 1_700_000_000_000,
    runs: (call, attempt) => state.running?.call === call && state.running.attempt === attempt,
    started: (call, attempt) => state.started.includes(key(call, attempt)),
  }
}

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
    learn(world, name, trigger.session, world.read(trigger.session))
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
  const { session, head } = state.fold
  const next = world.rules.verdict(session, head, holderOf(process, state), hold)
  return next.do === 'hold' ? null : next
}

/** Triggers that ask for nothing elsewhere: they count for their session. */
const counting = (world: World, { held, fold }: ExecSession): readonly number[] =>
  [...held.keys()].filter((seq) => errandsHeld(world, seq, fold).length === 0)

export function actExec(world: World, name: string, seq: number): void {
  const session = world.triggers.get(seq)?.session ?? ''
  // H1: a verdict is good for a head that is not older than the trigger.
  const behind = (executorNamed(world, name).sessions.get(session)?.fold.head.seq ?? 0) < seq
  if (behind) learn(world, name, session, world.read(session))
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
      if (!standingErrand(world, name, session)) ackAtRest(world, executorNamed(world, name), state, seq)
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

function decide(world: World, process: ExecutorProcess, state: ExecSession, next: Plan, then: ExecThen): void {
  const { session, head } = state.fold
  const { events, to } = next
  const status = statusToShow(next, head, counting(world, state).length > 0)
  const pool = session.born?.pools.executor ?? head.pool
  sent(
    world,
    process.name,
    { session: session.id, head, by: instanceOf(process), role: 'e', events, to, status, pool },
    then,
  )
}

function sent(world: World, name: string, order: Order, then: ExecThen, slot = order.session): void {
  const process = executorNamed(world, name)
  const outcome = world.send(order, process)
  if (outcome === 'dead') return
  if (outcome === 'unknown') update(world, name, slot, { sending: { order, then } })
  else concluded(world, name, slot, order, then, outcome, false)
}

export function resolveExec(world: World, name: string, session: string): void {
  const sending = executorNamed(world, name).sessions.get(session)?.sending
  if (!sending) return
  const outcome = world.resolve(sending.order)
  world.note(`${instanceOf(executorNamed(world, name))} finds its frame ${outcome === 'in' ? 'in' : 'not in'}`)
  update(world, name, session, { sending: null })
  concluded(world, name, session, sending.order, sending.then, outcome, true)
}

function concluded(
  world: World,
  name: string,
  session: string,
  order: Order,
  then: ExecThen,
  outcome: 'in' | 'refused',
  looked: boolean,
): void {
  const state = executorNamed(world, name).sessions.get(session)
  if (!state) return
  if (then.kind === 'errand') {
    // A refused one is decided again on what is there now.
    if (outcome === 'in') errandDone(world, name, session, then)
    return
  }
  const tail = world.frames(session, state.fold.head.seq)
  // Of what came on top only a refusal, or looking for one's own frame, tells.
  const fold = foldFrames(state.fold, outcome === 'refused' || looked ? tail : tail.slice(0, 1))
  if (outcome === 'refused') {
    learn(world, name, session, fold)
    return
  }
  if (then.kind === 'outcome') update(world, name, session, { running: null })
  const next = learn(world, name, session, fold, order.events)
  if (!then.effect) return
  if (world.rules.mayStart(fold.session, then.effect, instanceOf(executorNamed(world, name))))
    begin(world, name, session, next, then.effect)
  else world.note('   … and does not start it: it is closed by now')
}

function begin(world: World, name: string, session: string, state: ExecSession, effect: Omit<Effect, 'kind'>): void {
  const { call, attempt } = effect
  const { session: is } = state.fold
  if (!isCurrentModelCall(is, call, attempt) || is.cancel)
    world.fail(`C2: ${name} starts model call ${call}/${attempt}, which its own read shows closed`)
  world.note(`${name} runs model call ${call}/${attempt}`)
  update(world, name, session, { running: { call, attempt }, started: [...state.started, key(call, attempt)] })
}

/**
 * A newer fold: a running call that is not this process's own any more is aborted, and its triggers are forgotten (E3), unless it was
 * closed by what this process appended itself (`mine`).
 */
export function learn(
  world: World,
  name: string,
  session: string,
  fold: Fold,
  mine: Order['events'] = [],
): ExecSession {
  const state = update(world, name, session, { fold })
  const { running } = state
  const instance = instanceOf(executorNamed(world, name))
  if (!running || isOwn(fold.session, { kind: 'call-model', ...running }, instance)) return state
  const aborted = update(world, name, session, { running: null })
  world.note(`${name} aborts model call ${running.call}/${running.attempt}`)
  if (mine.some(({ type, data }) => type === 'model-call.failed' && data.call === running.call)) return aborted
  const lost = counting(world, state)
  world.note(`${name} ${world.rules.loserAcks ? 'acks' : 'forgets'} ${lost.map((seq) => world.nameOf(seq)).join(', ')}`)
  if (world.rules.loserAcks) for (const seq of lost) world.acked(seq)
  return update(world, name, session, { held: new Map([...state.held].filter(([seq]) => !lost.includes(seq))) })
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
      (event) => event.type === 'model-call.started' && event.data.call === call && event.data.attempt === attempt,
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
  const fold = world.read(session)
  const state = update(world, name, session, { fold })
  const next = world.rules.takeover(fold.session, fold.head, holderOf(process, state), { call, attempt })
  if (!next) return
  const ending = world.reachable(owner)?.sessions.get(session)?.sending
  if (ending?.then.kind === 'outcome')
    world.fail(`C2: ${name} takes over ${call}/${attempt} of ${owner}, which lives and has its outcome under way`)
  decide(world, process, state, next, { kind: 'decide', effect: next.effect })
}

/** The model call of a process ends: its outcome, and what follows from it, in one frame. */
export function finishExec(world: World, name: string, session: string): void {
  const process = executorNamed(world, name)
  const state = process.sessions.get(session)
  if (!state?.running) return
  const { call, attempt } = state.running
  const { session: is, head } = state.fold
  const outcome = outcomeOf(answerOf(world.scenario, is), call, attempt)
  world.note(`model call ${call}/${attempt} at ${instanceOf(process)} ends`)
  const said = { n: head.n + 1, at: 1_700_000_000_000, by: instanceOf(process) }
  const next = plan(is, outcome, said, counting(world, state).length > 0)
  if (next) decide(world, process, state, next, { kind: 'outcome', effect: next.effect })
}

function ackAtRest(world: World, process: ExecutorProcess, state: ExecSession, seq: number): void {
  const { session, head } = state.fold
  const flying = session.turn?.model?.kind === 'running'
  if (head.seq < seq || (session.mode.kind === 'open' && (flying || due(session, head.n + 1))))
    world.fail(`I6: ${instanceOf(process)} acks ${world.nameOf(seq)} where something is due or in flight`)
  if (!world.rules.timerInLogOnly)
    for (const { timer } of session.timers) world.tim = new Set(world.tim).add(`${session.id} ${timer}`)
  if (world.rules.acksUndoneErrands)
    for (const other of state.held.keys())
      if (other !== seq && other <= head.seq) drop(world, executorNamed(world, process.name), session.id, other, 'ack')
  drop(world, executorNamed(world, process.name), session.id, seq, 'ack')
}

function drop(world: World, process: ExecutorProcess, session: string, seq: number, how: 'ack' | 'nak'): void {
  const held = new Map(process.sessions.get(session)?.held)
  held.delete(seq)
  update(world, process.name, session, { held })
  if (how === 'ack') {
    world.ack(seq, process)
    return
  }
  world.note(`${instanceOf(process)} naks ${world.nameOf(seq)}`)
  world.nak(seq)
}

/** A trigger that asks for something elsewhere is one for that alone: when it is done, it is acked. */
function askedErrand(world: World, process: ExecutorProcess, state: ExecSession, seq: number): void {
  const { session } = state.fold
  const next = errandsHeld(world, seq, state.fold)[state.held.get(seq)?.errands ?? 0]
  if (!next) drop(world, process, session.id, seq, 'ack')
  else run(world, process.name, session.id, next, world.triggers.get(seq)?.pool ?? '', seq)
}

/** What must hold elsewhere before a session may rest. false: nothing (any more). */
function standingErrand(world: World, name: string, session: string): boolean {
  for (;;) {
    const state = executorNamed(world, name).sessions.get(session)
    if (!state) return false
    const { fold, done } = state
    const next = world.rules
      .standingErrands(fold.session)
      .find((one) => !done.includes(finalErrand(fold.session, one) ?? ''))
    if (!next) return false
    if (run(world, name, session, next, fold.head.pool, null)) return true
  }
}

/** true: it appends something, or tries to. */
function run(
  world: World,
  name: string,
  session: string,
  errand: Errand,
  pool: string,
  trigger: number | null,
): boolean {
  const process = executorNamed(world, name)
  const state = process.sessions.get(session)
  if (!state) return false
  const done = finalErrand(state.fold.session, errand)
  const then = { kind: 'errand', name: done, trigger } as const
  const skip = done !== null && state.done.includes(done)
  const order = skip ? null : errandOrder(world, instanceOf(process), state.fold, errand, pool)
  if (order) sent(world, name, order, then, session)
  else errandDone(world, name, session, then)
  return order !== null
}

function errandDone(world: World, name: string, session: string, then: ExecThen & { kind: 'errand' }): void {
  const state = executorNamed(world, name).sessions.get(session)
  const held = new Map(state?.held)
  const old = then.trigger === null ? undefined : held.get(then.trigger)
  if (old && then.trigger !== null) held.set(then.trigger, { ...old, errands: old.errands + 1 })
  const done = state?.done ?? []
  const names = then.name === null || done.includes(then.name) ? done : [...done, then.name]
  update(world, name, session, { held, done: names })
}
