// The events of a session: one schema a type, one file a family.
//   E1. A shipped version of a schema changes in one way only: it gets another optional field, which a reader that does not know it
//       may ignore. Schemas are open, so every process takes such an event, and keeps the field.
//   E2. Every other change is a new version of the type, or a new type: it stands in `changes`, with the protocol that it needs.
import type { Static, TSchema } from 'typebox'
import { approvalEvents } from './tools/approval.ts'
import { budgetEvents } from './budget.ts'
import { configuredEvents } from './code/configured.ts'
import { contextEvents } from './mind/context.ts'
import { controlEvents } from './control.ts'
import { delegationEvents } from './delegation.ts'
import { elicitationEvents } from './tools/elicitation.ts'
import { filesEvents } from './tools/files.ts'
import { imagesEvents } from './images.ts'
import { memoryEvents } from './mind/memory.ts'
import { modelCallEvents } from './model-call.ts'
import { outputEvents } from './output.ts'
import { permittedEvents } from './tools/permitted.ts'
import { planningEvents } from './mind/planning.ts'
import { runEvents } from './code/run.ts'
import { sessionEvents } from './session.ts'
import { skillEvents } from './mind/skills.ts'
import { toolCallEvents } from './tools/tool-call.ts'
import { toolsetEvents } from './tools/toolset.ts'
import { turnEvents } from './turn.ts'
import { workflowEvents } from './code/workflow.ts'
import { workspaceEvents } from './mind/workspace.ts'

export const eventSchemas = {
  ...sessionEvents,
  ...imagesEvents,
  ...turnEvents,
  ...modelCallEvents,
  ...toolCallEvents,
  ...filesEvents,
  ...toolsetEvents,
  ...delegationEvents,
  ...controlEvents,
  ...approvalEvents,
  ...elicitationEvents,
  ...memoryEvents,
  ...planningEvents,
  ...skillEvents,
  ...contextEvents,
  ...outputEvents,
  ...permittedEvents,
  ...workspaceEvents,
  ...budgetEvents,
  ...runEvents,
  ...workflowEvents,
  ...configuredEvents,
} as const

type Schemas = typeof eventSchemas
export type EventType = keyof Schemas
export type EventData<T extends EventType> = Schemas[T] extends TSchema ? Static<Schemas[T]> : never
/** One thing that happened: past tense, full nouns. */
export type SessionEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType]
export type EventOf<T extends EventType> = Extract<SessionEvent, { type: T }>

export const eventTypes = Object.keys(eventSchemas) as EventType[]

/** The protocol that the first version of every type needs, unless `changes` says otherwise. */
export const firstProtocol = 1

/** A version of a type that is written no more, and how its data becomes that of the next version. */
export interface OlderVersion {
  readonly schema: TSchema
  readonly upcast: (data: unknown) => unknown
}

/** A type that came after the first protocol, or that has changed since (E2). */
export interface Change {
  /** The lowest protocol that may decide on a session with the version that is written now. */
  readonly needs: number
  /** Versions 1, 2, … that were written before; the version that is written now follows on them. */
  readonly older?: readonly OlderVersion[]
}

/** Protocol 2: tools of servers, and calls that wait for people. */
const second: Change = { needs: 2 }

/** Protocol 3: what a session itself gives its model, such as a memory, and sessions that delegate; contexts that are compacted. */
const third: Change = { needs: 3 }

/** Protocol 4: sessions whose decisions come from a file of their owner. */
const fourth: Change = { needs: 4 }

/** Protocol 5: runs of workflows. */
const fifth: Change = { needs: 5 }

/** Protocol 6: turns that code asks for, with a call of a tool and no model; agents that are configured for each message, or upgraded. */
const sixth: Change = { needs: 6 }
/** Protocol 7: prompts of runs that are answered by another definition than that of their harness. */
const seventh: Change = { needs: 7 }
/** Protocol 8: sessions that go on behind a frame of another session. */
const eighth: Change = { needs: 8 }
/** Protocol 9: sessions that hold files in their log. */
const ninth: Change = { needs: 9 }
/** Protocol 10: agents whose sessions are runs of workflows; runs that have a budget. */
const tenth: Change = { needs: 10 }
/** Protocol 11: prompts of runs that show images. */
const eleventh: Change = { needs: 11 }
/** Protocol 12: agents whose models have the tool `task`. */
const twelfth: Change = { needs: 12 }

/** Protocol 13: prompts of runs that give tools of their own; files in memory that tell agents something. */
const thirteenth: Change = { needs: 13 }
/** Protocol 14: sessions whose older frames lie in the archive. */
const fourteenth: Change = { needs: 14 }
/** Protocol 15: sessions that were erased. */
const fifteenth: Change = { needs: 15 }

/** Below it, no session has an agent that is configured for each message. */
export const configuredProtocol = sixth.needs

/** E2. */
export const changes: Partial<Record<EventType, Change>> = {
  'session.archived': fourteenth,
  'session.erased': fifteenth,
  'session.erasure-completed': fifteenth,
  'images.attached': eleventh,
  'files.kept': ninth,
  'workflows.declared': tenth,
  'task.declared': twelfth,
  'tools.given': thirteenth,
  'workspace.found': thirteenth,
  'run.continued': tenth,
  'budget.granted': tenth,
  'toolset.declared': second,
  'toolset.requested': second,
  'toolset.resolved': second,
  'toolset.changed': second,
  'approvals.pinned': second,
  'approval.requested': second,
  'approval.decided': second,
  'approval.granted': second,
  'approval.expired': second,
  'approval.withdrawn': second,
  'approval.needed': second,
  'grant.added': second,
  'grant.revoked': second,
  'elicitation.requested': second,
  'elicitation.answered': second,
  'elicitation.completed': second,
  'elicitation.remembered': second,
  'elicitation.expired': second,
  'elicitation.withdrawn': second,
  'memory.declared': third,
  'agents.declared': third,
  'parent.declared': third,
  'delegation.paused': third,
  'delegation.resumed': third,
  'delegation.continued': third,
  'delegation.pause-requested': third,
  'delegation.unpause-requested': third,
  'delegation.held': third,
  'planning.declared': third,
  'plan.updated': third,
  'skills.declared': third,
  'context.declared': third,
  'context.compaction-requested': third,
  'context.compaction-declined': third,
  'context.pruned': third,
  'context.compaction-started': third,
  'context.compacted': third,
  'context.compaction-failed': third,
  'context.compaction-throttled': third,
  'context.restored': third,
  'output.declared': third,
  'output.requested': third,
  'output.checked': third,
  'tools.permitted': third,
  'workspace.declared': third,
  'budget.declared': third,
  'budget.reached': third,
  'budget.raised': third,
  'run.declared': fourth,
  'run.replay-started': fourth,
  'run.replay-ended': fourth,
  'run.recorded': fourth,
  'run.step-started': fourth,
  'run.step-ended': fourth,
  'run.called': fourth,
  'run.slept': fourth,
  'run.paused': fourth,
  'run.resumed': fourth,
  'run.withdrawn': fourth,
  'run.ended': fourth,
  'run.invoked': fifth,
  'run.initialized': fifth,
  'run.prompted': fifth,
  'run.waited': fifth,
  'run.delivered': fifth,
  'delegation.prompted': fifth,
  'tool.asked': sixth,
  'agent.configured': sixth,
  'session.upgraded': sixth,
  'run.logged': sixth,
  'prompt.configured': seventh,
  'session.forked': eighth,
}
