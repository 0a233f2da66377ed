// The events of a session: one schema each, one file a family, and who may say which.
//   E1. A shipped schema is never edited: a change is a new version, upcast on read, with a golden file.
//   E2. An event that the role in the subject may not say is void evidence: the fold keeps it and does nothing.
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { controlEvents } from './events-control.ts'
import { delegationEvents } from './events-delegation.ts'
import { modelCallEvents } from './events-model-call.ts'
import { sessionEvents } from './events-session.ts'
import { toolCallEvents } from './events-tool-call.ts'
import { turnEvents } from './events-turn.ts'
import type { Role } from './subjects.ts'

export const eventSchemas = {
  ...sessionEvents,
  ...turnEvents,
  ...modelCallEvents,
  ...toolCallEvents,
  ...delegationEvents,
  ...controlEvents,
} as const

/** The protocol of the events that were there first. */
export const firstProtocol = 1

type Schemas = typeof eventSchemas
export type EventType = keyof Schemas
export type EventData<T extends EventType> = Schemas[T] extends TSchema ? Static<Schemas[T]> : never
/** One thing that happened: past tense, full nouns. */
export type SessionEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType]
export type EventOf<T extends EventType> = Extract<SessionEvent, { type: T }>

export const eventTypes = Object.keys(eventSchemas) as EventType[]
export const SessionEventSchema = Type.Union(
  eventTypes.map((type) => Type.Object({ type: Type.Literal(type), data: eventSchemas[type] as TSchema })),
)

const validators = new Map<string, { Check(value: unknown): boolean; Errors(value: unknown): unknown }>()
for (const type of eventTypes) validators.set(type, Compile(eventSchemas[type] as TSchema))

/** The protocol that an event of the type needs, where that is not the first one (PROTOCOL 2). */
const needsByType: Partial<Record<EventType, number>> = {}

/** The lowest protocol that may decide on what these events say. */
export const needsOf = (events: readonly SessionEvent[]): number =>
  events.reduce((most, { type }) => Math.max(most, needsByType[type] ?? firstProtocol), firstProtocol)

/** undefined: a valid event. Otherwise why it is none, for the fault that it becomes. */
export function eventFault(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return 'an event that is no object'
  const { type, data } = event as { type?: unknown; data?: unknown }
  if (typeof type !== 'string') return 'an event without a type'
  const validator = validators.get(type)
  if (!validator) return `an event of the unknown type ${type.slice(0, 64)}`
  return validator.Check(data) ? undefined : `a ${type} whose data is not of its schema`
}

const gateway: readonly EventType[] = [
  'session.started',
  'session.renamed',
  'session.paused',
  'session.resumed',
  'session.released',
  'message.received',
  'cancel.requested',
]
const runner: readonly EventType[] = [
  'tool-call.started',
  'tool-call.completed',
  'tool-call.outcome-unknown',
  'tool-call.late-result',
]
const memory: readonly EventType[] = ['timer.fired']
/** Decisions of people: an executor may not say them. Their events join this list with the features that bring them. */
const peopleOnly: readonly EventType[] = []

const allowed: Readonly<Record<Role, ReadonlySet<EventType>>> = {
  g: new Set(gateway),
  e: new Set(eventTypes.filter((type) => !peopleOnly.includes(type))),
  t: new Set(runner),
  m: new Set(memory),
}
export const maySay = (role: Role, type: EventType): boolean => allowed[role].has(type)
