// Errands carried out: the frame for a child or for a parent, decided by @reins/session on what the leader says now.
import type { EventData, SessionEvent } from '@reins/contracts'
import {
  type Creation,
  cancelChild,
  type Decision,
  type Errand,
  errandsOfTrigger,
  creationOf,
  type Fold,
  pauseChild,
  type PinnedStart,
  settleParent,
  tellHeld,
} from '@reins/session'
import { mindOf } from '../scenarios/scenario.ts'
import { readFor } from './builds.ts'
import { instanceOf, type Order, type Process, type World } from './world.ts'

/** What the trigger asks of other sessions; `own`: the fold of its session. */
export function errandsHeld(world: World, seq: number, { session, head }: Fold): readonly Errand[] {
  if (session.beyond) return [] // a newer process's to do: the verdict on it gives its triggers back
  const stored = world.stream.bySeq(seq)
  return stored ? errandsOfTrigger(stored.session, stored.frame, stored.to, head) : []
}

/** null: it is done there. `newer`: the other session is beyond the process, so a newer one says what is left to do. `own`: the fold of the session that has the errand. `pool`: whose executors it was addressed to. */
export function errandOrder(
  world: World,
  process: Process,
  own: Fold,
  errand: Errand,
  pool: string,
): Order | 'newer' | null {
  const there = otherOf(world, process.name, own, errand)
  if (errand.kind !== 'create-child' && there?.session.beyond) return 'newer'
  const decision = there && decisionOf(world, own, there, errand, pool)
  if (!decision) return null
  const { head } = there
  return {
    ...decision,
    session: there.session.id,
    head,
    by: instanceOf(process),
    role: 'e',
    tag: `${own.session.id}-${errand.kind}`,
  }
}

function otherOf(world: World, name: string, own: Fold, errand: Errand): Fold | null {
  if (errand.kind !== 'settle-parent' && errand.kind !== 'tell-held') return readFor(world, name, errand.child)
  const parent = own.session.born?.parent ?? own.session.unborn
  if (!parent) return null
  return world.rules.settleOnStaleParent ? world.readStale(parent.session) : readFor(world, name, parent.session)
}

function decisionOf(world: World, own: Fold, there: Fold, errand: Errand, pool: string): Decision | null {
  switch (errand.kind) {
    case 'create-child':
      return world.rules.createChild(there, errand, childBorn(world, own, errand), own.session, declared(world, errand))
    case 'prompt-child': {
      const { prompt } = errand
      const asked = { ...prompt, kind: 'create-child' as const, instruction: '', child: errand.child }
      const started = childBorn(world, own, asked)
      const begun = { started, declared: declared(world, asked) }
      return world.rules.promptChild(there, errand, own.session, begun, pinnedFor(world, prompt))
    }
    case 'resume-child':
      return world.rules.resumeChild(there, errand, own.session)
    case 'cancel-child':
      return cancelChild(there, pool, `x-${errand.child.slice(-3)}`, aboveOf(own, errand.call))
    case 'ensure-child': {
      const creation = creationOf(own.session, errand.child)
      return creation ? decisionOf(world, own, there, creation, pool) : null
    }
    case 'pause-child':
      return pauseChild(there, errand)
    case 'unpause-child':
      return world.rules.unpauseChild(there, errand)
    case 'tell-held': {
      const parent = own.session.born?.parent
      return parent ? tellHeld(there, parent, own.session) : null
    }
    case 'settle-parent': {
      const parent = own.session.born?.parent ?? own.session.unborn
      return parent ? settleParent(there, parent, own.session) : null
    }
    default:
      return errand satisfies never
  }
}

const aboveOf = ({ session }: Fold, call: string) =>
  session.born ? { session: session.id, call, pool: session.born.pools.executor } : undefined

/** What a child may do is bounded by what its parent gives it. */
function declared({ scenario, rules }: World, { agent, levels, sessions, onPause, budget }: Creation): SessionEvent[] {
  const team = scenario.teams?.[agent]
  const task = scenario.tasks?.[agent]
  const granted = rules.sessionsUnbounded ? {} : { sessions: Math.min(team?.sessions ?? 0, sessions ?? 0) }
  return [
    ...(team
      ? [
          {
            type: 'agents.declared' as const,
            data: { ...team, levels: Math.min(team.levels, levels ?? 0), ...granted },
          },
        ]
      : []),
    ...(task ? [{ type: 'task.declared' as const, data: task }] : []),
    ...mindOf(scenario, agent),
    ...(budget ? [{ type: 'budget.declared' as const, data: budget }] : []),
    ...(onPause === 'return' ? [{ type: 'parent.declared' as const, data: { onPause } }] : []),
  ]
}

/** What the definition of a prompt pins: of another one than the harness's the digest tells them apart. */
function pinnedFor(
  { scenario: { born } }: World,
  { digest, configured }: Extract<Errand, { kind: 'prompt-child' }>['prompt'],
): PinnedStart | null {
  const { model, limits, tools } = born
  return configured ? { pinned: { digest, model, limits, tools, toolset: [] }, declared: [] } : null
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
