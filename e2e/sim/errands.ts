// What a trigger asks of another session, carried out: the frame for a child or for a parent, from what the leader says now.
import { type EventOf, toExec } from '@reins/contracts'
import { childStart, type Errand, errandsOf, type Fold, settlement } from '@reins/session'
import type { Order, World } from './world.ts'

export function errandsHeld(world: World, seq: number): readonly Errand[] {
  const stored = world.stream.bySeq(seq)
  const trigger = world.triggers.get(seq)
  return stored && trigger ? errandsOf(stored.frame, trigger.pool) : []
}

/** null: there is nothing (left) to append. `own`: the fold of the trigger's session, not older than the trigger. */
export function errandOrder(world: World, by: string, own: Fold, seq: number, errand: Errand): Order | null {
  const order = (fold: Fold, events: Order['events'], pool: string, status = fold.head.status): Order => ({
    session: fold.session.id,
    head: fold.head,
    by,
    role: 'e',
    events,
    to: toExec(pool),
    status,
    tag: `${seq}`,
  })
  switch (errand.kind) {
    case 'create-child': {
      const child = world.read(errand.child)
      if (child.head.n > 0 && (!world.rules.childAtHead || child.session.born)) return null
      const events = childStart(childBorn(world, own, errand), `m-${errand.call}`, errand.instruction)
      return order(child, events, errand.pool)
    }
    case 'cancel-child': {
      const child = world.read(errand.child)
      if (child.session.mode.kind === 'ended') return null
      const pool = world.triggers.get(seq)?.pool ?? ''
      // Its first frame, where it does not exist yet: whoever creates it later finds it ended.
      const status = child.head.n === 0 ? 'ended' : child.head.status
      return order(child, [{ type: 'cancel.requested', data: { cancel: `x-${seq}` } }], pool, status)
    }
    case 'settle-parent': {
      const parent = own.session.born?.parent
      if (!parent) return null
      const above = world.rules.settleOnStaleParent ? world.readStale(parent.session) : world.read(parent.session)
      const event = settlement(above.session, parent.call, own.session)
      return event ? order(above, [event], parent.pool) : null
    }
    default:
      return errand satisfies never
  }
}

function childBorn(
  world: World,
  own: Fold,
  errand: Errand & { kind: 'create-child' },
): EventOf<'session.started'>['data'] {
  const { born } = world.scenario
  return {
    ...born,
    agent: errand.agent,
    digest: errand.digest,
    pools: { ...born.pools, executor: errand.pool },
    parent: { session: own.session.id, call: errand.call, pool: own.head.pool },
  }
}
