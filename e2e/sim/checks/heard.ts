// C27: what a model call says is shown, or recorded, where its announcement stands in the log, by whoever made it.
import type { Effect } from '@reins/session'
import { short, type World } from '../world/world.ts'

export function checkHeard(world: World, session: string, { kind, call, attempt }: Effect, by: string): void {
  if (kind !== 'call-model') return
  const announced = world
    .frames(session, 0)
    .some(
      (frame) =>
        frame.by === by &&
        frame.events.some(
          ({ type, data }) => type === 'model-call.started' && data.call === call && data.attempt === attempt,
        ),
    )
  if (!announced)
    world.fail(`C27: ${by} hears ${call}/${attempt} of ${short(session)}, and has announced no such call there`)
}
