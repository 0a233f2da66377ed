// The code of a session that decides for it, step by step: a script of operations, one after the other. What it asks for next follows from
// what is recorded, as a replay finds it out (PROTOCOL 13d).
import { childId, questionTimer, type SessionEvent } from '@reins/contracts'
import { plan, type Run, type Session } from '@reins/session'
import type { CodeOp } from '../scenarios/scenario.ts'
import { instanceOf, short, type World } from '../world/world.ts'
import { decide } from './append.ts'
import { counting, type ExecSession, executorNamed, update } from './state.ts'

const at = 1_700_000_000_000
/** By which a prompt may be answered, in the place of that of its harness. */
const otherDefinition = 'other'

/** What the replay says next: its frame, and the body of a step that begins once that is in. */
interface Saying {
  readonly events: readonly SessionEvent[]
  readonly body: string | null
  /** The replay ends with it. */
  readonly ends: boolean
}

/** Whether the function of a step has ended, so that what the code asks for next may stand in the frame that says so. */
export function endsAStep({ fold: { session }, running }: ExecSession): boolean {
  const last = session.run?.operations.at(-1)
  return (
    mayBegin(session) &&
    last?.state === 'open' &&
    last.waits.kind === 'step' &&
    running?.body === `${(session.run?.operations.length ?? 0) - 1}/${last.waits.attempt}`
  )
}

const mayBegin = ({ mode, cancel }: Session): boolean => mode.kind === 'open' && !cancel

/** `together`: what the code does about the end of its step stands in one frame with that end. */
export function goOnWithCode(world: World, name: string, id: string, together: boolean): void {
  const process = executorNamed(world, name)
  const state = process.sessions.get(id)
  const { session, head } = state?.fold ?? {}
  if (!state?.running || !session?.run || !head) return
  const first = sayingOf(world, session, session.run, state.running.body ?? null)
  const next = together ? withNext(world, session, first, { n: head.n + 1, at, by: instanceOf(process) }) : first
  if (!next) return
  if (next.body !== null && world.rules.stepBeforeIntent) bodyBegins(world, name, id, next.body)
  const said = { n: head.n + 1, at, by: instanceOf(process) }
  const planned = plan(session, next.events, said, next.ends && counting(world, state).length > 0)
  if (!planned) return
  const then = next.ends
    ? ({ kind: 'outcome', effect: planned.effect } as const)
    : ({ kind: 'code', effect: null, body: next.body } as const)
  decide(world, executorNamed(world, name), executorNamed(world, name).sessions.get(id) ?? state, planned, then)
}

function withNext(
  world: World,
  session: Session,
  first: Saying | null,
  writer: { readonly n: number; readonly at: number; readonly by: string },
): Saying | null {
  const after = first && plan(session, first.events, writer, false)?.after
  const second = after?.run && sayingOf(world, after, after.run, null)
  if (!first || !second) return null
  return { ...second, events: [...(world.rules.forgetsEnds ? [] : first.events), ...second.events] }
}

/** The step's intent is in: its function is called. Known-wrong: before that. */
export function bodyBegins(world: World, name: string, id: string, body: string): void {
  const state = executorNamed(world, name).sessions.get(id)
  if (!state?.running || state.running.body === body) return
  const [position = ''] = body.split('/')
  const key = `${short(id)} step ${position}`
  const op = world.scenario.code?.[Number(position)]
  if (op === 'never' && world.begun.has(key)) world.fail(`C3: the step ${position} of ${short(id)} begins twice`)
  world.note(`${name} begins the step ${body} of ${short(id)}`)
  world.begun = new Set(world.begun).add(key)
  update(world, name, id, { running: { ...state.running, body } })
}

function sayingOf({ scenario, rules }: World, session: Session, run: Run, body: string | null): Saying | null {
  const { replay } = run
  if (!replay) return null
  const ended = (how: 'suspended' | 'held'): SessionEvent => ({
    type: 'run.replay-ended',
    data: { replay: replay.replay, attempt: replay.attempt, how },
  })
  const begins = mayBegin(session)
  const last = run.operations.at(-1)
  if (last?.state === 'open') {
    const position = run.operations.length - 1
    const { waits, name } = last
    if (waits.kind !== 'step') return { events: [ended('suspended')], body: null, ends: true }
    if (body === `${position}/${waits.attempt}`) {
      const data = { position, attempt: waits.attempt, status: 'ok' as const, value: position }
      return { events: [{ type: 'run.step-ended', data }], body: null, ends: false }
    }
    if (!begins) return { events: [ended('held')], body: null, ends: true }
    const attempt = waits.attempt + 1
    const again: SessionEvent = { type: 'run.step-started', data: { position, name, attempt, replay: waits.replay } }
    return { events: [again], body: `${position}/${attempt}`, ends: false }
  }
  if (!begins) return { events: [ended('held')], body: null, ends: true }
  const position = run.operations.length
  // Known-wrong: what is recorded last is passed over, so that the code goes on one operation further than it is.
  const op = scenario.code?.[rules.skipsRecorded && replay.attempt > 1 ? position + 1 : position]
  if (op === undefined)
    return { events: [{ type: 'run.ended', data: { status: 'completed' } }], body: null, ends: true }
  const lines = scenario.logs ? linesBefore(run, position, rules) : []
  if (op === 'init') {
    const data = { position, name: op, agent: 'helper', digest: 'helper', pool: 'default' }
    return { events: [...lines, { type: 'run.initialized', data }], body: null, ends: false }
  }
  if (op === 'safe' || op === 'never') {
    const started: SessionEvent = { type: 'run.step-started', data: { position, name: op, attempt: 1, replay: op } }
    return { events: [...lines, started], body: `${position}/1`, ends: false }
  }
  return { events: [...lines, ...asked(session, op, position, rules), ended('suspended')], body: null, ends: true }
}

/** The code writes a line before each operation; a replay comes past all of them. Known-wrong: it records again what is recorded. */
const linesBefore = ({ lines }: Run, position: number, { logsAgain }: World['rules']): readonly SessionEvent[] =>
  Array.from(
    { length: position + 1 },
    (_, line): SessionEvent => ({
      type: 'run.logged',
      data: { level: 'info', message: String(line) },
    }),
  ).slice(logsAgain ? 0 : (lines?.replayed ?? 0))

/** C25: a run that goes on after a cancel has a deadline for its clean-up, and no cancel comes to nothing. */
export function checkCleanUp(world: World, { cancel, run: old }: Session, { id, run, ...after }: Session): void {
  if (cancel?.kind !== 'cancel' || after.cancel || !run?.workflow || run.ended || after.mode.kind === 'ended') return
  const told = run.operations
    .toArray()
    .some(
      (one, position) =>
        old?.operations.at(position)?.state === 'open' &&
        one.state === 'done' &&
        one.result.kind === 'error' &&
        one.result.error.code === 'cancelled',
    )
  if (!told && !cancel.told && !run.cancelNext) world.fail(`C25: a cancel of ${short(id)} is answered, and nothing is`)
  if ((told || cancel.told) && !after.timers.some(({ timer }) => timer === 'clean-up'))
    world.fail(`C25: ${short(id)} cleans up without a deadline`)
}

/** C22: each line of the code stands in the log once, in its order. */
export function checkLines(world: World, { id, run }: Session, event: SessionEvent): void {
  const next = run?.lines?.replayed ?? 0
  if (event.type === 'run.logged' && event.data.step === undefined && event.data.message !== String(next))
    world.fail(`C22: ${short(id)} has ${next} lines, and records the line ${event.data.message}`)
}

function asked(
  session: Session,
  op: Exclude<CodeOp, 'safe' | 'never' | 'init'>,
  position: number,
  rules: World['rules'],
): readonly SessionEvent[] {
  const { id, run } = session
  switch (op) {
    case 'call': {
      const content = [{ type: 'text' as const, text: 'do it' }]
      return [{ type: 'run.called', data: { position, name: op, message: `run-${position}`, content } }]
    }
    case 'tool': {
      const content = [{ type: 'text' as const, text: 'call it' }]
      const message = `run-${position}`
      return [
        { type: 'run.called', data: { position, name: op, message, content } },
        { type: 'tool.asked', data: { message, name: 'never', arguments: {} } },
      ]
    }
    case 'prompt-tool':
    case 'prompt-files':
    case 'prompt-images':
    case 'prompt-model':
    case 'prompt': {
      const content = [{ type: 'text' as const, text: 'do it' }]
      const child = childId(id, 'prompt')
      const data = { position, name: op, harness: 'init', child, pool: 'default', content, levels: 0, sessions: 0 }
      const message = `run-${position}`
      const tool = op === 'prompt-files' ? 'keep' : 'never'
      const asked: SessionEvent = { type: 'tool.asked', data: { message, name: tool, arguments: {} } }
      const asks = op === 'prompt-tool' || op === 'prompt-files'
      const digest = op === 'prompt-model' ? otherDefinition : 'helper'
      const configured: SessionEvent = { type: 'prompt.configured', data: { message, digest } }
      const changes = op === 'prompt-model' || run?.configured?.[child] === otherDefinition
      const slice = rules.promptSlice(session)
      const granted: readonly SessionEvent[] = slice
        ? [{ type: 'budget.granted', data: { message, limits: slice } }]
        : []
      const shown: SessionEvent = { type: 'images.attached', data: { message, images: [...imagesOf(position)] } }
      return [
        { type: 'run.prompted', data },
        ...granted,
        ...(changes ? [configured] : []),
        ...(op === 'prompt-images' ? [shown] : []),
        ...(asks ? [asked] : []),
      ]
    }
    case 'wait':
      return [{ type: 'run.waited', data: { position, name: op, event: 'paid' } }]
    case 'sleep': {
      const timer = `sleep-${position}`
      return [
        { type: 'run.slept', data: { position, name: op, timer, until: at + 1 } },
        { type: 'timer.armed', data: { timer, at: at + 1 } },
      ]
    }
    case 'pause': {
      const output = { type: 'chat_response' as const, content: 'so far', turn: position }
      return [{ type: 'run.paused', data: { position, name: op, output } }]
    }
    case 'ask': {
      const question = { elicitation_id: `q${position}`, url: 'https://a.example', message: 'Sure?', server_name: 'a' }
      const output = { type: 'elicitation' as const, mode: 'url' as const, ...question }
      const armed: SessionEvent = { type: 'timer.armed', data: { timer: questionTimer(position), at: at + 1 } }
      const paused: SessionEvent = { type: 'run.paused', data: { position, name: op, output, expiresAt: at + 1 } }
      return rules.asksWithoutTimer ? [paused] : [paused, armed]
    }
    default:
      return op satisfies never
  }
}

/** C17: what is recorded at a position is what the code asks for there. C29: code is past a step where its end is in the log. */
export function checkCode(world: World, { run }: Session): void {
  const { code } = world.scenario
  if (!run || !code) return
  for (const [position, one] of run.operations.toArray().entries()) {
    if (one.name !== code[position])
      world.fail(`C17: at ${position} the log has ${one.name}, and the code asks for ${code[position]}`)
    if (one.state === 'open' && one.waits.kind === 'step' && position < run.operations.length - 1)
      world.fail(`C29: the step at ${position} has no end, and the code is past it`)
  }
}

/** C23: a turn that answers a prompt of a run is of the definition that the run said beside it, or else of that of its harness. */
export function checkPromptModel(world: World, { id, born, prompted, turn }: Session, event: SessionEvent): void {
  const above = born?.parent?.session
  const op = world.scenario.code?.[prompted ?? -1]
  if (event.type !== 'model-call.started' || above === undefined || op === undefined || !op.startsWith('prompt')) return
  if (!turn?.messages.includes(`m-run-${prompted}`)) return
  const wanted = op === 'prompt-model' ? otherDefinition : 'helper'
  if (born?.digest !== wanted)
    world.fail(`C23: ${short(id)} answers the prompt ${prompted} by ${born?.digest}, and was to do so by ${wanted}`)
}

const imagesOf = (position: number) => [{ type: 'image' as const, mimeType: 'image/png', data: `image${position}` }]

/** C28: a turn that answers a prompt of a run is shown its images, and no others. */
export function checkImages(world: World, { id, born, inbox }: Session, event: SessionEvent): void {
  if (event.type !== 'turn.started' || born?.parent === undefined) return
  for (const { message, images = [] } of inbox) {
    const position = Number(/^m-run-(\d+)$/.exec(message)?.[1] ?? -1)
    if (!event.data.messages.includes(message) || position < 0) continue
    const wanted = world.scenario.code?.[position] === 'prompt-images' ? imagesOf(position) : []
    if (JSON.stringify(images) !== JSON.stringify(wanted))
      world.fail(`C28: ${short(id)} answers the prompt ${position} with ${images.length} images, of ${wanted.length}`)
  }
}

/** C20: a turn whose call code has asked for asks no model. */
export function checkAsked(world: World, { id, turn }: Session, event: SessionEvent): void {
  if (event.type === 'model-call.started' && turn?.asked)
    world.fail(`C20: ${short(id)} asks its model in the turn ${turn.id}, whose call its code has asked for`)
}

/** C18: a session below a run is told each prompt once, and in their order. */
export function checkPrompts(world: World, before: Session, event: SessionEvent): void {
  if (event.type !== 'delegation.prompted') return
  if (event.data.position <= (before.prompted ?? -1))
    world.fail(`C18: ${short(before.id)} is told the prompt ${event.data.position} again`)
}
