// Who may say which event (ARCHITECTURE I11). What a role may not say is void evidence: the fold keeps it and does nothing.
import type { Role } from '../broker/subjects.ts'
import { isChild } from '../ids.ts'
import { type EventType, eventTypes } from './catalogue.ts'

const gateway: readonly EventType[] = [
  'session.started',
  'session.forked',
  'session.renamed',
  'session.paused',
  'session.resumed',
  'session.released',
  'session.erased',
  'message.received',
  'images.attached',
  'cancel.requested',
  'toolset.declared',
  'approvals.pinned',
  'memory.declared',
  'agents.declared',
  'workflows.declared',
  'task.declared',
  'planning.declared',
  'skills.declared',
  'approval.decided',
  'elicitation.answered',
  'grant.added',
  'grant.revoked',
  'context.declared',
  'context.compaction-requested',
  'context.restored',
  'output.declared',
  'output.requested',
  'tools.permitted',
  'workspace.declared',
  'budget.declared',
  'budget.raised',
  'run.declared',
  'run.invoked',
  'run.delivered',
  'agent.configured',
  'session.upgraded',
]
const runner: readonly EventType[] = [
  'tool-call.started',
  'files.kept',
  'workspace.found',
  'tool-call.completed',
  'tool-call.outcome-unknown',
  'tool-call.late-result',
  'toolset.resolved',
  'toolset.changed',
  'approval.needed',
  'elicitation.requested',
  'elicitation.completed',
]
const memory: readonly EventType[] = ['timer.fired', 'session.archived', 'session.erased', 'session.erasure-completed']
/** By these events readers look elsewhere for what stood before, or look for nothing there: an executor may not say them. */
const memoryOnly: readonly EventType[] = ['session.archived', 'session.erased', 'session.erasure-completed']
/** Decisions of people: an executor may not say them. Their events join this list with the features that bring them. */
const peopleOnly: readonly EventType[] = [
  'approval.decided',
  'grant.added',
  'grant.revoked',
  'elicitation.answered',
  'context.compaction-requested',
  'context.restored',
  'budget.raised',
  'run.delivered',
  'session.upgraded',
  'session.forked',
]

const allowed: Readonly<Record<Role, ReadonlySet<EventType>>> = {
  g: new Set(gateway),
  e: new Set(eventTypes.filter((type) => ![...peopleOnly, ...memoryOnly].includes(type))),
  t: new Set(runner),
  m: new Set(memory),
}
export const maySay = (role: Role, type: EventType): boolean => allowed[role].has(type)

/** Of a tree a person has erased by its root: so memory says it of sessions below alone. Without a session nobody knows that it is one. */
export const maySayIn = (session: string | undefined, role: Role, type: EventType): boolean =>
  maySay(role, type) && (role !== 'm' || type !== 'session.erased' || (session !== undefined && isChild(session)))
