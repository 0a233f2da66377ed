// How an executor's frames get in, and what it does when it knows whether they are. Invariants: process.ts.
import { type Announcement, type Effect, foldFrames, isCurrentModelCall, type Plan, statusToShow } from '@reins/session'
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
  sent(
    world,
    process.name,
    { session: session.id, head, by: instanceOf(process), role: 'e', events, to, status, pool },
    then,
  )
}

/** Of every call under a budget: what is set aside for it is what it uses. null: nothing is said of it. */
function announcementOf(scenario: Scenario, { effect, after }: Plan): Announcement | null {
  if (scenario.budget) return { size: { tokens: 0, answer: attemptTokens } }
  const recipe = effect && recipeOf(scenario, after)
  return recipe && { recipe, size: { tokens: recipe.tokens, answer: recipe.answer } }
}

export function sent(world: World, name: string, order: Order, then: ExecThen, slot = order.session): void {
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

export function concluded(
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
  const tail = framesFor(world, name, session, state.fold.head.seq)
  // Of what came on top only a refusal, or looking for one's own frame, tells.
  const fold = foldFrames(state.fold, outcome === 'refused' || looked ? tail : tail.slice(0, 1))
  if (outcome === 'refused') {
    learn(world, name, session, fold)
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
    begin(world, name, session, next, then.effect)
  else world.note('   … and does not start it: it is closed by now')
}

export function begin(world: World, name: string, session: string, state: ExecSession, effect: Effect): void {
  const { kind, call, attempt } = effect
  const { session: is } = state.fold
  if (!isCurrentModelCall(is, call, attempt) || is.cancel)
    world.fail(`C2: ${name} starts ${nameOf(effect)}, which its own read shows closed`)
  world.note(`${name} runs ${nameOf(effect)}`)
  if (kind === 'call-model') checkSent(world, name, is)
  if (kind !== 'replay-run') world.attempts++
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
