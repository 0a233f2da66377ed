// Errands carried out: the frame for a child or for a parent, decided by @reins/session on what the leader says now.
import type { EventData } from '@reins/contracts'
import {
  type Creation,
  cancelChild,
  type Decision,
  type Errand,
  errandsOfTrigger,
  type Fold,
  settleParent,
} from '@reins/session'
import type { Order, World } from './world.ts'

/** What the trigger asks of other sessions; `own`: the fold of its session. */
export function errandsHeld(world: World, seq: number, { head }: Pick<Fold, 'head'>): readonly Errand[] {
  const stored = world.stream.bySeq(seq)
  return stored ? errandsOfTrigger(stored.session, stored.frame, stored.to, head) : []
}

/** null: it is done there. `own`: the fold of the session that has the errand. `pool`: whose executors it was addressed to. */
export function errandOrder(world: World, by: string, own: Fold, errand: Errand, pool: string): Order | null {
  const there = otherOf(world, own, errand)
  const decision = there && decisionOf(world, own, there, errand, pool)
  if (!decision) return null
  const { head } = there
  return { ...decision, session: there.session.id, head, by, role: 'e', tag: `${own.session.id}-${errand.kind}` }
}

function otherOf(world: World, own: Fold, errand: Errand): Fold | null {
  if (errand.kind !== 'settle-parent') return world.read(errand.child)
  const parent = own.session.born?.parent
  if (!parent) return null
  return world.rules.settleOnStaleParent ? world.readStale(parent.session) : world.read(parent.session)
}

function decisionOf(world: World, own: Fold, there: Fold, errand: Errand, pool: string): Decision | null {
  switch (errand.kind) {
    case 'create-child':
      return world.rules.createChild(there, errand, childBorn(world, own, errand), own.session)
    case 'cancel-child':
      return cancelChild(there, pool, `x-${errand.child.slice(-3)}`)
    case 'settle-parent': {
      const parent = own.session.born?.parent
      return parent ? settleParent(there, parent, own.session) : null
    }
    default:
      return errand satisfies never
  }
}

function childBorn({ scenario: { born } }: World, own: Fold, creation: Creation): EventData<'session.started'> {
  return {
    ...born,
    agent: creation.agent,
    digest: creation.digest,
    pools: { ...born.pools, executor: creation.pool },
    parent: { session: own.session.id, call: creation.call, pool: own.head.pool },
  }
}
