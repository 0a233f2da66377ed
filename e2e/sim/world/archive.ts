// Memory puts a session into the archive, and takes its frames out of the stream: two steps, between which anything may happen. The world's
// stream keeps the frames, because whoever reads them reads the same from the archive; their triggers are gone.

import type { Frame } from '@reins/contracts'
import { archivedAs, archivedIn } from '@reins/session'
import type { World } from './world.ts'

const stored = { object: 'an object', first: 1, frames: 1, bytes: 1, digest: 'd' }

const archivedOf = (world: World, session: string): Frame | undefined =>
  world.frames(session, 0).findLast((frame) => archivedIn(frame))

/** So often as the scenario says, each session once. */
export function mayGo(world: World, session: string): boolean {
  if (!world.scenario.archives || archivedOf(world, session)) return false
  const last = world.frames(session, 0).at(-1)
  return last !== undefined && world.rules.mayArchive(world.read(session), last, { ms: 0, afterMs: 0 })
}

export function archive(world: World, session: string): void {
  const { head } = world.read(session)
  const decision = archivedAs(head, { ...stored, frames: head.n })
  world.send({ ...decision, session, head, by: 'memory', role: 'm' }, null)
}

const gone = (world: World, session: string): readonly number[] => {
  const seq = archivedOf(world, session)?.seq ?? 0
  return [...world.triggers.values()].flatMap((one) => (one.session === session && one.seq < seq ? [one.seq] : []))
}

export const mayTakeOut = (world: World, session: string): boolean =>
  world.scenario.archives === true && gone(world, session).length > 0

export function takeOut(world: World, session: string): void {
  for (const seq of gone(world, session)) world.triggers.delete(seq)
}
