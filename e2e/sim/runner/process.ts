// A tool-runner, step by step: PROTOCOL 5 carried out on a world, one append a step.
//   R1. It decides on its views of the frames that asked it, never on the session's state.
//   R2. All views of a session are folded to the head that it appends on: a trigger that does not follow that head is read up to.
import {
  type Address,
  emptyHead,
  type Frame,
  type Head,
  headOf,
  type SessionEvent,
  toExec,
  toLog,
} from '@reins/contracts'
import {
  type Attempt,
  claimKey,
  type EndedCall,
  claimOf,
  evolveView,
  isClosed,
  type NextStep,
  type RunnerCall,
  type RunnerHolder,
  runsAt,
  toolsetAskedIn,
  toolsetIsClosed,
} from '@reins/session'
import { frameFor, framesFor } from '../world/builds.ts'
import { filesAtBegin, filesLeft, keepName } from './files.ts'
import { mayStore, storeName } from './memory.ts'
import type { RunHold, RunnerProcess, RunningBody, RunSession, RunThen } from './state.ts'
import { instanceOf, type Order, short, type World } from '../world/world.ts'

const key = (call: string, attempt: number): string => `${call}/${attempt}`

export function runnerNamed(world: World, name: string): RunnerProcess {
  const process = world.processes.get(name)
  if (process?.kind !== 'runner') throw new Error(`${name} is no runner`)
  return process
}

export function update(world: World, name: string, session: string, change: Partial<RunSession>): RunSession {
  const process = runnerNamed(world, name)
  const old = process.sessions.get(session)
  const changed: RunSession = {
    head: old?.head ?? world.read(session).head,
    held: old?.held ?? new Map(),
    running: old?.running ?? [],
    started: old?.started ?? [],
    looked: old?.looked ?? [],
    sending: old?.sending ?? null,
    ...change,
  }
  const next = goingOn(changed)
  world.processes.set(name, { ...process, used: true, sessions: new Map(process.sessions).set(session, next) })
  return next
}

/** Bodies whose answer has been read go on; a request without a trigger is kept in view for those that wait, and no longer. */
function goingOn(state: RunSession): RunSession {
  const running = state.running.map((body): RunningBody => {
    const known = body.asked === 'waits' ? stateOf(state, body) : undefined
    const answered = known?.kind === 'parked' && known.attempt === body.attempt && known.answer !== undefined
    return answered ? { ...body, asked: 'answered' } : body
  })
  const waits = ({ view }: RunHold) =>
    view.some(({ call, state: { kind } }) => kind === 'parked' && running.some((body) => body.call === call))
  const held = new Map([...state.held].filter(([, hold]) => !hold.acked || waits(hold)))
  return { ...state, running, held }
}

const stateOf = (
  { held }: RunSession,
  { seq, call }: Pick<RunningBody, 'seq' | 'call'>,
): RunnerCall['state'] | undefined => held.get(seq)?.view.find((one) => one.call === call)?.state

const holderOf = (process: RunnerProcess, state: RunSession): RunnerHolder => ({
  instance: instanceOf(process),
  runs: (call, attempt) => state.running.some((one) => one.call === call && one.attempt === attempt),
  started: (call, attempt) => state.started.includes(key(call, attempt)),
  asksNobody: (call) => state.looked.includes(call),
})

export function deliverTool(world: World, name: string, seq: number): void {
  const trigger = world.triggers.get(seq)
  const stored = world.stream.bySeq(seq)?.frame
  const frame = stored && frameFor(world, name, stored)
  if (trigger && frame?.beyond !== undefined) {
    world.note(`${name} is given ${world.nameOf(seq)} and naks it: a newer process understands it`)
    world.setTrigger(seq, { first: false, young: false })
    return
  }
  const asked = frame?.events.find((event) => event.type === 'tool-calls.requested')?.data
  const wanted = frame && toolsetAskedIn(frame)
  if (!trigger || !frame || (!asked && !wanted)) return
  const process = runnerNamed(world, name)
  const { session } = trigger
  const state = process.sessions.get(session)
  world.setTrigger(seq, { state: 'held', first: false })
  world.note(`${instanceOf(process)} is given ${world.nameOf(seq)}${trigger.first ? '' : ' again'}`)
  const known = state?.held.get(seq)
  if (known) {
    const { acked: _, ...again } = known
    update(world, name, session, { held: new Map(state?.held).set(seq, again) })
    return
  }
  if (!asked) {
    const hold = {
      turn: '',
      view: [],
      fresh: false,
      beyond: false,
      discovery: { request: wanted?.request ?? '', closed: false },
    }
    const read = trigger.first && trigger.young ? hold : framesFor(world, name, session, seq).reduce(readOn, hold)
    update(world, name, session, { held: new Map(state?.held).set(seq, read) })
    return
  }
  const seen = state?.head ?? emptyHead(session)
  const follows = world.rules.followsSeen(frame, seen.seq, (state?.held.size ?? 0) > 0)
  const fresh = trigger.first && trigger.young && follows
  const hold: RunHold = { turn: asked.turn, view: world.rules.viewOf(asked.calls), fresh, beyond: false }
  // Read up to the head, unless its own frame is all that there is to know.
  const read = fresh ? hold : framesFor(world, name, session, seq).reduce(readOn, hold)
  const head = fresh && frame.seq > seen.seq ? headOf(frame) : seen
  // What it asks for again is an answer to what waits here.
  const others = fresh ? [...(state?.held ?? [])].map(([at, one]) => [at, readOn(one, frame)] as const) : state?.held
  update(world, name, session, { held: new Map(others).set(seq, read), head })
  if (!fresh) look(world, name, session, seq)
}

const readOn = (hold: RunHold, frame: Frame): RunHold => ({
  ...hold,
  view: evolveView(hold.view, frame),
  beyond: hold.beyond || frame.beyond !== undefined,
  ...(hold.discovery ? { discovery: closedBy(hold.discovery, frame) } : {}),
})

const closedBy = ({ request, closed }: NonNullable<RunHold['discovery']>, frame: Frame) => ({
  request,
  closed: closed || toolsetIsClosed([frame], request),
})

/** Reads on to the head; bodies whose calls are closed by now are aborted. `except` has been read up to there already. */
export function look(world: World, name: string, session: string, except?: number): void {
  const state = runnerNamed(world, name).sessions.get(session)
  if (!state) return
  const frames = framesFor(world, name, session, state.head.seq)
  const last = frames.at(-1)
  const held = new Map<number, RunHold>()
  for (const [seq, hold] of state.held)
    held.set(seq, seq === except ? hold : frames.filter((frame) => frame.seq > seq).reduce(readOn, hold))
  const calls = [...held.values()].flatMap(({ view }) => view)
  const running = state.running.filter(({ call }) =>
    calls.some((one) => one.call === call && one.state.kind !== 'done'),
  )
  for (const { call } of state.running.filter((one) => !running.includes(one))) world.note(`${name} aborts ${call}`)
  update(world, name, session, { held, running, ...(last ? { head: headOf(last) } : {}) })
}

/** Whether something can be done for a trigger now: `look` where a tool is asked whether it wants a person. */
export function canAct(world: World, process: RunnerProcess, seq: number): 'act' | 'look' | false {
  const session = world.triggers.get(seq)?.session ?? ''
  const state = process.sessions.get(session)
  const hold = state?.held.get(seq)
  if (!state || !hold || state.sending) return false
  if (hold.discovery) return 'act'
  const left = leftTo(world, state, hold)
  if (left !== 'no') return left === 'now' ? 'act' : false
  const answers = new Map<string, 'running' | 'gone'>()
  for (;;) {
    const step = world.rules.nextStep(hold.view, holderOf(process, state), hold.fresh, answers)
    if (step.do === 'ask') answers.set(...ask(world, process, session, step))
    else if (step.do === 'look') return 'look'
    else if (step.do === 'end' || step.runs.length > 0 || step.claims.length > 0) return 'act'
    else return isDone(hold) && !hold.acked ? 'act' : false
  }
}

const leftTo = (world: World, { running }: RunSession, hold: RunHold) =>
  world.rules.leftToNewer(hold, (call) => running.some((one) => one.call === call))

const isDone = ({ view }: RunHold): boolean => view.every(({ state }) => isClosed(state))

function ask(
  world: World,
  process: RunnerProcess,
  session: string,
  { owner, call, attempt }: NextStep & { do: 'ask' },
): readonly [string, 'running' | 'gone'] {
  const alive = answersYes(world, instanceOf(process), owner, session, call, attempt)
  return [claimKey(owner, call, attempt), alive ? 'running' : 'gone']
}

/** What a tool that decides by the arguments says: it may say something else each time that it is asked. */
export type Said = 'auto' | 'ask'

/** Asks owners, and after each that is gone reads again; then one frame at most: outcomes, or claims. */
export function actTool(world: World, name: string, seq: number, said: Said = 'auto'): void {
  const session = world.triggers.get(seq)?.session ?? ''
  const answers = new Map<string, 'running' | 'gone'>()
  for (;;) {
    const process = runnerNamed(world, name)
    const state = process.sessions.get(session)
    const hold = state?.held.get(seq)
    if (!state || !hold || state.sending) return
    if (hold.discovery) {
      answer(world, process, session, seq, state, hold.discovery)
      return
    }
    const left = leftTo(world, state, hold)
    if (left !== 'no') {
      if (left === 'now') giveBack(world, process, session, seq)
      return
    }
    const step = world.rules.nextStep(hold.view, holderOf(process, state), hold.fresh, answers)
    switch (step.do) {
      case 'ask': {
        const [key, answer] = ask(world, process, session, step)
        answers.set(key, answer)
        if (answer === 'gone') gone(world, name, session, step)
        break
      }
      case 'look':
        lookAt(world, process, session, state, step.calls, said)
        return
      case 'end':
        record(world, process, session, step.outcomes, [])
        return
      case 'work':
        for (const { call, attempt } of step.runs) begin(world, name, session, call.call, attempt, seq)
        if (step.claims.length > 0) claim(world, process, session, state.head, step.claims, seq)
        else if (isDone(hold)) {
          const held = new Map(state.held)
          held.set(seq, { ...hold, acked: true })
          update(world, name, session, { held })
          world.ack(seq, process)
        }
        return
      default:
        step satisfies never
    }
  }
}

/** The tools of these calls are asked whether a person is to decide. */
function lookAt(
  world: World,
  process: RunnerProcess,
  session: string,
  state: RunSession,
  calls: readonly string[],
  said: Said,
): void {
  world.note(`${instanceOf(process)} asks the tools of ${calls.join(', ')}: ${said}`)
  if (said === 'auto') {
    update(world, process.name, session, { looked: [...state.looked, ...calls] })
    return
  }
  const events = calls.map((call): SessionEvent => ({ type: 'approval.needed', data: { call, reason: 'r' } }))
  const to = world.rules.needsToLog ? toLog : toExec(state.head.pool)
  sent(world, process.name, order(process, session, state.head, events, to), { kind: 'need' })
}

/** Servers have answered a request for their tools; one whose answer is in is acked. */
function answer(
  world: World,
  process: RunnerProcess,
  session: string,
  seq: number,
  state: RunSession,
  { request, closed }: NonNullable<RunHold['discovery']>,
): void {
  if (closed) {
    const held = new Map(state.held)
    held.delete(seq)
    update(world, process.name, session, { held })
    world.ack(seq, process)
    return
  }
  const { events, to } = world.rules.toolsetAnswer(state.head, request, world.scenario.servers ?? [])
  sent(world, process.name, order(process, session, state.head, events, to), { kind: 'discovery' })
}

/** To a newer process. */
function giveBack(world: World, process: RunnerProcess, session: string, seq: number): void {
  const held = new Map(process.sessions.get(session)?.held)
  held.delete(seq)
  update(world, process.name, session, { held })
  world.note(`${instanceOf(process)} naks ${world.nameOf(seq)}`)
  world.nak(seq)
}

function gone(world: World, name: string, session: string, asked: NextStep & { do: 'ask' }): void {
  const { owner, call, attempt } = asked
  world.note(`${name} asks ${owner} for ${call}/${attempt}: no answer, or no`)
  look(world, name, session)
  const state = runnerNamed(world, name).sessions.get(session)
  const known = state && findCall(state, call)?.state
  if (known?.kind !== 'claimed' || known.attempt !== attempt) return
  const there = world.reachable(owner)
  const then = there?.kind === 'runner' ? there.sessions.get(session)?.sending?.then : undefined
  if (then?.kind === 'outcome' && then.calls.includes(call))
    world.fail(`C2: ${name} writes off ${call}/${attempt} of ${owner}, which lives and has its outcome under way`)
}

const findCall = (state: RunSession, call: string): RunnerCall | undefined =>
  [...state.held.values()].flatMap(({ view }) => view).find((one) => one.call === call)

function begin(world: World, name: string, session: string, call: string, attempt: number, seq: number): void {
  const state = runnerNamed(world, name).sessions.get(session)
  const known = state?.held.get(seq)?.view.find((one) => one.call === call)
  if (!state || !known) return
  if (known.state.kind === 'done') world.fail(`C2: ${name} starts ${call}/${attempt}, which its own read shows closed`)
  world.note(`${name} runs ${call}/${attempt}`)
  checkOrder(world, name, session, call)
  checkNeed(world, name, session, call)
  // A server that wants a page to be opened first has run nothing before that.
  const refused = world.scenario.asks?.how === 'page' && known.resume === undefined
  if (known.replay === 'never' && !refused) {
    const name = `${short(session)} ${call}`
    const times = (world.bodies.get(name) ?? 0) + 1
    world.bodies = new Map(world.bodies).set(name, times)
    if (times > 1) world.fail(`C3: ${call} must not run twice, and runs for the ${times}th time`)
  }
  update(world, name, session, {
    running: [...state.running, { call, attempt, seq, ...toolOf(world, state, seq, call) }],
    started: [...state.started, key(call, attempt)],
  })
}

/** Only the tools of the memory and of the sandbox in memory do something else than others. */
function toolOf(world: World, state: RunSession, seq: number, call: string): Pick<RunningBody, 'tool' | 'files'> {
  for (const event of world.stream.bySeq(seq)?.frame.events ?? [])
    if (event.type === 'tool-calls.requested')
      for (const one of event.data.calls) {
        if (one.call !== call) continue
        if (one.name === storeName) return { tool: one.name }
        const hold = one.name === keepName ? state.held.get(seq) : undefined
        if (hold) return { files: filesAtBegin(world, hold, seq, call) }
      }
  return {}
}

/** C7: a call that changes something begins when all before it in its answer have ended, and those behind it when it has. */
function checkOrder(world: World, name: string, session: string, call: string): void {
  const { born, turn } = world.read(session).session
  const calls = turn?.calls ?? []
  const at = calls.findIndex((one) => one.call === call)
  const mine = calls[at]
  if (!born || !mine) return
  // What the session's start did not pin has no place in the order (O3 of call-order.ts).
  const reads = (one: string) => (born.toolset?.find((tool) => tool.name === one)?.risk ?? 'read') === 'read'
  const open = calls
    .slice(0, at)
    .filter(({ state }) => state.kind !== 'done' && state.kind !== 'delegated')
    // What was asked for while one before it waited for a person goes on, also when that has been decided.
    .find((before) => !reads(mine.name) || (!reads(before.name) && before.state.kind !== 'waiting' && !before.approval))
  if (born.toolset && open) world.fail(`C7: ${name} begins ${call} while ${open.call}, which comes before it, is open`)
}

/** C8: what a person is to decide about begins when they have. */
function checkNeed(world: World, name: string, session: string, call: string): void {
  const { born, turn } = world.read(session).session
  const mine = turn?.calls.find((one) => one.call === call)
  if (!born?.toolset?.find((tool) => tool.name === mine?.name)?.looks) return
  const known = mine?.approval?.kind ?? (mine?.state.kind === 'waiting' ? 'waiting' : undefined)
  if (known === 'needed' || known === 'waiting')
    world.fail(`C8: ${name} begins ${call}, about which a person has not decided`)
  if (known === undefined) world.begun = new Set(world.begun).add(`${short(session)} ${call}`)
}

function order(
  process: RunnerProcess,
  session: string,
  head: Head,
  events: readonly SessionEvent[],
  to: Address,
): Order {
  return { session, head, by: instanceOf(process), role: 't', events, to, status: head.status }
}

function claim(
  world: World,
  process: RunnerProcess,
  session: string,
  head: Head,
  claims: readonly Attempt[],
  seq: number,
): void {
  sent(world, process.name, order(process, session, head, claims.map(claimOf), toLog), { kind: 'claim', claims, seq })
}

/** Outcomes that are ready together are one frame; it wakes the executor where it closes the last call. `calls`: whose bodies have ended. */
function record(
  world: World,
  process: RunnerProcess,
  session: string,
  events: readonly SessionEvent[],
  calls: readonly string[],
): void {
  const state = process.sessions.get(session)
  if (!state) return
  const requests = [...state.held.values()].map((hold) => ({ ...hold, known: true }))
  const to = world.rules.addressOf(requests, events, state.head.pool, () => foreignOpen(world, session, state))
  sent(world, process.name, order(process, session, state.head, events, to), { kind: 'outcome', calls })
}

/** Open calls of the session that this runner was not asked for: only a wrong rule looks at them. */
function foreignOpen(world: World, session: string, state: RunSession): number {
  const mine = new Set([...state.held.values()].flatMap(({ view }) => view.map(({ call }) => call)))
  const calls = world.read(session).session.turn?.calls ?? []
  return calls.filter(({ call, state: { kind } }) => kind !== 'done' && !mine.has(call)).length
}

/** The bodies named have ended. */
export function finishTool(world: World, name: string, session: string, calls: readonly string[]): void {
  const process = runnerNamed(world, name)
  const state = process.sessions.get(session)
  if (!state) return
  const running = state.running.filter(({ call }) => calls.includes(call))
  world.note(`${running.map(({ call, attempt }) => key(call, attempt)).join(', ')} at ${instanceOf(process)} end`)
  const ended = running.map(({ call, attempt, seq, files }): EndedCall => {
    const data = { call, attempt, status: 'ok', output: world.scenario.gives ?? 'done' } as const
    const left = files === undefined ? {} : filesLeft(call, attempt, files)
    const known = stateOf(state, { seq, call })
    return { event: { type: 'tool-call.completed', data }, ...left, state: known, stopped: false }
  })
  record(world, process, session, world.rules.outcomeEvents(ended, instanceOf(process)), calls)
}

/** Whether the server of a body may ask a person now: once for each call, and while the attempt is this runner's. */
export function mayAsk(world: World, process: RunnerProcess, session: string, body: RunningBody): boolean {
  const state = process.sessions.get(session)
  const hold = state?.held.get(body.seq)
  const call = hold?.view.find((one) => one.call === body.call)
  const { asks } = world.scenario
  if (!asks || !call || call.replay !== asks.tool || hold?.beyond || body.asked || call.resume) return false
  return runsAt(call.state, body.attempt, instanceOf(process))
}

/** A server that is going to ask does so first; one whose question waits may give it up, where the scenario says so. */
export function mayEnd(world: World, process: RunnerProcess, session: string, body: RunningBody): boolean {
  if (mayAsk(world, process, session, body) || mayStore(body)) return false
  const state = process.sessions.get(session)
  const known = state && stateOf(state, body)
  const waits = body.asked === 'waits' && known?.kind === 'parked' && known.attempt === body.attempt
  return !waits || world.scenario.asks?.givesUp === true
}

/** The question goes into the log; from then on the call waits for a person. */
export function askPerson(world: World, name: string, session: string, body: RunningBody): void {
  const process = runnerNamed(world, name)
  const state = process.sessions.get(session)
  if (!state) return
  const { call, attempt } = body
  const nothingRan = world.scenario.asks?.how === 'page'
  const [elicitation, timer] = [`ask-${call}-${attempt}`, `answer-${call}-${attempt}`]
  const event: SessionEvent = {
    type: 'elicitation.requested',
    data: {
      ...{ call, attempt, elicitation, timer, server: 'bank', message: 'who', key: 'k', expiresAt: 0 },
      ...(nothingRan ? { mode: 'url', url: 'https://example.com', nothingRan } : { mode: 'form' }),
    },
  }
  world.note(`the server of ${key(call, attempt)} at ${instanceOf(process)} asks a person`)
  const to = world.rules.questionsToLog ? toLog : toExec(state.head.pool)
  sent(world, name, order(process, session, state.head, [event], to), { kind: 'question', asks: body, nothingRan })
}

function sent(world: World, name: string, what: Order, then: RunThen): void {
  const outcome = world.send(what, runnerNamed(world, name))
  if (outcome === 'dead') return
  if (outcome === 'unknown') update(world, name, what.session, { sending: { order: what, then } })
  else concluded(world, name, what.session, then, outcome, false)
}

export function resolveTool(world: World, name: string, session: string): void {
  const sending = runnerNamed(world, name).sessions.get(session)?.sending
  if (!sending) return
  const outcome = world.resolve(sending.order)
  world.note(`${instanceOf(runnerNamed(world, name))} finds its frame ${outcome === 'in' ? 'in' : 'not in'}`)
  update(world, name, session, { sending: null })
  concluded(world, name, session, sending.then, outcome, true)
}

function concluded(
  world: World,
  name: string,
  session: string,
  then: RunThen,
  outcome: 'in' | 'refused',
  looked: boolean,
): void {
  const state = runnerNamed(world, name).sessions.get(session)
  if (!state) return
  if (outcome === 'refused' || looked) look(world, name, session)
  else {
    const [own] = framesFor(world, name, session, state.head.seq)
    if (!own) return
    const held = new Map([...state.held].map(([seq, hold]) => [seq, readOn(hold, own)]))
    update(world, name, session, { held, head: headOf(own) })
  }
  if (outcome === 'refused') return
  const process = runnerNamed(world, name)
  const after = process.sessions.get(session)
  if (!after) return
  if (then.kind === 'discovery' || then.kind === 'need') return
  if (then.kind === 'question') {
    asked(world, name, session, after, then)
    return
  }
  if (then.kind === 'outcome') {
    update(world, name, session, { running: after.running.filter(({ call }) => !then.calls.includes(call)) })
    return
  }
  for (const { call, attempt } of then.claims) {
    const state = stateOf(after, { seq: then.seq, call: call.call })
    const left = [...after.held.values()].some(
      (hold) => hold.view.some((one) => one.call === call.call) && world.rules.leftToNewer(hold, () => false) !== 'no',
    )
    if (!left && world.rules.mayRun(call, state, attempt, holderOf(process, after)))
      begin(world, name, session, call.call, attempt, then.seq)
  }
}

/** The call waits; where nothing ran, its body has ended, and has not begun as far as anybody can tell. */
function asked(
  world: World,
  name: string,
  session: string,
  { running }: RunSession,
  { asks, nothingRan }: RunThen & { kind: 'question' },
): void {
  const others = running.filter(({ call, attempt }) => call !== asks.call || attempt !== asks.attempt)
  // Aborted meanwhile.
  if (others.length === running.length) return
  update(world, name, session, { running: nothingRan ? others : [...others, { ...asks, asked: 'waits' }] })
}

/** Whether an instance would answer that it runs the call, or that its claim or outcome is not known to be in. */
export function answersYes(
  world: World,
  asking: string,
  owner: string,
  session: string,
  call: string,
  attempt: number,
): boolean {
  if (asking === owner) return false
  const process = world.reachable(owner)
  if (process?.kind !== 'runner') return false
  const state = process.sessions.get(session)
  const ends = state?.sending?.then.kind === 'outcome' && state.sending.then.calls.includes(call)
  if (state?.running.some((one) => one.call === call && one.attempt === attempt))
    return !(ends && world.rules.ownerAnswersEarly)
  return (
    state?.sending?.order.events.some(
      (event) => event.type === 'tool-call.started' && event.data.call === call && event.data.attempt === attempt,
    ) ?? false
  )
}
