import { expect, it } from 'vitest'
import { plainSchema } from './schemas.ts'
import { shortTools } from './short-tools.ts'

const of = (member: unknown, more: Record<string, unknown> = {}) =>
  plainSchema({ type: 'object', properties: { a: member }, ...more })
const told = (member: unknown, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties: { a: member },
  ...more,
})

it.each([
  ['words of no use', { type: 'string', format: 'uri', default: '', minLength: 1 }, { type: 'string' }],
  ['a list of types', { type: ['string', 'null'] }, { type: 'string' }],
  [
    'one alternative beside null',
    { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
    { type: 'integer', minimum: 1 },
  ],
  [
    'several alternatives',
    { oneOf: [{ type: 'string' }, { type: 'number' }] },
    { anyOf: [{ type: 'string' }, { type: 'number' }] },
  ],
  ['words that are null', { type: 'string', enum: null, description: null, items: null }, { type: 'string' }],
  ['numbers to choose from', { type: 'integer', enum: [1, 2] }, { type: 'integer', description: 'One of: [1,2]' }],
  ['an empty word to choose', { enum: ['', 'x'] }, { description: 'One of: ["","x"]' }],
  ['one word', { const: 'x' }, { type: 'string', enum: ['x'] }],
  ['a list without items', { type: 'array' }, { type: 'array', items: { type: 'string' } }],
  ['a list of places', { type: 'array', items: [{ type: 'number' }] }, { type: 'array', items: { type: 'number' } }],
  [
    'a list of what nothing says',
    { type: 'array', items: { $ref: '#/no' } },
    { type: 'array', items: { type: 'object' } },
  ],
])('%s in the plain form', (_, given, expected) => {
  expect(of(given)).toEqual(told(expected))
})

it('is an object with properties, and has no choice at its root', () => {
  expect(plainSchema({ required: null, anyOf: [{ required: ['a'] }, { required: ['b'] }] })).toEqual({
    type: 'object',
    properties: {},
  })
  expect(of({ type: 'string' }, { required: ['a', 'b', 7] })).toEqual(told({ type: 'string' }, { required: ['a'] }))
})

it('a reference is what it names, also one that comes back to itself', () => {
  const $defs = { node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } } } }
  const plain = JSON.stringify(of({ type: 'array', items: { $ref: '#/$defs/node' } }, { $defs }))
  expect(plain).toContain('"items":{"type":"object","properties":{"name":{"type":"string"},"next":{"type":"object"')
  expect(plain.length).toBeLessThan(2_000)
  expect(of({ allOf: [{ $ref: '#/$defs/node' }] }, { $defs: { node: { type: 'string' } } })).toEqual(
    told({ type: 'string' }),
  )
})

it('long descriptions are cut where a provider says so, and the tool is the same one each time', () => {
  const [short, long] = ['a'.repeat(1_024), 'b'.repeat(3_000)].map((description) => ({
    name: 't',
    description,
    parameters: {},
  }))
  const tools = [short, long].flatMap((tool) => tool ?? [])
  const [first, second] = shortTools(tools)
  expect(first).toBe(short)
  expect(second?.description).toHaveLength(1_024)
  expect(shortTools(tools)[1]).toBe(second)
})
