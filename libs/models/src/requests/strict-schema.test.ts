import { describe, expect, it } from 'vitest'
import { strictSchema } from './strict-schema.ts'

const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  ...more,
})

describe('the strict form of a schema', () => {
  it('closes objects, and tells in the description what it cannot say', () => {
    const schema = object({
      name: { type: 'string', description: 'Who.', minLength: 2 },
      at: { type: 'string', format: 'date' },
      count: { type: 'integer', minimum: 1, maximum: 9 },
      tags: { type: 'array', items: { type: 'string' }, minItems: 2 },
    })
    expect(strictSchema(schema)).toEqual({
      type: 'object',
      properties: {
        name: { type: 'string', description: 'Who.\n\n{minLength: 2}' },
        at: { type: 'string', format: 'date' },
        count: { type: 'integer', description: '{minimum: 1, maximum: 9}' },
        tags: { type: 'array', items: { type: 'string' }, description: '{minItems: 2}' },
      },
      required: [],
      additionalProperties: false,
    })
  })

  it('says several types, and one of several, as alternatives', () => {
    expect(strictSchema(object({ a: { type: ['string', 'null'], maxLength: 3 } }))).toMatchObject({
      properties: { a: { anyOf: [{ type: 'string', description: '{maxLength: 3}' }, { type: 'null' }] } },
    })
    expect(strictSchema(object({ a: { oneOf: [{ const: 1 }, { enum: ['x', null] }] } }))).toMatchObject({
      properties: { a: { anyOf: [{ enum: [1] }, { enum: ['x', null] }] } },
    })
  })

  it('keeps references', () => {
    const schema = { ...object({ a: { $ref: '#/$defs/b' } }), $defs: { b: { type: 'string' } } }
    expect(strictSchema(schema)).toMatchObject({
      properties: { a: { $ref: '#/$defs/b' } },
      $defs: { b: { type: 'string' } },
    })
  })

  it.each([
    ['an open object', { type: 'object' }],
    ['a map', object({}, { additionalProperties: { type: 'string' } })],
    ['patterns of names', object({}, { patternProperties: { '^x': {} } })],
    ['anything', object({ a: {} })],
    ['recursion', { ...object({ a: { $ref: '#/$defs/b' } }), $defs: { b: object({ c: { $ref: '#/$defs/b' } }) } }],
    ['itself', object({ a: { $ref: '#' } })],
    ['all of several', object({ a: { allOf: [{ type: 'string' }] } })],
    ['conditions', object({ a: { type: 'string' } }, { if: {}, else: {} })],
    ['a tuple', object({ a: { type: 'array', prefixItems: [{ type: 'string' }] } })],
    ['a choice of objects', object({ a: { enum: [{ b: 1 }] } })],
    ['a field that nothing describes', object({}, { required: ['a'] })],
  ])('there is none for %s', (_, schema) => {
    expect(strictSchema(schema)).toBeUndefined()
  })

  it('there is none with fields that need not be there, where all have to be', () => {
    const schema = object({ a: { type: 'string' }, b: object({ c: { type: 'string' } }) }, { required: ['a', 'b'] })
    expect(strictSchema(schema)).toBeDefined()
    expect(strictSchema(schema, { all: true })).toBeUndefined()
  })
})
