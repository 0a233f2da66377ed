import { type TSchema, Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { type EventType, eventSchemas, eventTypes, type SessionEvent } from './catalogue.ts'
import { createEventCodec, eventCodec } from './codec.ts'

const renamed: SessionEvent = { type: 'session.renamed', data: { title: 'a title' } }
const newer = { type: 'turn.imagined', data: { turn: 't1' } }

describe('an event of this version', () => {
  it('is taken as it is, also with a field that only a newer process knows, which it keeps', () => {
    const more = { type: 'session.renamed', data: { title: 'a title', colour: 'red' } }
    expect(eventCodec.decode(renamed)).toEqual({ kind: 'known', event: renamed })
    expect(eventCodec.decode(more)).toEqual({ kind: 'known', event: more })
    expect(eventCodec.decodeAll([renamed, more], 1)).toEqual({ kind: 'known', events: [renamed, more] })
  })

  it('takes a further field in every object of every schema', () => {
    const open = (schema: unknown): boolean =>
      typeof schema !== 'object' ||
      schema === null ||
      (!('additionalProperties' in schema && schema.additionalProperties === false) &&
        Object.values(schema).every(open))
    expect(eventTypes.filter((type) => !open(eventSchemas[type as EventType]))).toEqual([])
  })

  it('is written without a version, as it was before there were versions', () => {
    expect(eventCodec.encode([renamed])).toBe('[{"type":"session.renamed","data":{"title":"a title"}}]')
    expect(eventCodec.decode({ ...renamed, v: 1 }).kind).toBe('known')
  })

  it.each([
    [null, 'an event that is no object'],
    [[], 'an event that is no object'],
    [{ data: {} }, 'an event without a type'],
    [{ ...renamed, v: 0 }, 'an event whose version is no whole number'],
    [{ ...renamed, v: '2' }, 'an event whose version is no whole number'],
    [{ type: 'session.renamed', data: { title: 7 } }, 'a session.renamed whose data is not of its schema'],
    [{ type: 'no type at all', data: {} }, 'an event whose type is no name of a type'],
    [{ type: `a.${'b'.repeat(100)}`, data: {} }, 'an event whose type is no name of a type'],
    [{ type: 'turn.imagined', data: 'text' }, 'a turn.imagined whose data is no object'],
  ])('is malformed as %j', (value, why) => {
    expect(eventCodec.decode(value)).toEqual({ kind: 'malformed', why })
    expect(eventCodec.decodeAll([renamed, value], 1)).toEqual({ kind: 'malformed', why })
  })
})

describe('an event of a newer version', () => {
  it('is no fault: one of an unknown type or version puts its whole frame beyond this code', () => {
    const why = 'the event turn.imagined, which is not known to this version of Reins'
    expect(eventCodec.decode(newer)).toEqual({ kind: 'unknown', written: newer, why })
    expect(eventCodec.decodeAll([renamed, newer], 1)).toEqual({ kind: 'beyond', written: [renamed, newer], why })
    expect(eventCodec.decode({ ...renamed, v: 2 })).toMatchObject({
      kind: 'unknown',
      why: 'version 2 of session.renamed, which is newer than this version of Reins',
    })
  })

  it('may be anything in a frame that says it needs a newer protocol', () => {
    const values = [null, { type: 'session.renamed', data: {} }]
    expect(eventCodec.decodeAll(values, eventCodec.protocol + 1)).toMatchObject({ kind: 'beyond', written: values })
    expect(eventCodec.decodeAll([renamed], eventCodec.protocol + 1)).toMatchObject({ kind: 'beyond' })
  })
})

// A type as it would be after two changes: a title became a name, and the name got a language that must be there.
const v1 = Type.Object({ title: Type.String() })
const v2 = Type.Object({ name: Type.String() })
const v3 = Type.Object({ name: Type.String(), language: Type.String() })
const changed = createEventCodec(
  { ...(eventSchemas as unknown as Record<string, TSchema>), 'session.renamed': v3 },
  {
    'session.renamed': {
      needs: 3,
      older: [
        { schema: v1, upcast: (data) => ({ name: (data as { title: string }).title }) },
        { schema: v2, upcast: (data) => ({ ...(data as object), language: 'en' }) },
      ],
    },
  },
)

describe('a type that has changed', () => {
  const now = { type: 'session.renamed', data: { name: 'a title', language: 'en' } }

  it('is read in each of its versions as what it is now, beside the events as they were written', () => {
    const second = { type: 'session.renamed', v: 2, data: { name: 'a title' } }
    const third = { type: 'session.renamed', v: 3, data: now.data }
    for (const written of [renamed, second]) expect(changed.decode(written)).toEqual({ kind: 'known', event: now })
    expect(changed.decodeAll([renamed, third], 1)).toEqual({
      kind: 'known',
      events: [now, third],
      written: [renamed, third],
    })
    expect(changed.decode({ ...third, v: 4 }).kind).toBe('unknown')
  })

  it('is checked against the schema of the version that it says it is', () => {
    expect(changed.decode({ type: 'session.renamed', data: now.data }).kind).toBe('malformed')
  })

  it('is written with its version, and only a frame that holds it needs the protocol that it needs', () => {
    const event = now as unknown as SessionEvent
    expect(changed.encode([event])).toBe('[{"type":"session.renamed","v":3,"data":{"name":"a title","language":"en"}}]')
    const released: SessionEvent = { type: 'session.released', data: {} }
    expect([changed.needsOf([released]), changed.needsOf([released, event])]).toEqual([1, 3])
    expect(changed.protocol).toBe(3)
  })
})
