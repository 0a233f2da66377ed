// How an executor's frames get in, and what it does when it knows whether they are. Invariants: process.ts.
import { type Announcement, type Effect, foldFrames, isCurrentModelCall, type Plan, statusToShow } from '@reins/session'
import { checkHeard } from '../checks/heard.ts'
import { checkSent } from '../checks/mind.ts'
import { bodyBegins } from './code.ts'
import { framesFor } from '../world/builds.ts'
import {
  counting,
  type ExecSession,
  type ExecThen,
  type ExecutorProcess,
  executorNamed,
  key,
  learn,
  nameOf,
  type Sending,
  update,
} from './state.ts'
import { recipeOf } from '../world/model.ts'
import { attemptTokens, type Scenario } from '../scenarios/scenario.ts'
import { instanceOf, type Order, type World } from '../world/world.ts'

export function decide(
  world: World,
  process: ExecutorProcess,
  state: ExecSession,
  planned: Plan,
  following: ExecThen,
): void {
  const { session, head } = state.fold
  const writer = { n: head.n + 1, at: planned.at, by: instanceOf(process) }
  const says = announcementOf(world.scenario, planned)
  const next = says ? world.rules.announced(planned, session, says, writer) : planned
  const then =
    following.kind === 'errand' || following.kind === 'code' ? following : { ...following, effect: next.effect }
  const { events, to } = next
  const status = statusToShow(next, head, counting(world, state).length > 0)
  const pool = session.born?.pools.executor ?? head.pool
  const order: Order = { session: session.id, head, by: instanceOf(process), role: 'e', events, to, status, pool }
  if (world.scenario.earlyCalls && next.effect && world.rules.mayGoEarly(session, next)) {
    world.note(`${instanceOf(process)} makes ${nameOf(next.effect)} before its announcement is in`)
    world.attempts++
    update(world, process.name, session.id, { sending: { order, then, early: 'leaving' } })
    return
  }
  sent(world, process.name, order, then)
}

/** Of every call under a budget: what is set aside for it is what it uses. null: nothing is said of it. */
function announcementOf(scenario: Scenario, { effect, after }: Plan): Announcement | null {
  if (scenario.budget) return { size: { tokens: 0, answer: attemptTokens } }
  const recipe = effect && recipeOf(scenario, after)
  return recipe && { recipe, size: { tokens: recipe.tokens, answer: recipe.answer } }
}

export function sent(world: World, name: string, order: Order, then: ExecThen, slot = order.session): void {
  sentOut(world, name, slot, { order, then })
}

function sentOut(world: World, name: string, slot: string, sending: Sending): void {
  const { order } = sending
  const outcome = world.send(order, executorNamed(world, name))
  if (outcome === 'dead') return
  if (outcome === 'unknown') update(world, name, slot, { sending })
  else concluded(world, name, slot, sending, outcome, false)
}

/** Known-wrong: what a call says that is under way already. */
export function showEarly(world: World, name: string, session: string): void {
  const process = executorNamed(world, name)
  const then = process.sessions.get(session)?.sending?.then
  if (then && then.kind !== 'errand' && then.effect) checkHeard(world, session, then.effect, instanceOf(process))
}

export function resolveExec(world: World, name: string, session: string): void {
  const sending = executorNamed(world, name).sessions.get(session)?.sending
  if (!sending) return
  if (sending.early === 'leaving') {
    update(world, name, session, { sending: null })
    sentOut(world, name, session, { ...sending, early: 'left' })
    return
  }
  const outcome = world.resolve(sending.order)
  world.note(`${instanceOf(executorNamed(world, name))} finds its frame ${outcome === 'in' ? 'in' : 'not in'}`)
  update(world, name, session, { sending: null })
  concluded(world, name, session, sending, outcome, true)
}

function concluded(
  world: World,
  name: string,
  session: string,
  { order, then, early }: Sending,
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
  const tail = framesFor(world, name, session, state.fold.head.seq)
  // Of what came on top only a refusal, or looking for one's own frame, tells.
  const fold = foldFrames(state.fold, outcome === 'refused' || looked ? tail : tail.slice(0, 1))
  if (outcome === 'refused') {
    learn(world, name, session, fold)
    if (early && then.effect && world.rules.keepsRefused) update(world, name, session, { running: then.effect })
    return
  }
  if (then.kind === 'outcome') update(world, name, session, { running: null })
  const next = learn(world, name, session, fold, order.events)
  if (then.kind === 'code' && next.running) {
    const { body: _, ...running } = next.running
    if (then.body === null) update(world, name, session, { running })
    else bodyBegins(world, name, session, then.body)
  }
  if (!then.effect) return
  if (world.rules.mayStart(fold.session, then.effect, instanceOf(executorNamed(world, name))))
    begin(world, name, session, next, then.effect, early !== undefined)
  else world.note('   … and does not start it: it is closed by now')
}

/** `early`: it is under way already. */
export function begin(
  world: World,
  name: string,
  session: string,
  state: ExecSession,
  effect: Effect,
  early = false,
): void {
  const { kind, call, attempt } = effect
  const { session: is } = state.fold
  if (!isCurrentModelCall(is, call, attempt) || is.cancel)
    world.fail(`C2: ${name} starts ${nameOf(effect)}, which its own read shows closed`)
  world.note(`${name} ${early ? 'hears' : 'runs'} ${nameOf(effect)}`)
  if (kind === 'call-model') checkSent(world, name, is)
  if (kind !== 'replay-run' && !early) world.attempts++
  update(world, name, session, { running: { kind, call, attempt }, started: [...state.started, key(call, attempt)] })
}

export function errandDone(world: World, name: string, session: string, then: ExecThen & { kind: 'errand' }): void {
  const state = executorNamed(world, name).sessions.get(session)
  const held = new Map(state?.held)
  const old = then.trigger === null ? undefined : held.get(then.trigger)
  if (old && then.trigger !== null) held.set(then.trigger, { ...old, errands: old.errands + 1 })
  const done = state?.done ?? []
  const names = then.name === null || done.includes(then.name) ? done : [...done, then.name]
  update(world, name, session, { held, done: names })
}

export function drop(world: World, process: ExecutorProcess, session: string, seq: number, how: 'ack' | 'nak'): void {
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
