// The moves of a world. Each has a label that names it for good, so that a list of labels can be played again.
//   M1. A move is one step of one party: at most one append, or one ack.
//   M2. Faults are moves, or ways in which a move goes wrong; both cost from the scenario's budget. Time (ack_wait, a silent owner) is free.
//   M3. Of processes that nobody has used yet, only the first of its build moves: the others are the same.

import { flightOf } from '@reins/session'
import { resolveExec, showEarly } from '../executor/append.ts'
import { endsAStep, goOnWithCode } from '../executor/code.ts'
import {
  actExec,
  actWithoutSlot,
  answersYes,
  deliverExec,
  finishExec,
  giveTo,
  handOver,
  nextFor as nextExec,
  takeOver,
  wouldBegin,
} from '../executor/process.ts'
import { type ExecutorProcess, learn, update } from '../executor/state.ts'
import { mayStore, store } from '../runner/memory.ts'
import {
  actTool,
  askPerson,
  canAct,
  deliverTool,
  finishTool,
  look,
  mayAsk,
  mayEnd,
  resolveTool,
  runnerNamed,
} from '../runner/process.ts'
import type { RunnerProcess } from '../runner/state.ts'
import type { FaultKind } from '../scenarios/scenario.ts'
import { archive, mayGo, mayTakeOut, takeOut } from './archive.ts'
import { isOlder, readFor } from './builds.ts'
import { eraseBelow, eraseFrames, mayEraseBelow, mayEraseFrames } from './erasure.ts'
import { fire, operate, targetOf } from './gateway.ts'
import { answerOf } from './model.ts'
import { instanceOf, type Process, short, type World } from './world.ts'

export interface Move {
  readonly label: string
  readonly fault?: FaultKind
  run(world: World): void
}

export function movesOf(world: World): readonly Move[] {
  const moves: Move[] = []
  const add = (label: string, run: Move['run']) => moves.push({ label, run })
  const op = world.scenario.gateway[world.done]
  if (op && targetOf(world, op)) add(`gateway: ${world.done} ${op.op}`, operate)
  for (const timer of world.tim)
    add(`timer ${short(timer.split(' ')[0] ?? '')} ${timer.split(' ')[1]} fires`, (to) => fire(to, timer, false))
  for (const id of world.scenario.archives ? world.sessions() : []) {
    if (mayGo(world, id)) add(`memory archives ${short(id)}`, (to) => archive(to, id))
    if (mayTakeOut(world, id)) add(`memory takes ${short(id)} out of the stream`, (to) => takeOut(to, id))
  }
  for (const id of world.scenario.gateway.some(({ op }) => op === 'erase') ? world.sessions() : []) {
    if (mayEraseBelow(world, id)) add(`memory erases ${short(id)}`, (to) => eraseBelow(to, id))
    if (mayEraseFrames(world, id)) add(`memory overwrites the frames of ${short(id)}`, (to) => eraseFrames(to, id))
  }
  const idle = new Set<string>()
  for (const process of world.processes.values()) {
    if (!process.used) {
      const same = `${process.kind} ${isOlder(world, process.name)}`
      if (idle.has(same)) continue
      idle.add(same)
    }
    if (process.stalled) {
      add(`${process.name} goes on`, (to) => goOn(to, process.name))
      continue
    }
    deliveries(world, process, add)
    if (process.suspect && [...process.sessions.values()].every(({ sending }) => sending === null))
      add(`${process.name} reads again what it holds`, (to) => readAgain(to, process.name))
    if (process.kind === 'executor') executorMoves(world, process, add)
    else runnerMoves(world, process, add)
  }
  for (const { seq, state } of world.triggers.values())
    if (state === 'held' && world.keepers(seq).length === 0)
      add(`ack_wait of ${world.nameOf(seq)} passes`, (to) => to.setTrigger(seq, { state: 'ready', young: false }))
  for (const { seq, by } of world.flights) {
    const fly = (to: World) => {
      to.flights = to.flights.filter((one) => one.seq !== seq || one.by !== by)
    }
    add(`the ack of ${world.nameOf(seq)} by ${by} arrives`, (to) => {
      fly(to)
      to.acked(seq)
    })
    add(`the ack of ${world.nameOf(seq)} by ${by} is lost`, fly)
  }
  return moves
}

type Add = (label: string, run: Move['run']) => void

function deliveries(world: World, { name, kind }: Process, add: Add): void {
  for (const { seq, state, kind: of } of world.triggers.values()) {
    if (state !== 'ready' || (of === 'exec') !== (kind === 'executor')) continue
    const label = `${world.nameOf(seq)} to ${name}`
    add(label, (to) => (kind === 'executor' ? deliverExec(to, name, seq) : deliverTool(to, name, seq)))
  }
}

function executorMoves(world: World, process: ExecutorProcess, add: Add): void {
  const { name } = process
  for (const [id, state] of process.sessions) {
    if (state.sending) {
      const leaves = state.sending.early === 'leaving'
      add(`${name} ${leaves ? 'appends to' : 'resolves on'} ${short(id)}`, (to) => resolveExec(to, name, id))
      if (state.sending.early && world.rules.showsEarly)
        add(`${name} shows what its call of ${short(id)} says`, (to) => showEarly(to, name, id))
      continue
    }
    for (const seq of state.held.keys())
      if (nextExec(world, process, seq)) add(`${name} acts on ${world.nameOf(seq)}`, (to) => actExec(to, name, seq))
    if (world.scenario.givesAway) givesAway(world, process, id, add)
    if (world.scenario.slotsMayMiss) withoutSlots(world, process, id, add)
    if (!state.running) continue
    if (state.running.kind === 'replay-run') {
      add(`${name} goes on with its code of ${short(id)}`, (to) => goOnWithCode(to, name, id, false))
      if (endsAStep(state))
        add(`${name} goes on with its code of ${short(id)}, behind a step`, (to) => goOnWithCode(to, name, id, true))
    } else if (state.running.kind === 'compact')
      add(`${name} ends its summary of ${short(id)}`, (to) => finishExec(to, name, id))
    else if (!answerOf(world.scenario, state.fold.session).endless)
      add(`${name} ends its model call of ${short(id)}`, (to) => finishExec(to, name, id))
    if (world.willHear(process, id, state.fold.head.seq))
      add(`${name} follows ${short(id)}`, (to) => void learn(to, name, id, readFor(to, name, id)))
  }
  for (const [id, truth] of world.truth) {
    const flight = flightOf(truth.session)
    if (!flight || flight.by === instanceOf(process)) continue
    const { session, head } = readFor(world, name, id)
    const { by: owner, call, attempt } = flight
    const taker = { instance: instanceOf(process), at: 0 }
    if (!world.rules.takeover(session, head, taker, { call, attempt })) continue
    const own = process.sessions.get(id)
    // Who holds a trigger of it asks on that; who holds none notices that its owner is silent.
    if (own && (own.sending || own.running || own.held.size > 0)) continue
    if (answersYes(world, owner, id, call, attempt)) continue
    add(`${name} notices that ${owner} is silent on ${short(id)}`, (to) => {
      update(to, name, id, {})
      takeOver(to, name, id, { owner, call, attempt })
    })
  }
}

/** What an executor that has done nothing of a session yet may do with its trigger, where another one knows the session. */
function givesAway(world: World, { name, sessions }: ExecutorProcess, id: string, add: Add): void {
  const state = sessions.get(id)
  if (!state || state.running || state.started.length > 0) return
  for (const other of world.processes.values()) {
    if (other.kind !== 'executor' || other.name === name || other.stalled || other.suspect) continue
    if (!other.sessions.has(id)) continue
    for (const seq of state.held.keys()) {
      if (other.sessions.get(id)?.held.has(seq)) continue
      const label = `${name} gives ${world.nameOf(seq)} to ${other.name}`
      add(label, (to) => giveTo(to, name, other.name, seq, true))
      add(`${label} unheard`, (to) => giveTo(to, name, other.name, seq, false))
    }
  }
}

/** What an executor does instead where it has no slot for a model call that is due. */
function withoutSlots(world: World, process: ExecutorProcess, id: string, add: Add): void {
  const { name } = process
  const state = process.sessions.get(id)
  const waiting = [...(state?.held.keys() ?? [])].find((seq) => wouldBegin(world, process, seq))
  if (waiting !== undefined) {
    add(`${name} has no slot for ${world.nameOf(waiting)}`, (to) => actWithoutSlot(to, name, waiting))
    if (!state?.running) add(`${name} hands ${short(id)} over`, (to) => handOver(to, name, id))
  }
  const endless = state?.running?.kind === 'call-model' && answerOf(world.scenario, state.fold.session).endless
  if (state?.running && !endless)
    add(`${name} ends its model call of ${short(id)}, others first`, (to) => finishExec(to, name, id, false))
}

function runnerMoves(world: World, process: RunnerProcess, add: Add): void {
  const { name } = process
  for (const [id, state] of process.sessions) {
    if (state.sending) {
      add(`${name} resolves on ${short(id)}`, (to) => resolveTool(to, name, id))
      continue
    }
    for (const seq of state.held.keys()) {
      const can = canAct(world, process, seq)
      if (can === 'act') add(`${name} acts on ${world.nameOf(seq)}`, (to) => actTool(to, name, seq))
      if (can === 'look')
        for (const said of ['auto', 'ask'] as const)
          add(`${name} acts on ${world.nameOf(seq)}, whose tool says ${said}`, (to) => actTool(to, name, seq, said))
    }
    for (const body of state.running)
      if (mayAsk(world, process, id, body))
        add(`${name} asks a person for ${body.call}`, (to) => askPerson(to, name, id, body))
    for (const body of state.running)
      if (mayStore(body)) add(`the memory takes ${body.call} of ${name}`, (to) => store(to, name, id, body))
    const ending = state.running.filter((body) => mayEnd(world, process, id, body))
    for (const { call } of ending) add(`${name} ends ${call}`, (to) => finishTool(to, name, id, [call]))
    if (ending.length > 1) {
      const all = ending.map(({ call }) => call)
      add(`${name} ends ${all.join(', ')} together`, (to) => finishTool(to, name, id, all))
    }
    if (state.held.size > 0 && world.willHear(process, id, state.head.seq))
      add(`${name} follows ${short(id)}`, (to) => look(to, name, id))
  }
}

function goOn(world: World, name: string): void {
  const process = world.processes.get(name)
  if (!process) return
  const missed = new Map([...process.sessions.keys()].map((id) => [id, world.read(id).head.seq]))
  world.processes.set(name, { ...process, stalled: false, suspect: !world.rules.zombieWorking, missed })
}

function readAgain(world: World, name: string): void {
  const process = world.processes.get(name)
  if (!process) return
  for (const id of process.sessions.keys())
    if (process.kind === 'executor') learn(world, name, id, readFor(world, name, id))
    else look(world, name, id)
  const after = process.kind === 'executor' ? world.processes.get(name) : runnerNamed(world, name)
  if (after) world.processes.set(name, { ...after, suspect: false, missed: new Map() })
}

/** The faults that are moves of their own. */
export function faultMovesOf(world: World): readonly Move[] {
  const moves: Move[] = []
  const add = (fault: FaultKind, label: string, run: Move['run']) => {
    if (world.has(fault)) moves.push({ label, fault, run })
  }
  for (const { name, stalled, sessions } of world.processes.values()) {
    if (sessions.size === 0) continue
    add('crash', `${name} crashes`, (to) => {
      const process = to.processes.get(name)
      if (process) to.crash(process)
    })
    if (!stalled)
      add('stall', `${name} stands still`, (to) => {
        const process = to.processes.get(name)
        if (process) to.processes.set(name, { ...process, stalled: true })
      })
  }
  for (const { seq, state } of world.triggers.values())
    if (state === 'held' && world.keepers(seq).length > 0)
      add('repeat', `${world.nameOf(seq)} is delivered again too early`, (to) =>
        to.setTrigger(seq, { state: 'ready', young: false }),
      )
  if ([...world.triggers.values()].some(({ state }) => state === 'held'))
    add('server', 'the broker dies and forgets who holds what', (to) => forget(to, []))
  if (world.recent.length > 0)
    add('server', 'the broker dies and forgets who holds what and the newest acks', (to) => forget(to, to.recent))
  for (const timer of world.tim)
    add('timer-twice', `timer ${timer.split(' ')[1]} fires, and will again`, (to) => fire(to, timer, true))
  if (world.triggers.size > 0) add('recreate', 'the consumers are made anew', recreate)
  return moves
}

function forget(world: World, acks: readonly number[]): void {
  for (const [seq, { state }] of world.triggers)
    if (state === 'held' || acks.includes(seq)) world.setTrigger(seq, { state: 'ready', first: true, young: false })
  world.recent = []
  world.flights = []
}

/** From the ack floor: all that is unacked, and what was acked above it. Known-wrong: from now on. */
function recreate(world: World): void {
  let below = true
  for (const [seq, { state }] of world.triggers) {
    below &&= state === 'acked'
    if (world.rules.recreateWithNew) world.setTrigger(seq, { state: 'acked' })
    else if (!below) world.setTrigger(seq, { state: 'ready', first: true, young: false })
  }
  world.flights = []
}
