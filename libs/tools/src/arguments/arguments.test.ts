import { describe, expect, it } from 'vitest'
import { checkedArguments } from './arguments.ts'
import { compiledSchema } from './checker.ts'

const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  ...more,
})
const taken = (args: unknown) => ({ kind: 'valid', arguments: args })

describe('arguments that fit the schema', () => {
  it('go to the tool as they were given, also where a reading would make something else of them', async () => {
    const schema = object({
      either: { type: ['string', 'integer'] },
      any: {},
      text: { type: 'string', pattern: '^[0-9]+$' },
    })
    const args = { either: '5', any: 'true', text: '12', extra: 'null' }
    expect(await checkedArguments(schema, args)).toEqual(taken(args))
  })
})

describe('arguments in another form that means the same', () => {
  const line = { type: 'object', properties: { line: { type: 'integer' } }, required: ['line'] }
  const schema = object(
    {
      count: { type: 'integer', minimum: 1 },
      share: { type: 'number' },
      deep: { type: 'boolean' },
      list: { type: 'array', items: { type: 'integer' } },
      where: line,
      places: { type: 'array', items: { $ref: '#/$defs/line' } },
      level: { enum: [1, 2, 3] },
      maybe: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      note: { type: 'string' },
    },
    { $defs: { line } },
  )

  it.each([
    [{ count: '5' }, { count: 5 }],
    [{ count: ' 5.0 ' }, { count: 5 }],
    [{ share: '0.5' }, { share: 0.5 }],
    [{ deep: 'TRUE' }, { deep: true }],
    [{ list: '[1,"2"]' }, { list: [1, 2] }],
    [{ list: ['1', 2] }, { list: [1, 2] }],
    [{ where: '{"line":"7"}' }, { where: { line: 7 } }],
    [{ places: ['{"line":1}', { line: '2' }] }, { places: [{ line: 1 }, { line: 2 }] }],
    [{ level: '2' }, { level: 2 }],
    [{ maybe: '3' }, { maybe: 3 }],
    [{ maybe: 'null' }, { maybe: null }],
    [{ count: null, note: 'x' }, { note: 'x' }],
    ['{"count":2}', { count: 2 }],
    ['"{\\"count\\":\\"2\\"}"', { count: 2 }],
    [null, {}],
    [undefined, {}],
    ['', {}],
    ['null', {}],
    [[], {}],
  ])('%j is taken as it was meant', async (given, meant) => {
    expect(await checkedArguments(schema, given)).toEqual(taken(meant))
  })

  it.each([
    [{ count: '5 or 6' }],
    [{ count: '1e3' }],
    [{ count: '2.5' }],
    [{ deep: 'yes' }],
    [{ list: '1,2' }],
    [{ note: 5 }],
    [{ where: '{"line":' }],
    ['text'],
    [[1]],
    [7],
  ])('%j says something else, and is refused', async (given) => {
    expect(await checkedArguments(schema, given)).toMatchObject({ kind: 'invalid' })
  })

  it('leave what was given as it was', async () => {
    const given = { list: ['1'] }
    await checkedArguments(schema, given)
    expect(given).toEqual({ list: ['1'] })
  })
})

describe('an error', () => {
  const schema = object(
    {
      city: { type: 'string', description: 'Where.', minLength: 2 },
      unit: { enum: ['celsius', 'fahrenheit'] },
      days: { type: 'integer', minimum: 1, maximum: 14 },
      zip: { type: 'string', pattern: '^[0-9]{5}$' },
      at: { type: 'string', format: 'date-time' },
      tags: { type: 'array', items: { type: 'string' }, uniqueItems: true },
      shape: {
        oneOf: [
          {
            type: 'object',
            properties: { kind: { const: 'circle' }, radius: { type: 'number' } },
            required: ['kind', 'radius'],
          },
          {
            type: 'object',
            properties: { kind: { const: 'square' }, side: { type: 'number' } },
            required: ['kind', 'side'],
          },
        ],
      },
      who: { anyOf: [{ $ref: '#/$defs/person' }, { type: 'string' }] },
    },
    {
      required: ['city'],
      additionalProperties: false,
      $defs: { person: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
    },
  )

  it.each([
    [{}, '"city" is missing: give a text (Where.)'],
    [{ city: 7 }, '"city" must be a text (Where.), not 7'],
    [
      { city: 'Bonn', unit: 'celcius' },
      '"unit" must be one of celsius, fahrenheit, not the text "celcius"; did you mean "celsius"?',
    ],
    [{ city: 'Bonn', days: 0 }, '"days" is 0; it must be >= 1'],
    [{ city: 'Bonn', zip: '123' }, '"zip" is the text "123", which must match the pattern "^[0-9]{5}$"'],
    [{ city: 'Bonn', at: 'noon' }, '"at" is the text "noon", which is no date-time'],
    [{ city: 'Bonn', tags: ['a', 2] }, '"tags[1]" must be a text, not 2'],
    [{ city: 'Bonn', tags: ['a', 'a'] }, '"tags" holds the same twice'],
    [{ city: 'Bonn', unitt: 'x' }, 'unknown field "unitt"; did you mean "unit"?; valid fields: city, unit, days'],
    [{ city: 'Bonn', shape: { kind: 'circle' } }, '"shape.radius" is missing: give a number'],
    [{ city: 'Bonn', shape: { kind: 'ring' } }, '"shape.kind" must be one of circle, square, not the text "ring"'],
    [{ city: 'Bonn', who: { nam: 'x' } }, '"who.name" is missing: give a text'],
    [{ city: 'Bonn', who: 5 }, '"who" must be a mapping or a text, not 5'],
  ])('about %j shows the field, its value, and what would be valid', async (args, told) => {
    const checked = await checkedArguments(schema, args)
    expect(checked.kind === 'invalid' && checked.message).toContain(told)
  })

  it('of a plain schema reads the same', async () => {
    const plain = object({ path: { type: 'string' } }, { required: ['path'], additionalProperties: false })
    expect(await checkedArguments(plain, { pathh: 'a' })).toEqual({
      kind: 'invalid',
      message:
        'invalid arguments: "path" is missing: give a text; unknown field "pathh"; did you mean "path"?; valid fields: path.',
    })
  })

  it('names some of very many problems', async () => {
    const many = object({ list: { type: 'array', items: { enum: [1] } } })
    const checked = await checkedArguments(many, { list: Array.from({ length: 1000 }, (_, at) => `x${at}`) })
    expect(checked).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/"list\[7\]".*more problems/) })
  })
})

describe('what is too much', () => {
  it.each([
    ['nested without a bound', JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`), 'nested deeper than 100 levels'],
    ['more values than any tool takes', Array.from({ length: 100_001 }, () => 0), 'more than 100000 values'],
  ])('arguments %s are refused', async (_, list, told) => {
    expect(await checkedArguments(object({ list: {} }), { list })).toMatchObject({
      message: expect.stringContaining(told),
    })
  })

  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `d${at}`,
      { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
    ]),
  )
  const tree = {
    anyOf: [
      { properties: { a: { $ref: '#/$defs/tree' } }, required: ['b'] },
      { properties: { a: { $ref: '#/$defs/tree' } }, required: ['c'] },
    ],
  }
  const nested = (levels: number): unknown => (levels === 0 ? {} : { a: nested(levels - 1) })

  it.each([
    [
      'that doubles itself forty times',
      { ...object({ a: { $ref: '#/$defs/d0' } }), $defs: { ...doubling, d40: { type: 'string' } } },
      { a: 'x' },
    ],
    [
      'that doubles with each level of the value',
      { ...object({ a: { $ref: '#/$defs/tree' } }), $defs: { tree } },
      nested(90),
    ],
    [
      'that refers to itself for the same value',
      { ...object({ a: { $ref: '#/$defs/loop' } }), $defs: { loop: { allOf: [{ $ref: '#/$defs/loop' }] } } },
      { a: 1 },
    ],
    [
      'whose patterns are tried on very long texts',
      object({ a: { type: 'string', pattern: '^(([a-z]+)+[0-9])*$' } }),
      { a: 'a'.repeat(2_000_000) },
    ],
  ])('a schema %s cannot hold up the process', async (_, schema, args) => {
    expect(await checkedArguments(schema, args)).toEqual({
      kind: 'invalid',
      message: expect.stringContaining('too much to be checked'),
    })
  })

  it('a pattern that explodes elsewhere is run in linear time', async () => {
    const schema = object({ a: { type: 'string', pattern: '^(a+)+$' } })
    expect(await checkedArguments(schema, { a: `${'a'.repeat(5000)}!` })).toMatchObject({ kind: 'invalid' })
    expect(await checkedArguments(schema, { a: 'a'.repeat(5000) })).toMatchObject({ kind: 'valid' })
  })

  it('a pattern that cannot be run so is left to the tool', async () => {
    const schema = object({ a: { type: 'string', pattern: '^(?!x).*$' } })
    expect(await checkedArguments(schema, { a: 'x' })).toMatchObject({ kind: 'valid' })
    const names = object(
      {},
      { patternProperties: { '^(?!x)': { type: 'integer' }, '^y': { type: 'string' } }, additionalProperties: false },
    )
    expect(await checkedArguments(names, { z: 'any' })).toMatchObject({ kind: 'valid' })
    expect(await checkedArguments(names, { y: 7 })).toMatchObject({ kind: 'invalid' })
  })

  it.each([
    ['is nested too deep', JSON.parse(`${'{"items":'.repeat(70)}{}${'}'.repeat(70)}`)],
    ['has too many parts', object(Object.fromEntries(Array.from({ length: 9000 }, (_, at) => [`p${at}`, {}])))],
    ['refers to another document', object({ a: { $ref: 'https://example.org/schema.json' } })],
    ['refers to nothing', object({ a: { $ref: '#/$defs/nothing' } })],
    ['is broken', object({ a: { type: 'strng' } })],
  ])('a schema that %s spoils nothing: the tool gets what was given', async (_, schema) => {
    expect((await compiledSchema(schema)).kind).toBe('unfit')
    expect(await checkedArguments(schema, { a: 'x' })).toEqual(taken({ a: 'x' }))
    expect(await checkedArguments(schema, 'text')).toMatchObject({ kind: 'invalid' })
  })

  it('names of properties that objects have by themselves are names like any', async () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"enum":["x"]},"toString":{"type":"string"}},"required":["toString"]}',
    )
    expect(await checkedArguments(schema, {})).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('"toString" is missing'),
    })
    const given = JSON.parse('{"__proto__":{"x":1},"constructor":"x","toString":"y"}')
    const checked = await checkedArguments(schema, given)
    expect(JSON.stringify(checked)).toBe(
      '{"kind":"valid","arguments":{"__proto__":{"x":1},"constructor":"x","toString":"y"}}',
    )
    expect(await checkedArguments(schema, { toString: 'y', constructor: 'z' })).toMatchObject({ kind: 'invalid' })
  })
})

describe('the whole of JSON Schema 2020-12', () => {
  it.each([
    [{ prefixItems: [{ type: 'integer' }], items: false }, [1], [1, 2]],
    [{ type: 'array', contains: { const: 1 }, minContains: 2 }, [1, 1], [1, 2]],
    [JSON.parse('{"if":{"const":"a"},"then":{"minLength":5},"else":{"minLength":1}}'), 'b', 'a'],
    [{ type: 'object', properties: { x: {} }, unevaluatedProperties: false }, { x: 1 }, { y: 1 }],
    [{ type: 'object', dependentRequired: { a: ['b'] } }, { a: 1, b: 2 }, { a: 1 }],
    [{ type: 'object', propertyNames: { maxLength: 2 } }, { ab: 1 }, { abc: 1 }],
    [{ not: { type: 'null' } }, 1, null],
    [{ type: 'number', multipleOf: 3 }, 6, 7],
    [{ type: 'string', pattern: '^\\u00e9+$' }, 'éé', 'e'],
  ])('%j takes %j and not %j', async (schema, right, wrong) => {
    const whole = object({ a: schema }, { required: ['a'] })
    expect(await checkedArguments(whole, { a: right })).toMatchObject({ kind: 'valid' })
    expect(await checkedArguments(whole, { a: wrong })).toMatchObject({ kind: 'invalid' })
  })
})
