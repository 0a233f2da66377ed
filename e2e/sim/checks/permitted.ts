// C19: a turn calls what everybody may whose messages it takes in, and nothing else; nobody is asked about any other call. Who may what is
// taken from what people did (the scenario), and who speaks to whom from the log: not from the state that the product keeps of it.
import { type Frame, runPosition, type SessionEvent } from '@reins/contracts'
import type { Session } from '@reins/session'
import { short, type World } from '../world/world.ts'

/** undefined: every tool. */
type May = readonly string[] | undefined

/** Of one event, before which the session was like this; `name`: of its frame. */
export function checkPermitted(world: World, session: Session, event: SessionEvent, name: string): void {
  if (!world.scenario.gateway.some((op) => op.op === 'message' && op.may)) return
  const { turn } = session
  if (!turn) return
  const called = (call: string): string => turn.calls.find((one) => one.call === call)?.name ?? call
  switch (event.type) {
    case 'tool-calls.requested':
      for (const call of event.data.calls) check(world, session, name, call.name)
      return
    case 'approval.requested':
    case 'delegation.requested':
    case 'delegation.resumed':
      check(world, session, name, called(event.data.call))
      return
    case 'tool-call.completed': {
      const may = common(turn.messages.map((message) => mayOf(world, session.id, message)))
      const tool = called(event.data.call)
      if (event.data.code === 'not-permitted' && (may?.includes(tool) ?? true))
        world.fail(`C19: ${name}: ${tool} is refused, and everybody may call it whose messages the turn takes in`)
      return
    }
    default:
      return
  }
}

function check(world: World, { id, turn }: Session, name: string, tool: string): void {
  const not = turn?.messages.find((message) => mayOf(world, id, message)?.includes(tool) === false)
  if (not !== undefined) world.fail(`C19: ${name}: ${tool} is called, and who said ${not} may not call it`)
}

const common = (all: readonly May[]): May =>
  all.reduce((so, may) => (so && may ? so.filter((tool) => may.includes(tool)) : (so ?? may)), undefined)

/** Of whoever said it: a person, a session above that handed work on, or code that speaks for a person. */
function mayOf(world: World, id: string, message: string): May {
  const said = world.scenario.gateway.find((op) => op.op === 'message' && op.message === message)
  if (said?.op === 'message') return said.may
  const frames = world.frames(id, 0)
  if (frames.some(({ events }) => events.some((one) => one.type === 'run.called' && one.data.message === message)))
    return mayOfCode(world, id, frames, message)
  const parent = world.read(id).session.born?.parent?.session
  return parent === undefined ? undefined : mayAbove(world, parent, message.slice('m-'.length))
}

/** Of the turn in which the call was made. */
function mayAbove(world: World, parent: string, call: string): May {
  const frames = world.frames(parent, 0)
  if (runPosition(call) !== undefined) return mayOfCode(world, parent, frames, call)
  let messages: readonly string[] = []
  for (const { events } of frames)
    for (const { type, data } of events) {
      if (type === 'turn.started') messages = data.messages
      if (type === 'message.joined') messages = [...messages, data.message]
      const hands = type === 'delegation.requested' || type === 'delegation.resumed'
      if (hands && data.call === call) return common(messages.map((message) => mayOf(world, parent, message)))
    }
  world.fail(`C19: ${short(parent)} has handed on nothing with the call ${call}`)
  return undefined
}

/** Of whoever resumed the code last before it asked for this, or began the session. */
function mayOfCode(world: World, id: string, frames: readonly Frame[], asked: string): May {
  let speaker: string | undefined
  for (const { events } of frames)
    for (const { type, data } of events) {
      if (type === 'message.received') speaker ??= data.message
      if (type === 'run.resumed') speaker = data.message
      const asks =
        (type === 'run.called' && data.message === asked) ||
        (type === 'run.prompted' && asked === `run-${data.position}`)
      if (asks) return speaker === undefined ? undefined : mayOf(world, id, speaker)
    }
  return undefined
}
