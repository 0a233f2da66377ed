// What must hold of what an agent has in mind: its context, its plan, its skills. Each is worked out from the log anew, not from the state
// that the product keeps of it. That the memory changes once (C12) is checked where it changes (runner/memory.ts).
//   C11  what a model is sent has each call with its result, and the newest message of the person; nothing is compacted while a call is open.
//   C13  a plan is what was made of it last: a completed step stays completed, a call that the plan allows is not refused, and a model
//        that has open steps is told so.
//   C14  what a skill in use does not allow is asked of no runner; its instructions are sent whole, or the model is told to read them again.
import type { Frame, ModelMessage, PlanStep, SessionEvent } from '@reins/contracts'
import type { Session } from '@reins/session'
import { short, type World } from '../world/world.ts'

/** Of one event, before which the session was like this; `frame`: its own. */
export function checkMind(world: World, session: Session, event: SessionEvent, frame: Frame): void {
  const name = `${short(session.id)}#${frame.n}`
  const open = session.turn?.calls.filter(({ state }) => state.kind !== 'done') ?? []
  switch (event.type) {
    case 'context.compaction-started':
    case 'context.pruned':
      if (open.length > 0) world.fail(`C11: ${name}: ${event.type} while ${open[0]?.call} is open`)
      return
    case 'plan.updated':
      for (const { name: step } of session.planning?.steps.filter(isDone) ?? [])
        if (event.data.steps.some((one) => one.name === step && !isDone(one)))
          world.fail(`C13: ${name}: the step ${step} was completed, and is not any more`)
      return
    case 'tool-call.completed': {
      const asked = session.turn?.calls.find(({ call }) => call === event.data.call)
      if (event.data.status === 'error' && asked && planAllows(session.planning?.steps ?? [], asked))
        world.fail(`C13: ${name}: the plan allows ${asked.name}, and it was refused: ${event.data.output}`)
      return
    }
    case 'tool-calls.requested': {
      const allowed = allowedIn(session, inUse(world, session))
      const wrong = event.data.calls.find((call) => allowed && !allowed.includes(call.name))
      if (wrong) world.fail(`C14: ${name}: ${wrong.name} is asked for, which the skills in use do not allow`)
      return
    }
    default:
      return
  }
}

const isDone = ({ status }: PlanStep): boolean => status === 'completed'

function planAllows(
  steps: readonly PlanStep[],
  call: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> },
): boolean {
  const step = steps.find(({ name }) => name === call.arguments.step_name)
  if (!step) return false
  const ready = (step.dependsOn ?? []).every((before) => steps.some((one) => one.name === before && isDone(one)))
  const free = steps.every(({ status }) => status !== 'in_progress')
  if (call.name === 'start_step') return step.status === 'pending' && ready && free
  return call.name === 'mark_step_done' && step.status === 'in_progress'
}

interface Used {
  readonly name: string
  readonly call: string
}

/** Skills that answers before the latest one have activated in this turn. */
function inUse(world: World, { id, turn }: Session): readonly Used[] {
  if (!world.scenario.minds || !turn) return []
  let answers = 0
  const asked = new Map<string, { readonly name: string; readonly at: number }>()
  const used: (Used & { readonly at: number })[] = []
  for (const { events, n } of world.frames(id, 0)) {
    if (n < turn.n) continue
    for (const { type, data } of events) {
      if (type === 'model-call.started' && data.attempt === 1) answers++
      if (type === 'model-call.completed')
        for (const block of data.content)
          if (block.type === 'tool-call' && block.name === 'use_skill')
            asked.set(block.call, { name: String(block.arguments.name), at: answers })
      const skill = type === 'tool-call.completed' && data.status === 'ok' ? asked.get(data.call) : undefined
      if (skill && type === 'tool-call.completed') used.push({ ...skill, call: data.call })
    }
  }
  return used.filter(({ at }) => at < answers)
}

/** null: everything. */
function allowedIn({ skills }: Session, used: readonly Used[]): readonly string[] | null {
  const named = skills?.skills.filter(({ name }) => used.some((one) => one.name === name)) ?? []
  const narrowing = named.flatMap(({ allowedTools }) => (allowedTools ? [allowedTools] : []))
  return narrowing.length === 0 ? null : ['use_skill', ...narrowing.flat()]
}

/** Of what a process sends for the model call that it has begun, as it knows the session. */
export function checkSent(world: World, name: string, session: Session): void {
  if (world.scenario.window === undefined) return
  const sent = world.rules.projected(session)
  const parted = partedIn(sent)
  if (parted) world.fail(`C11: ${name} sends ${parted}`)
  const text = JSON.stringify(sent)
  const asked = newestMessage(world, session)
  if (asked !== undefined && !text.includes(JSON.stringify(asked)))
    world.fail(`C11: ${name} sends nothing of the message that the turn is about: ${asked}`)
  const open = session.planning?.steps.some(({ status }) => status === 'pending' || status === 'in_progress')
  if (open && !world.rules.offered(session).notices.some((notice) => notice.includes('Plan:')))
    world.fail(`C13: ${name} tells its model nothing of the plan`)
  for (const { name: skill, call } of inUse(world, session)) {
    const whole = sent.some((message) => message.role === 'tool' && message.call === call && isWhole(world, message))
    const named = sent[0]?.role === 'user' && JSON.stringify(sent[0]).includes(`In use: the skill ${skill}`)
    if (!whole && !named) world.fail(`C14: ${name} tells its model nothing of the skill ${skill}, which is in use`)
  }
}

const isWhole = ({ scenario }: World, { output }: ModelMessage & { readonly role: 'tool' }): boolean =>
  output === (scenario.gives ?? 'done')

/** What of it is parted; null: nothing. What a person said between a call and its result is put behind it by whoever sends it. */
function partedIn(messages: readonly ModelMessage[]): string | null {
  let open: string[] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.includes(message.call)) return `a result of ${message.call} without its call`
      open = open.filter((call) => call !== message.call)
      continue
    }
    if (message.role === 'user') continue
    if (open[0] !== undefined) return `the call ${open[0]} without its result`
    open = message.content.flatMap((block) => (block.type === 'tool-call' ? [block.call] : []))
  }
  return open[0] === undefined ? null : `the call ${open[0]} without its result`
}

function newestMessage(world: World, { id, turn }: Session): string | undefined {
  const newest = turn?.messages.at(-1)
  for (const { events } of world.frames(id, 0))
    for (const event of events)
      if (event.type === 'message.received' && event.data.message === newest) return event.data.content[0]?.text
  return undefined
}
