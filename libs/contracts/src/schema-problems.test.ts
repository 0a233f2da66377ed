import fc from 'fast-check'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { AgentDefinition } from './agents/definition.ts'
import { CreateSession, MessageContent, SendMessage, SocketCommand } from './api/api.ts'
import { problemsOf } from './schema-problems.ts'

const said = (schema: Type.TSchema, value: unknown): readonly string[] =>
  problemsOf(schema, value).map(({ path, message }) => `${path}: ${message}`)

describe('the problems of a value', () => {
  const closed = { additionalProperties: false }
  const Parcel = Type.Object(
    {
      to: Type.String({ minLength: 1, description: 'A name' }),
      kind: Type.Optional(Type.Union([Type.Literal('letter'), Type.Literal('box')])),
      grams: Type.Optional(Type.Integer({ minimum: 1, maximum: 900 })),
      fast: Type.Optional(Type.Literal('yes')),
    },
    closed,
  )

  it.each([
    [{}, ['to: is missing: give a text (A name)']],
    [[], [': must be a mapping, not a list']],
    [null, [': must be a mapping, not null']],
    [undefined, [': must be a mapping, not nothing']],
    [{ to: 5 }, ['to: must be a text (A name), not 5']],
    [{ to: null }, ['to: has no value: give a text (A name), or leave the field out']],
    [{ to: 'x', kind: 'leter' }, ['kind: must be one of letter, box, not the text "leter"; did you mean "letter"?']],
    [{ to: 'x', fast: 'no' }, ['fast: must be yes, not the text "no"']],
    [{ to: 'x', grams: 0 }, ['grams: is 0; it must be a whole number from 1 to 900']],
    [{ to: 'x', gram: 1 }, ['gram: unknown field "gram"; did you mean "grams"?; valid fields: to, kind, grams, fast']],
  ])('%j', (value, problems) => {
    expect(said(Parcel, value)).toEqual(problems)
  })

  it('of a union are those of the kind that was meant', () => {
    const Shape = Type.Object({ type: Type.Literal('circle'), radius: Type.Number() }, closed)
    const Other = Type.Object({ type: Type.Literal('square'), side: Type.Number() }, closed)
    const Drawn = Type.Union([Type.String(), Type.Array(Type.Union([Shape, Other]), { minItems: 1 })])
    expect(said(Drawn, 5)).toEqual([': must be a text or a list, not 5'])
    expect(said(Drawn, [])).toEqual([': has 0 entries; at least 1 are needed'])
    expect(said(Drawn, [{ type: 'square', side: 'x' }])).toEqual(['[0].side: must be a number, not the text "x"'])
  })

  it('of a choice among choices name all of them', () => {
    const Verb = Type.Union([Type.Literal('say'), Type.Union([Type.Literal('stop'), Type.Literal('go')])])
    expect(said(Verb, 'dance')).toEqual([': must be one of say, stop, go, not the text "dance"'])
  })

  it('are none of what an open mapping has besides', () => {
    expect(said(Type.Object({ a: Type.Unknown() }), { a: null, b: 1 })).toEqual([])
  })

  const schemas = { AgentDefinition, CreateSession, MessageContent, SendMessage, SocketCommand, Parcel }
  it.each(Object.entries(schemas))('are there exactly where a validator refuses the value: %s', (_, schema) => {
    const names = ['type', 'content', 'text', 'agent', 'name', 'model', 'tools', 'to', 'kind', 'grams', 'onBusy', 'x']
    const leaf = fc.oneof(
      fc.constantFrom(null, true, 0, 1, 7.5, '', 'text', 'message', 'cancel', 'queue', 'box', 'a/b', 'shell', 'hi'),
      fc.string({ maxLength: 3 }),
    )
    const value = fc.letrec<{ any: unknown; list: unknown; mapping: unknown }>((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, leaf, tie('list'), tie('mapping')),
      list: fc.array(tie('any'), { maxLength: 3 }),
      mapping: fc.dictionary(fc.constantFrom(...names), tie('any'), { maxKeys: 4, noNullPrototype: true }),
    })).any
    fc.assert(
      fc.property(value, (one) => {
        expect(problemsOf(schema, one).length === 0).toBe(Value.Check(schema, one))
      }),
      { numRuns: 1_000 },
    )
  })
})
