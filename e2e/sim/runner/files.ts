// The sandbox in memory, as the body of a call sees it: its files are the names of the calls that changed them, in their order.
//   C26. What a call leaves is what the calls before it have left, and its own change, once; and each call that is completed has left it. A
//        turn begins with what the files tell then.
import type { EventOf, SessionEvent } from '@reins/contracts'
import { inSource } from '@reins/journal'
import { type Session, workspaceFound } from '@reins/session'
import { short, type World } from '../world/world.ts'
import type { RunHold } from './state.ts'

export const keepName = 'keep'

/** What a body begins with: of the frame that its request or a call before it names. */
export function filesAtBegin(world: World, { view }: RunHold, seq: number, call: string): string {
  const asked = world.stream.bySeq(seq)?.frame.events.find((event) => event.type === 'tool-calls.requested')
  return filesIn(world, world.rules.filesBefore(view, call, asked?.data.files))
}

/** Each change is one of AGENTS.md: what there is tells agents all of it. */
export function filesLeft(
  call: string,
  attempt: number,
  before: string,
): { readonly files: EventOf<'files.kept'>; readonly told: EventOf<'workspace.found'> } {
  const content = before === '' ? call : `${before} ${call}`
  const found = { instructions: content, skills: [] }
  return {
    files: { type: 'files.kept', data: { call, attempt, files: 1, bytes: content.length, content } },
    told: { type: 'workspace.found', data: { call, attempt, found } },
  }
}

/** `before`: of the event; `changes`: whether it counts. */
export function checkFiles(world: World, before: Session, event: SessionEvent, changes: boolean): void {
  if (!changes) return
  const content = filesIn(world, before.files)
  if (event.type === 'files.kept') {
    const { call } = event.data
    const wanted = content === '' ? call : `${content} ${call}`
    if (event.data.content !== wanted)
      world.fail(`C26: ${short(before.id)}: ${call} leaves "${event.data.content}", and was to leave "${wanted}"`)
  }
  if (event.type === 'turn.started') {
    const told = workspaceFound({ ...before, turn: null })?.instructions ?? ''
    if (told !== content)
      world.fail(`C26: ${short(before.id)}: a turn begins with what "${told}" tells, and the files are "${content}"`)
  }
  if (event.type !== 'tool-call.completed' || event.data.status !== 'ok') return
  const { call } = event.data
  const keeps = before.turn?.calls.some((one) => one.call === call && one.name === keepName)
  if (keeps && !content.split(' ').includes(call))
    world.fail(`C26: ${short(before.id)}: ${call} is completed, and has left nothing`)
}

/** Of a fork, a place below 1 is one of the session that it was forked from. */
const filesIn = (world: World, seq: number | undefined): string => {
  const frame = seq === undefined ? undefined : world.stream.bySeq(seq < 1 ? inSource(seq) : seq)?.frame
  return frame?.events.find((event) => event.type === 'files.kept')?.data.content ?? ''
}
