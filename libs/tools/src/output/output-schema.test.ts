import { describe, expect, it } from 'vitest'
import { answerProblems, outputSchemaProblem } from './output-schema.ts'

const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  ...more,
})
const nested = (levels: number): Record<string, unknown> =>
  levels === 0 ? { type: 'string' } : object({ a: nested(levels - 1) })
const doubling = Object.fromEntries(
  Array.from({ length: 40 }, (_, at) => [
    `d${at}`,
    { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
  ]),
)

describe('a schema for answers', () => {
  it.each([
    [object({ total: { type: 'number' } })],
    [{ type: 'array', items: { type: 'string' } }],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string', format: 'date' }],
    [
      {
        $ref: '#/$defs/tree',
        $defs: { tree: object({ children: { type: 'array', items: { $ref: '#/$defs/tree' } } }) },
      },
    ],
    [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }],
    [object({ a: { type: 'string', pattern: '^(?!x)' } })],
  ])('%j is one', async (schema) => {
    expect(await outputSchemaProblem(schema)).toBeUndefined()
  })

  it.each([
    ['that is no schema', object({ a: { type: 'strng' } }), 'properties.a.type', 'is no JSON Schema'],
    ['whose field is none', { type: 'object', properties: 5 }, 'properties', 'is no JSON Schema: it must be object'],
    ['whose list is none', object({}, { required: 'a' }), 'required', 'is no JSON Schema'],
    [
      'of another dialect',
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      '$schema',
      '2020-12',
    ],
    ['that is empty', {}, '', 'every answer fits'],
    ['that refers elsewhere', object({ a: { $ref: 'https://example.org/x.json' } }), '', 'another document'],
    ['that refers to nothing', object({ a: { $ref: '#/$defs/b' } }), '', "can't resolve reference"],
    ['that is too deep', nested(40), '', 'nested deeper'],
    ['that is too long', object({ a: { description: 'x'.repeat(40_000) } }), '', 'at most 32768'],
    [
      'that multiplies itself',
      { ...object({ a: { $ref: '#/$defs/d0' } }), $defs: { ...doubling, d40: {} } },
      '',
      'multiplies',
    ],
    [
      'that refers to itself for the same value',
      { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } } },
      '',
      'itself',
    ],
  ])('%s is refused, with the field and the reason', async (_, schema, path, told) => {
    const problem = await outputSchemaProblem(schema)
    expect(problem?.path).toBe(path)
    expect(problem?.message).toContain(told)
  })
})

describe('an answer', () => {
  const schema = object(
    {
      total: { type: 'number', minimum: 0 },
      currency: { enum: ['EUR', 'USD'] },
      lines: { type: 'array', items: object({ item: { type: 'string' } }, { required: ['item'] }) },
    },
    { required: ['total'], additionalProperties: false },
  )

  it.each([
    ['{"total":3}'],
    [' \n{"total":3, "lines":[{"item":"a"}]}\n'],
    ['```json\n{"total":3}\n```'],
    ['Here is the total you asked for: {"total":3}. Anything else?'],
  ])('%j fits', async (text) => {
    expect(await answerProblems(schema, text)).toEqual([])
  })

  it.each([
    ['', ['the answer is empty']],
    ['three', [expect.stringContaining('the answer is no JSON')]],
    ['{"total":-1}', ['"total" is -1; it must be >= 0']],
    [
      '{"totl":3}',
      [
        '"total" is missing: give a number of at least 0',
        'unknown field "totl"; did you mean "total"?; valid fields: total, currency, lines',
      ],
    ],
    ['{"total":1,"currency":"EURO"}', ['"currency" must be one of EUR, USD, not the text "EURO"; did you mean "EUR"?']],
    ['{"total":1,"lines":[{"item":5}]}', ['"lines[0].item" must be a text, not 5']],
    ['[1]', ['the answer must be a mapping, not a list']],
  ])('%j does not, which is said with the field, its value and what would be valid', async (text, told) => {
    const problems = await answerProblems(schema, text)
    expect(problems).toHaveLength(told.length)
    for (const [at, one] of told.entries())
      if (typeof one === 'string') expect(problems[at]).toContain(one.slice(0, 40))
      else expect(problems[at]).toEqual(one)
  })

  it('that was cut off says so', async () => {
    expect(await answerProblems(schema, '{"total":', 'length')).toEqual([expect.stringContaining('max_tokens')])
  })

  it('of a schema that describes no object is taken out of the object that the model was asked for', async () => {
    const list = { type: 'array', items: { type: 'string' } }
    expect(await answerProblems(list, '{"result":["a"]}')).toEqual([])
    expect(await answerProblems(list, '["a"]')).toEqual([])
    expect(await answerProblems(list, '{"result":[1]}')).toEqual([expect.stringContaining('"[0]"')])
  })

  it('cannot hold up the process', async () => {
    const tree = {
      anyOf: [
        { properties: { a: { $ref: '#/$defs/tree' } }, required: ['b'] },
        { properties: { a: { $ref: '#/$defs/tree' } }, required: ['c'] },
      ],
    }
    const deep = `${'{"a":'.repeat(90)}{}${'}'.repeat(90)}`
    const growing = { type: 'object', properties: { a: { $ref: '#/$defs/tree' } }, $defs: { tree } }
    expect(await answerProblems(growing, deep)).toEqual([expect.stringContaining('too much to be checked')])
    expect(await answerProblems(object({}), '['.repeat(100_000))).toHaveLength(1)
    const deepest = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
    expect(await answerProblems(object({ a: {} }), `{"a":${deepest}}`)).toEqual([
      expect.stringContaining('nested deeper'),
    ])
  })
})
