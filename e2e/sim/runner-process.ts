// A tool-runner, step by step: PROTOCOL 5 carried out on a world, one append a step.
//   R1. It decides on its views of the frames that asked it, never on the session's state.
//   R2. All views of a session are folded to the head that it appends on: a trigger that does not follow that head is read up to.
import { type Address, type Head, headOf, type SessionEvent, toExec, toLog } from '@reins/contracts'
import {
  afterLoss,
  evolveView,
  type RunnerCall,
  type RunnerHolder,
  type RunnerVerdict,
  type RunnerView,
  runnerVerdict,
  viewOf,
} from '@reins/session'
import type { RunHold, RunnerProcess, RunSession, RunThen } from './runner-state.ts'
import { instanceOf, type Order, short, type World } from './world.ts'

const key = (call: string, attempt: number): string => `${call}/${attempt}`

export function runnerNamed(world: World, name: string): RunnerProcess {
  const process = world.processes.get(name)
  if (process?.kind !== 'runner') throw new Error(`${name} is no runner`)
  return process
}

function update(world: World, name: string, session: string, change: Partial<RunSession>): RunSession {
  const process = runnerNamed(world, name)
  const old = process.sessions.get(session)
  const next: RunSession = {
    head: old?.head ?? world.read(session).head,
    held: old?.held ?? new Map(),
    running: old?.running ?? [],
    started: old?.started ?? [],
    sending: old?.sending ?? null,
    ...change,
  }
  world.processes.set(name, { ...process, used: true, sessions: new Map(process.sessions).set(session, next) })
  return next
}

const holderOf = (process: RunnerProcess, state: RunSession): RunnerHolder => ({
  instance: instanceOf(process),
  runs: (call, attempt) => state.running.some((one) => one.call === call && one.attempt === attempt),
  started: (call, attempt) => state.started.includes(key(call, attempt)),
})

const viewsOf = (state: RunSession): readonly RunnerView[] => [...state.held.values()].map(({ view }) => view)

export function deliverTool(world: World, name: string, seq: number): void {
  const trigger = world.triggers.get(seq)
  const stored = world.stream.bySeq(seq)
  if (!trigger || !stored) return
  const process = runnerNamed(world, name)
  const { session } = trigger
  const state = process.sessions.get(session)
  world.setTrigger(seq, { state: 'held', first: false })
  world.note(`${instanceOf(process)} is given ${world.nameOf(seq)}${trigger.first ? '' : ' again'}`)
  if (state?.held.has(seq)) {
    update(world, name, session, {})
    return
  }
  const calls = stored.frame.events.flatMap((event) => (event.type === 'tool-calls.requested' ? event.data.calls : []))
  const own = headOf(stored.frame)
  const follows = !state || state.held.size === 0 || state.head.seq === stored.frame.prev
  const fresh = trigger.first && trigger.young && (follows || world.rules.runnerSkipsGap)
  const held = new Map(state?.held).set(seq, { view: viewOf(calls), fresh })
  if (fresh) {
    const newer = world.rules.freshOnNewerHead && state && state.head.seq > own.seq
    update(world, name, session, { held, head: newer ? state.head : own })
    return
  }
  update(world, name, session, {
    held: new Map(held).set(seq, { view: readFrom(world, session, seq, viewOf(calls)), fresh }),
  })
  look(world, name, session, seq)
}

const readFrom = (world: World, session: string, after: number, view: RunnerView): RunnerView =>
  world.frames(session, after).reduce(evolveView, view)

/** Reads on to the head; bodies whose calls are closed by now are aborted. `except` has been read up to there already. */
export function look(world: World, name: string, session: string, except?: number): void {
  const state = runnerNamed(world, name).sessions.get(session)
  if (!state) return
  const frames = world.frames(session, state.head.seq)
  const last = frames.at(-1)
  const held = new Map<number, RunHold>()
  for (const [seq, hold] of state.held)
    held.set(
      seq,
      seq === except
        ? hold
        : { ...hold, view: frames.filter((frame) => frame.seq > seq).reduce(evolveView, hold.view) },
    )
  const calls = [...held.values()].flatMap(({ view }) => view)
  const running = state.running.filter(({ call }) =>
    calls.some((one) => one.call === call && one.state.kind !== 'done'),
  )
  for (const { call } of state.running.filter((one) => !running.includes(one))) world.note(`${name} aborts ${call}`)
  update(world, name, session, { held, running, ...(last ? { head: headOf(last) } : {}) })
}

/** What can be done for one call of a trigger now; null: nothing. `ack`: all its calls have their outcomes. */
export function nextFor(
  world: World,
  process: RunnerProcess,
  seq: number,
): readonly { readonly call: string; readonly verdict: RunnerVerdict }[] | 'ack' | null {
  const session = world.triggers.get(seq)?.session ?? ''
  const state = process.sessions.get(session)
  const hold = state?.held.get(seq)
  if (!state || !hold || state.sending) return null
  if (hold.view.every(({ state: { kind } }) => kind === 'done')) return 'ack'
  const holder = holderOf(process, state)
  return hold.view.flatMap((call) => {
    const next = runnerVerdict(call, holder, hold.fresh)
    if (next.do === 'nothing') return []
    if (next.do === 'ask' && answersYes(world, instanceOf(process), next.owner, session, call.call, next.attempt))
      return []
    return [{ call: call.call, verdict: next }]
  })
}

export function actTool(world: World, name: string, seq: number, call: string): void {
  const process = runnerNamed(world, name)
  const session = world.triggers.get(seq)?.session ?? ''
  const state = process.sessions.get(session)
  const next = nextFor(world, process, seq)
  if (!state || next === null) return
  if (next === 'ack') {
    const held = new Map(state.held)
    held.delete(seq)
    update(world, name, session, { held })
    world.ack(seq, process)
    return
  }
  const todo = next.find((one) => one.call === call)?.verdict
  if (!todo) return
  switch (todo.do) {
    case 'nothing':
      return
    case 'run':
      begin(world, name, session, call, todo.attempt)
      return
    case 'claim':
      claim(world, process, session, state.head, call, todo.attempt)
      return
    case 'ask':
      lost(world, name, session, seq, call, todo)
      return
    default:
      todo satisfies never
  }
}

const findCall = (state: RunSession, call: string): RunnerCall | undefined =>
  viewsOf(state)
    .flat()
    .find((one) => one.call === call)

function begin(world: World, name: string, session: string, call: string, attempt: number): void {
  const state = runnerNamed(world, name).sessions.get(session)
  const known = state && findCall(state, call)
  if (!state || !known) return
  if (known.state.kind === 'done') world.fail(`C2: ${name} starts ${call}/${attempt}, which its own read shows closed`)
  world.note(`${name} runs ${call}/${attempt}`)
  if (known.replay === 'never') {
    const name = `${short(session)} ${call}`
    const times = (world.bodies.get(name) ?? 0) + 1
    world.bodies = new Map(world.bodies).set(name, times)
    if (times > 1) world.fail(`C3: ${call} must not run twice, and runs for the ${times}th time`)
  }
  update(world, name, session, {
    running: [...state.running, { call, attempt }],
    started: [...state.started, key(call, attempt)],
  })
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

function claim(world: World, process: RunnerProcess, session: string, head: Head, call: string, attempt: number): void {
  const event: SessionEvent = { type: 'tool-call.started', data: { call, attempt } }
  sent(world, process.name, order(process, session, head, [event], toLog), { kind: 'claim', call, attempt })
}

function lost(
  world: World,
  name: string,
  session: string,
  seq: number,
  call: string,
  asked: { readonly owner: string; readonly attempt: number },
): void {
  world.note(`${name} asks ${asked.owner} for ${call}/${asked.attempt}: no answer, or no`)
  look(world, name, session)
  const process = runnerNamed(world, name)
  const again = nextFor(world, process, seq)
  const state = process.sessions.get(session)
  const known = state && findCall(state, call)
  const same =
    again !== null && again !== 'ack' && again.some(({ call: one, verdict }) => one === call && verdict.do === 'ask')
  if (!known || !same || known.state.kind !== 'claimed' || known.state.attempt !== asked.attempt) return
  const ending = world.reachable(asked.owner)?.sessions.get(session)?.sending
  if (ending?.then.kind === 'outcome')
    world.fail(
      `C2: ${name} writes off ${call}/${asked.attempt} of ${asked.owner}, which lives and has its outcome under way`,
    )
  const after = afterLoss(known, asked.attempt)
  if ('claim' in after) claim(world, process, session, state.head, call, after.claim)
  else outcomes(world, process, session, [after.outcome], [call])
}

/** Outcomes that are ready together are one frame; it wakes the executor where it closes the last call. */
function outcomes(
  world: World,
  process: RunnerProcess,
  session: string,
  events: readonly SessionEvent[],
  calls: readonly string[],
): void {
  const state = process.sessions.get(session)
  if (!state) return
  const wakes = world.rules.wakesExecutor(viewsOf(state), calls, () => foreignOpen(world, session, state))
  const to = wakes ? toExec(state.head.pool) : toLog
  sent(world, process.name, order(process, session, state.head, events, to), { kind: 'outcome', calls })
}

/** Open calls of the session that this runner was not asked for: only a wrong rule looks at them. */
function foreignOpen(world: World, session: string, state: RunSession): number {
  const mine = new Set(viewsOf(state).flatMap((view) => view.map(({ call }) => call)))
  const calls = world.read(session).session.turn?.calls ?? []
  return calls.filter(({ call, state: { kind } }) => kind !== 'done' && !mine.has(call)).length
}

/** The bodies named have ended. */
export function finishTool(world: World, name: string, session: string, calls: readonly string[]): void {
  const process = runnerNamed(world, name)
  const state = process.sessions.get(session)
  if (!state) return
  const ended = state.running.filter(({ call }) => calls.includes(call))
  const current = ended.filter(({ call, attempt }) => {
    const known = findCall(state, call)?.state
    return known?.kind === 'asked' ? attempt === 1 : known?.kind === 'claimed' && known.attempt === attempt
  })
  world.note(`${ended.map(({ call, attempt }) => key(call, attempt)).join(', ')} at ${instanceOf(process)} end`)
  if (current.length < ended.length) {
    // Closed, or another attempt's by now: what it delivers is evidence at most.
    const late = ended.filter((one) => !current.includes(one))
    update(world, name, session, { running: state.running.filter((one) => !late.includes(one)) })
    return
  }
  const result = { status: 'ok', output: 'done' } as const
  const events = current.map(
    ({ call, attempt }): SessionEvent => ({ type: 'tool-call.completed', data: { call, attempt, ...result } }),
  )
  outcomes(
    world,
    runnerNamed(world, name),
    session,
    events,
    current.map(({ call }) => call),
  )
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
    const own = world.frames(session, state.head.seq)[0]
    if (!own) return
    const held = new Map([...state.held].map(([seq, hold]) => [seq, { ...hold, view: evolveView(hold.view, own) }]))
    update(world, name, session, { held, head: headOf(own) })
  }
  if (outcome === 'refused') return
  const process = runnerNamed(world, name)
  const after = process.sessions.get(session)
  if (!after) return
  if (then.kind === 'outcome')
    update(world, name, session, { running: after.running.filter(({ call }) => !then.calls.includes(call)) })
  else if (world.rules.mayRun(claimOf(after, then.call), instanceOf(process), then.attempt))
    begin(world, name, session, then.call, then.attempt)
}

/** The claim of a call that is in force; null: there is none. */
function claimOf(state: RunSession, call: string): { readonly by: string; readonly attempt: number } | null {
  const known = findCall(state, call)?.state
  return known?.kind === 'claimed' ? known : null
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
