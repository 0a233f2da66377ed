// Events as they stand in a frame, to events as this code knows them, and back.
//   V1. `{ type, v, data }`: the version `v` stands there from 2 on, so what was written before there were versions is version 1.
//   V2. An older version is checked against its own schema and then upcast, step by step, to the version that is written now.
//   V3. A type, or a version, that this code does not know is no fault: a newer process has said it. It is passed on unchanged.
//   V4. What is no event at all, or does not fit the schema of its version, is a fault.
import type { TSchema } from 'typebox'
import { formOf } from '../form-of.ts'
import { type Change, changes, eventSchemas, firstProtocol, type SessionEvent } from './catalogue.ts'

/** An event as it was written, whatever this code knows of it. */
export interface WrittenEvent {
  readonly type: string
  /** Absent: 1. */
  readonly v?: number
  readonly data: unknown
}

/** An event that only a newer process understands: shown as it was written, never decided on. */
export interface UnknownEvent {
  readonly type: '?'
  readonly written: WrittenEvent
}

export type DecodedEvent =
  | { readonly kind: 'known'; readonly event: SessionEvent }
  | { readonly kind: 'unknown'; readonly written: WrittenEvent; readonly why: string }
  | { readonly kind: 'malformed'; readonly why: string }

/** The events of one frame. `written`: as they stand there, where that is not what they are for this code. */
export type DecodedEvents =
  | { readonly kind: 'known'; readonly events: readonly SessionEvent[]; readonly written?: readonly unknown[] }
  /** Beyond this code, for its first event that is: none of them may be decided on. */
  | { readonly kind: 'beyond'; readonly written: readonly unknown[]; readonly why: string }
  | { readonly kind: 'malformed'; readonly why: string }

export interface EventCodec {
  readonly protocol: number
  decode(value: unknown): DecodedEvent
  /** `needs`: what the frame says that it needs. Above this code's protocol even a schema may have another meaning: nothing is a fault. */
  decodeAll(values: readonly unknown[], needs: number): DecodedEvents
  /** The lowest protocol that may decide on what these events say. */
  needsOf(events: readonly SessionEvent[]): number
  /** The version of a type that is written now; 1 where the type is not known. */
  versionOf(type: string): number
  /** The bytes of `events` as they stand in a frame, and in its hash (V1). */
  encode(events: readonly SessionEvent[]): string
}

interface Version {
  readonly fits: (data: unknown) => boolean
  /** To the next version; undefined: it is the one that is written now. */
  readonly upcast: ((data: unknown) => unknown) | undefined
}

/** `<noun>.<past tense>`, as all types are: so a broken text is not taken for a newer type. */
const typePattern = /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+$/
const maxTypeChars = 64

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function createEventCodec(
  schemas: Readonly<Record<string, TSchema>>,
  changed: Readonly<Record<string, Change | undefined>>,
): EventCodec {
  const versions = new Map<string, readonly Version[]>()
  for (const [type, schema] of Object.entries(schemas)) {
    const older = changed[type]?.older ?? []
    versions.set(type, [...older.map(versionOf), versionOf({ schema, upcast: undefined })])
  }
  const newest = (type: string): number => versions.get(type)?.length ?? 1
  const needs = (type: string): number => changed[type]?.needs ?? firstProtocol
  const protocol = Math.max(firstProtocol, ...Object.keys(schemas).map(needs))

  function decode(value: unknown): DecodedEvent {
    if (!isObject(value)) return malformed('an event that is no object')
    const { type, v = 1, data } = value
    if (typeof type !== 'string') return malformed('an event without a type')
    if (typeof v !== 'number' || !Number.isSafeInteger(v) || v < 1)
      return malformed('an event whose version is no whole number')
    const known = versions.get(type)
    if (!known || v > known.length) {
      if (type.length > maxTypeChars || !typePattern.test(type))
        return malformed('an event whose type is no name of a type')
      if (!isObject(data)) return malformed(`a ${type} whose data is no object`)
      const why = known ? `version ${v} of ${type}, which is newer than` : `the event ${type}, which is not known to`
      return { kind: 'unknown', written: value as unknown as WrittenEvent, why: `${why} this version of Reins` }
    }
    if (!known[v - 1]?.fits(data)) return malformed(`a ${type} whose data is not of its schema`) // V4
    if (v === known.length) return { kind: 'known', event: value as unknown as SessionEvent }
    const now = known.slice(v - 1).reduce((older, { upcast }) => (upcast ? upcast(older) : older), data as unknown)
    return known.at(-1)?.fits(now)
      ? { kind: 'known', event: { type, data: now } as SessionEvent }
      : malformed(`a ${type} of version ${v} that does not become one of version ${known.length}`)
  }

  function decodeAll(values: readonly unknown[], said: number): DecodedEvents {
    const events: SessionEvent[] = []
    let beyond: string | undefined
    for (const value of values) {
      const decoded = decode(value)
      if (decoded.kind === 'known') events.push(decoded.event)
      else if (decoded.kind === 'unknown') beyond ??= decoded.why
      else if (said <= protocol) return decoded
    }
    if (said > protocol) beyond ??= `it needs protocol ${said}; this version of Reins speaks ${protocol}`
    if (beyond !== undefined) return { kind: 'beyond', written: values, why: beyond }
    return events.every((event, i) => event === values[i])
      ? { kind: 'known', events }
      : { kind: 'known', events, written: values }
  }

  return {
    protocol,
    decode,
    decodeAll,
    needsOf: (events) => events.reduce((most, { type }) => Math.max(most, needs(type)), firstProtocol),
    versionOf: newest,
    encode: (events) =>
      JSON.stringify(
        events.map((event) => {
          const v = newest(event.type)
          return v === 1 ? event : { type: event.type, v, data: event.data }
        }),
      ),
  }
}

const malformed = (why: string): { readonly kind: 'malformed'; readonly why: string } => ({ kind: 'malformed', why })

const versionOf = ({ schema, upcast }: { schema: TSchema; upcast: Version['upcast'] }): Version => ({
  fits: formOf(schema),
  upcast,
})

/** The codec of the events that this code knows. */
export const eventCodec = createEventCodec(eventSchemas, changes)

/** The protocol that this code speaks: what needs more may not be decided on by it. */
export const protocolVersion = eventCodec.protocol
