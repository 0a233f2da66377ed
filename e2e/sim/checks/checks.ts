// What must hold in every world, and in every world that has come to rest.
//   C1 (I2)  frames are numbered without a gap, each on the sequence before it, each with the hash of its content.
//   C2 (I5)  an outcome is effective: it closes something that was open at this attempt. Nothing starts under a cancel or a pause.
//   C3 (I7)  the body of a `never` tool begins once.
//   C4 (I10) what cover() names exists; a status that says running or waiting has somebody who will wake the session.
//   C5       at rest: every accepted message has exactly one end, nothing is due, no trigger and no timer is left.
//   C7       calls of one answer begin in its order, but for those that only read (runner/process.ts).
//   C8       a person is asked about a call before it begins, and never after; what a tool said of it counts once (runner/process.ts).
//   C9       a tree has no more sessions than its root may give away. At rest no child of a session that has ended works or waits on.
//   C10      a turn that has a schema is completed by an answer that was found to fit, and asks for one so often and no oftener.
//   C11-C14  what an agent has in mind: context, memory, plan, skills (mind.ts).
//   C15      a tree counts as paused, or its cancel as complete, when nothing below works any more; at rest every receipt is there.
//   C16      a tree never uses more than the budget of its root; at rest, all that was used is accounted for there.
//   C17      what is recorded of code that decides, at a position, is what the code asks for there (executor/code.ts).
//   C18      a session below a run is told each prompt once, in their order (executor/code.ts).
//   C19      a turn calls what everybody may whose messages it takes in, and nothing else (permitted.ts).
//   C20      a turn whose call code has asked for asks no model (executor/code.ts).
//   C23      a turn that answers a prompt of a run is of the definition that the prompt names (executor/code.ts).
//   C21      a turn is of the definition that was recorded last when it began, with all that it asks for (definitions.ts).
//   C22      a line that code writes outside of steps stands in the log once, in its order (executor/code.ts).
//   C25      a run that goes on after a cancel has a deadline for its clean-up, and no cancel comes to nothing (executor/code.ts).
//   C24      a call passes by a grant that stands in its session: none comes from the session that it was forked from.
//   C26      what a call leaves in the sandbox in memory (runner/files.ts).
//   C28      a turn that answers a prompt of a run is shown its images, and no others (executor/code.ts).
//   C27      what a model call says is heard where its announcement stands in the log (heard.ts).
//   C29      a session is erased with all below it, and no session reads what was erased (erased.ts).
//   C6       a runner that has read to the head believes of its calls what the session says of them.
import { type Frame, frameHash, runPosition, type SessionEvent } from '@reins/contracts'
import type { StoredFrame } from '@reins/journal'
import {
  beginningEvents,
  type CallState,
  type Cover,
  cover,
  effectiveEvents,
  errandsOf,
  evolve,
  type Fold,
  flightOf,
  foldFrame,
  type Session,
  spentBy,
  waitsForPeople,
} from '@reins/session'
import {
  checkAsked,
  checkCleanUp,
  checkCode,
  checkImages,
  checkLines,
  checkPromptModel,
  checkPrompts,
} from '../executor/code.ts'
import { checkErased, checkErasedTree } from './erased.ts'
import { checkDefinition } from './definitions.ts'
import { checkMind } from './mind.ts'
import { checkPermitted } from './permitted.ts'
import { checkFiles } from '../runner/files.ts'
import { isOlder } from '../world/builds.ts'
import type { ExecutorProcess } from '../executor/state.ts'
import { attemptTokens } from '../scenarios/scenario.ts'
import { root, short, type World } from '../world/world.ts'

/** C1 and C2, for each frame as it is stored. */
export function checkFrame(world: World, before: Fold, stored: StoredFrame): Fold {
  const { frame, session: id, eventsJson } = stored
  const name = `${short(id)}#${frame.n}`
  const after = foldFrame(before, frame)
  if (after.session.mode.kind === 'quarantined' && before.session.mode.kind !== 'quarantined')
    if (!frame.events.some(({ type }) => type === 'session.quarantined')) world.fail(`C1: ${after.session.mode.reason}`)
  if (frameHash(before.head.hash, frame, eventsJson) !== frame.hash)
    world.fail(`C1: ${name} breaks the chain of hashes`)
  let session = before.session
  for (const event of frame.events) {
    if (beginningEvents.has(event.type) && (session.mode.kind !== 'open' || session.cancel))
      world.fail(`C2: ${name}: ${event.type} while ${session.cancel ? 'a cancel waits' : session.mode.kind}`)
    checkMind(world, session, event, frame)
    checkPrompts(world, session, event)
    checkLines(world, session, event)
    checkPermitted(world, session, event, name)
    checkAsked(world, session, event)
    checkPromptModel(world, session, event)
    checkImages(world, session, event)
    checkDefinition(world, session, event, frame)
    const next = evolve(session, event, frame)
    if (next === session && effectiveEvents.has(event.type) && !isEvidence(world, frame, event.type))
      world.fail(`C2: ${name}: ${event.type} changes nothing`)
    if (event.type === 'approval.needed' && next !== session && world.begun.has(`${short(id)} ${event.data.call}`))
      world.fail(`C8: ${name}: a person is asked about ${event.data.call}, which has begun`)
    checkResult(world, name, session, event)
    checkFiles(world, session, event, next !== session)
    checkGrant(world, name, session, event)
    session = next
  }
  checkCleanUp(world, before.session, after.session)
  checkCode(world, after.session)
  return after
}

/** C24. `session`: before the event. */
function checkGrant(world: World, name: string, { grants = [] }: Session, event: SessionEvent): void {
  if (event.type === 'approval.granted' && !grants.some(({ grant }) => grant === event.data.grant))
    world.fail(`C24: ${name}: ${event.data.call} passes by the grant ${event.data.grant}, which nobody gave here`)
}

/** C10. `session`: before the event. */
function checkResult(world: World, name: string, { turn }: Session, event: SessionEvent): void {
  const output = turn?.output
  if (!output) return
  if (event.type === 'turn.completed' && output.problems?.length !== 0)
    world.fail(`C10: ${name}: the turn is completed by an answer that was not found to fit`)
  // A message that joins asks for an answer of its own.
  const most = output.retries + turn.messages.length
  const isAnswer = event.type === 'model-call.completed' && event.data.content.every(({ type }) => type !== 'tool-call')
  if (isAnswer && output.answers >= most)
    world.fail(`C10: ${name}: the model was asked ${output.answers + 1} times for an answer that fits`)
}

/** A tool that runs ends, and its runner says so, also where a newer build has closed the call in a way that it does not know. */
const isEvidence = (world: World, { by }: Frame, type: string): boolean =>
  type === 'tool-call.completed' && isOlder(world, by.split('.')[0] ?? '')

/** C6: what a runner that has read to the head believes of a call is what the session says of it. */
function checkViews(world: World): void {
  for (const process of world.processes.values()) {
    if (process.kind !== 'runner') continue
    for (const [id, { head, held }] of process.sessions) {
      const truth = world.read(id)
      if (head.seq !== truth.head.seq) continue
      for (const { view, beyond } of held.values()) {
        if (beyond) continue // what a newer build said may have changed them
        for (const { call, looks, state } of view) {
          const { state: known, approval } = truth.session.turn?.calls.find((one) => one.call === call) ?? {}
          // A person is asked first: it is the business of another request.
          if (looks && approval && state.kind === 'needed') continue
          if (known?.kind === 'due' || known?.kind === 'delegated' || known?.kind === 'waiting') continue
          const said = saidOf(known?.kind, state.kind === 'parked')
          const owned = known?.kind === 'claimed' || known?.kind === 'eliciting'
          const same = !owned || ((state.kind === 'claimed' || state.kind === 'parked') && state.by === known.by)
          if (state.kind !== said || !same)
            world.fail(`C6: ${process.name} takes ${call} for ${state.kind}, and the log says ${said}`)
        }
      }
    }
  }
}

/** `asked`: by a request of its own, after which the call waited for a person, and was asked for again. */
function saidOf(kind: CallState['kind'] | undefined, asked: boolean): string {
  if (kind === 'requested') return 'asked'
  if (kind === 'eliciting' || (kind === 'claimed' && asked)) return 'parked'
  return kind ?? 'done'
}

const covered = new WeakMap<Session, readonly Cover[]>()

/** Most moves change nothing of most sessions. */
function coverOf(session: Session): readonly Cover[] {
  const known = covered.get(session) ?? cover(session)
  covered.set(session, known)
  return known
}

/** C4, for every session. */
export function checkCovers(world: World): void {
  checkViews(world)
  checkTree(world)
  checkReceipts(world)
  checkBudget(world)
  checkErased(world)
  for (const id of world.sessions()) {
    const { session, head } = world.read(id)
    const covers = coverOf(session)
    for (const one of covers) {
      const missing = missingCover(world, session, one)
      if (missing) world.fail(`C4: ${short(id)} at ${short(id)}#${head.n}: ${missing}`)
    }
    if (head.status !== 'running' && head.status !== 'waiting') continue
    // A person who is asked is waited for as a tool is.
    const promised = covers.some(({ kind }) => kind !== 'rest')
    if (!promised && !execTrigger(world, session))
      world.fail(`C4: ${short(id)} shows ${head.status}, and nothing is going to wake it`)
  }
}

function missingCover(world: World, session: Session, one: Cover): string | null {
  switch (one.kind) {
    case 'rest':
    case 'person':
      return null
    case 'exec-trigger':
      return execTrigger(world, session) ? null : `${one.why}, and no exec trigger will come`
    case 'timer':
      return world.tim.has(`${session.id} ${one.timer}`) || execTrigger(world, session)
        ? null
        : `it waits for timer ${one.timer}, which nobody will fire`
    case 'runner':
      return toolTrigger(world, session, one.call) ? null : `call ${one.call} is open, and no tool trigger will come`
    case 'child':
      return childCovered(world, session, one.child, one.call)
        ? null
        : `delegation ${one.call} is open, and its child will not settle it`
    default:
      return one satisfies never
  }
}

/** Whether a trigger will be acted on: nobody's, or held by one who may act on it, or redelivered in time. Acks on their way count as in. */
function willAct(world: World, seq: number): boolean {
  const trigger = world.triggers.get(seq)
  if (!trigger || trigger.state === 'acked' || world.flights.some((flight) => flight.seq === seq)) return false
  if (trigger.state === 'ready') return true
  const keepers = world.keepers(seq)
  return keepers.length === 0 || keepers.some((one) => one.kind === 'runner' || entitled(world, one, trigger.session))
}

/** A process whose model call the log has closed acts on nothing until that ends: what it keeps covers nobody. */
function entitled(world: World, process: ExecutorProcess, id: string): boolean {
  const state = process.sessions.get(id)
  if (!state?.running || state.sending) return true
  const { running } = state
  const { session } = world.read(id)
  const flight = flightOf(session)
  const current = flight?.call === running.call && flight.attempt === running.attempt
  return current || world.willHear(process, id, state.fold.head.seq)
}

function execTrigger(world: World, { id, born }: Session): boolean {
  for (const { session, kind, pool, seq } of world.triggers.values())
    if (session === id && kind === 'exec' && pool === born?.pools.executor && willAct(world, seq)) return true
  return false
}

function toolTrigger(world: World, { id }: Session, call: string): boolean {
  for (const { session, kind, seq } of world.triggers.values())
    if (session === id && kind === 'tool' && willAct(world, seq) && asksFor(world.stream.bySeq(seq)?.frame, call))
      return true
  return false
}

const asksFor = (frame: Frame | undefined, call: string): boolean =>
  frame?.events.some(
    (event) => event.type === 'tool-calls.requested' && event.data.calls.some((one) => one.call === call),
  ) ?? false

/** C9, in every world. */
function checkTree(world: World): void {
  const most = world.scenario.teams?.[world.scenario.born.agent]?.sessions
  const tree = world.sessions().filter((id) => id.startsWith(root))
  if (most !== undefined && tree.length > most + 1)
    world.fail(`C9: the tree has ${tree.length} sessions, and ${most + 1} are allowed`)
}

/** C15, in every world: a receipt is given by who has stopped, with everything below that had to stop. */
function checkReceipts(world: World): void {
  const { session } = world.read(root)
  const stop = world.rules.stopOf(session)
  if (!stop?.complete) return
  if (stop.what === 'cancel' && session.turn === null) checkCancelled(world, session)
  if (stop.what !== 'pause') return
  for (const id of world.sessions()) {
    if (!id.startsWith(root) || id === root || !world.truth.has(id)) continue
    const { mode, turn, inbox } = world.read(id).session
    if (turn?.model?.kind === 'running' || (mode.kind === 'open' && (turn || inbox.length > 0)))
      world.fail(`C15: the tree counts as paused, and ${short(id)} works`)
  }
}

/** An agent that is paused is no part of the turn. */
function checkCancelled(world: World, { stopped }: Session): void {
  for (const id of stopped?.below ?? []) {
    const { session } = world.read(id)
    if (session.turn) world.fail(`C15: the cancel counts as complete, and ${short(id)} has a turn`)
    if (session.stopped?.turn === session.settled?.turn) checkCancelled(world, session)
  }
}

/** C15, at rest: every session that had to stop has said so. */
function checkStopped(world: World): void {
  for (const id of world.sessions()) {
    const { session } = world.read(id)
    if (session.mode.kind === 'ended' || !world.truth.has(id)) continue
    const stop = world.rules.stopOf(session)
    if (stop && !stop.complete) world.fail(`C15: at the end the ${stop.what} of ${short(id)} is not complete`)
  }
}

/** C16, in every world. */
function checkBudget(world: World): void {
  if (!world.scenario.budget) return
  const { budget } = world.read(root).session
  const most = budget?.limits.tokens ?? Number.POSITIVE_INFINITY
  const used = world.attempts * attemptTokens
  if (used > most) world.fail(`C16: the tree has used ${used} tokens, and ${most} are allowed`)
}

/** C16, at rest. */
function checkAccounts(world: World): void {
  if (!world.scenario.budget) return
  const accounted = spentBy(world.read(root).session).tokens
  const used = world.attempts * attemptTokens
  if (accounted < used) world.fail(`C16: at the end ${used} tokens are used, and ${accounted} accounted for`)
}

/** C9, at rest. */
function checkOrphans(world: World): void {
  for (const id of world.sessions()) {
    const { session } = world.read(id)
    const parent = session.born?.parent
    if (!parent || world.read(parent.session).session.mode.kind !== 'ended') continue
    if (session.turn && session.mode.kind === 'open')
      world.fail(`C9: ${short(id)} goes on, and the session above has ended`)
  }
}

/**
 * A trigger that will make the child, or let it go on, or hear of its end is there, or the child is open (and then covered itself). One
 * that waits for people, and whose parent does not wait with it, is about to say so.
 */
function childCovered(world: World, parent: Session, child: string, call: string): boolean {
  const below = world.read(child).session
  const resumed = parent.turn?.calls.some(
    (one) => one.call === call && one.state.kind === 'delegated' && one.state.resumed,
  )
  const tells = execTrigger(world, below)
  if (resumed && tells) return true
  const position = parent.run?.workflow ? runPosition(call) : undefined
  if (position !== undefined) {
    // Whoever holds the run's trigger sees to its prompts before the ack.
    if (execTrigger(world, parent)) return true
    // One that was cancelled before it was made hears of no prompt, and answers each that it has ended.
    if (below.unborn)
      return [...world.triggers.values()].some(
        ({ session, kind, seq }) => session === child && kind === 'exec' && willAct(world, seq),
      )
    if ((below.prompted ?? -1) < position) return false
    if (tells) return true
  }
  for (const { seq, session, pool } of world.triggers.values()) {
    if (session !== parent.id && session !== child) continue
    const stored = world.stream.bySeq(seq)
    if (!stored || !willAct(world, seq)) continue
    const errands = errandsOf(stored.frame, pool)
    const asks = errands.some(({ kind }) => kind === 'create-child' || kind === 'resume-child')
    if (session === parent.id && asks && errands.some((one) => 'call' in one && one.call === call)) return true
    if (session === child && errands.some(({ kind }) => kind === 'settle-parent')) return true
  }
  if (below.onPause === 'return' && waitsForPeople(below)) return tells
  return world.truth.has(child) && cover(below).some(({ kind }) => kind !== 'rest')
}

/** C5, where no move is left. */
export function checkRest(world: World): void {
  for (const [seq, { state }] of world.triggers)
    if (state !== 'acked') world.fail(`C5: at the end the trigger ${world.nameOf(seq)} is still ${state}`)
  checkOrphans(world)
  checkStopped(world)
  checkAccounts(world)
  checkErasedTree(world)
  if (world.tim.size > 0) world.fail(`C5: at the end timers are left: ${[...world.tim].join(', ')}`)
  for (const id of world.sessions()) {
    const { session } = world.read(id)
    for (const { kind } of cover(session))
      if (kind !== 'rest' && kind !== 'person') world.fail(`C5: at the end ${short(id)} waits for ${kind}`)
    for (const [message, ends] of messageEnds(world, id))
      if (ends > 1 || (ends === 0 && session.mode.kind === 'open'))
        world.fail(`C5: message ${message} of ${short(id)} has ${ends} ends`)
      else if (ends === 0 && session.mode.kind === 'ended' && !(session.erased && id !== root))
        world.fail(`C5: message ${message} was never answered`)
  }
}

/** How many ends each accepted message has: a turn, one that it joined, or that it was dropped. */
function messageEnds(world: World, id: string): ReadonlyMap<string, number> {
  const ends = new Map<string, number>()
  const end = (message: string) => ends.set(message, (ends.get(message) ?? 0) + 1)
  for (const { events } of world.frames(id, 0))
    for (const event of events)
      switch (event.type) {
        case 'message.received':
          ends.set(event.data.message, ends.get(event.data.message) ?? 0)
          break
        case 'turn.started':
          event.data.messages.forEach(end)
          break
        case 'session.forked':
          // What nobody had taken in is not the fork's.
          for (const [message, known] of ends) if (known === 0) end(message)
          break
        case 'message.joined':
        case 'run.resumed':
        case 'message.dropped':
          end(event.data.message)
          break
        default:
          break
      }
  return ends
}
