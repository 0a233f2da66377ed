// C21: a turn is of one definition, which is the one that was recorded last when it began. Worked out from the log anew.
import type { Frame, SessionEvent } from '@reins/contracts'
import type { Session } from '@reins/session'
import { short, type World } from '../world/world.ts'

/** Of one event, before which the session was like this; `frame`: its own. */
export function checkDefinition(world: World, { id, turn }: Session, event: SessionEvent, frame: Frame): void {
  const { gateway } = world.scenario
  if (!gateway.some((op) => op.op === 'upgrade' || (op.op === 'message' && op.anew))) return
  const asked =
    event.type === 'tool-calls.requested'
      ? event.data.digest
      : event.type === 'model-call.started'
        ? event.data.model
        : undefined
  if (asked === undefined) return
  // A turn that begins in this frame begins with what stands below it.
  const known = standingAt(world, id, turn && turn.n < frame.n ? turn.n : frame.n)
  if (known && known.digest !== asked && known.model !== asked)
    world.fail(`C21: ${short(id)}#${frame.n}: ${event.type} is of ${asked}, and its turn of ${known.digest}`)
}

function standingAt(
  world: World,
  id: string,
  n: number,
): { readonly digest: string; readonly model: string } | undefined {
  const before = world.frames(id, 0).filter((frame) => frame.n < n)
  const said = before.flatMap(({ events }) => events)
  const pinned = said.flatMap(
    (event) => ((event.type === 'agent.configured' || event.type === 'session.upgraded') && event.data.pinned) || [],
  )
  return pinned.at(-1) ?? said.flatMap((event) => (event.type === 'session.started' ? [event.data] : []))[0]
}
