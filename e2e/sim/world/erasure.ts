// A root is erased for a person, and memory does the same to all below it; then the frames of each leave the stream, with their triggers. The
// world's stream keeps the frames, so that what they said can be held against what came of them.

import { erasedBelow, erasedBy, erasedIn, type RequestOutcome } from '@reins/session'
import type { Frame } from '@reins/contracts'
import { forked, root, type World } from './world.ts'

export const orderOf = (world: World, session: string): Frame | undefined =>
  world.frames(session, 0).findLast((frame) => erasedIn(frame))

const below = (world: World): readonly string[] =>
  world.sessions().filter((id) => id !== root && id.startsWith(root) && world.truth.has(id))

export function erasedAt(world: World, session: string): RequestOutcome {
  const isFork = session === root && world.truth.has(forked) && !orderOf(world, forked)
  const busy = below(world).filter((id) => !['idle', 'ended'].includes(world.read(id).head.status))
  return world.rules.eraseSession(world.read(session), { forks: isFork ? [forked] : [], busy })
}

export const mayEraseBelow = (world: World, session: string): boolean =>
  session !== root && session.startsWith(root) && orderOf(world, root) !== undefined && !orderOf(world, session)

export function eraseBelow(world: World, session: string): void {
  const order = orderOf(world, root)
  const data = order && erasedIn(order)
  if (!order || !data) return
  const { head } = world.read(session)
  const [first] = world.frames(session, 0)
  world.send({ ...erasedBelow(head, first, erasedBy(data, order)), session, head, by: 'memory', role: 'm' }, null)
}

const gone = (world: World, session: string): readonly number[] => {
  const seq = orderOf(world, session)?.seq ?? 0
  return [...world.triggers.values()].flatMap((one) => (one.session === session && one.seq < seq ? [one.seq] : []))
}

export const mayEraseFrames = (world: World, session: string): boolean => gone(world, session).length > 0

export function eraseFrames(world: World, session: string): void {
  for (const seq of gone(world, session)) world.triggers.delete(seq)
}
