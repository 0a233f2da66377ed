// Two builds side by side: what a process of the older one makes of the frames of a newer one (PROTOCOL 2). The log, the checks and the
// processes of the newer build know every event; for the older one the scenario hides a type, and the product's codec says what is left.
import { eventCodec, type Frame } from '@reins/contracts'
import { emptyFold, type Fold, foldFrames } from '@reins/session'
import type { World } from './world.ts'

const hiddenFrom = (world: World, name: string): string | null => {
  const { older } = world.scenario
  return older?.processes.includes(name) ? older.hides : null
}

export const isOlder = (world: World, name: string): boolean => hiddenFrom(world, name) !== null

/** A frame as the process of this name understands it. */
export function frameFor(world: World, name: string, frame: Frame): Frame {
  const hidden = hiddenFrom(world, name)
  if (hidden === null || !frame.events.some(({ type }) => type === hidden)) return frame
  const written = frame.events.map((event) =>
    event.type === hidden ? { ...event, type: `newer.${hidden.replaceAll('.', '-')}` } : event,
  )
  const decoded = eventCodec.decodeAll(written, frame.needs)
  if (decoded.kind !== 'beyond') throw new Error(`the codec does not take ${hidden} for an event of a newer build`)
  return { ...frame, events: [], written, beyond: decoded.why }
}

export const framesFor = (world: World, name: string, session: string, after: number): readonly Frame[] =>
  world.frames(session, after).map((frame) => frameFor(world, name, frame))

/** The fold at the leader's head, as the process understands it. */
export function readFor(world: World, name: string, session: string): Fold {
  if (!isOlder(world, name)) return world.read(session)
  return foldFrames(emptyFold(session), framesFor(world, name, session, 0))
}
