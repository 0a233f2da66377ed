import * as v from 'valibot'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineTool, isTool, type ToolOptions, Type } from './index.ts'
import { toolMarker } from './tool.ts'

const said = async (options: unknown, name = 'lookup') => {
  const answer = await defineTool(options as ToolOptions)[toolMarker].describe(name)
  return answer.kind === 'tool' ? answer.tool : answer.problems
}
const place = { type: 'string', description: 'A town' }
const told = { type: 'object', properties: { place }, required: ['place'] }
const so = { description: 'Looks up.', execute: () => null }

test('the arguments of execute have the type that the schema says', () => {
  defineTool({
    ...so,
    parameters: Type.Object({ place: Type.String(), days: Type.Optional(Type.Integer()) }),
    execute: (args) => expectTypeOf(args).toEqualTypeOf<{ place: string; days?: number }>(),
  })
  defineTool({
    ...so,
    parameters: z.object({ place: z.string(), days: z.number().default(1) }),
    execute: (args) => expectTypeOf(args).toEqualTypeOf<{ place: string; days: number }>(),
  })
  defineTool({
    ...so,
    parameters: v.object({ place: v.string(), days: v.optional(v.number()) }),
    execute: (args) => expectTypeOf(args).toEqualTypeOf<{ place: string; days?: number | undefined }>(),
  })
  defineTool({
    ...so,
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
    execute: (args) => expectTypeOf(args.place).toEqualTypeOf<string>(),
  })
})

test('the context has the secrets and configs that are declared, and no others', () => {
  defineTool({
    ...so,
    parameters: Type.Object({}),
    secret_requests: ['API_KEY'],
    config_requests: ['region'],
    execute: (_, { secrets, config }) => {
      expectTypeOf(secrets.API_KEY).toBeString()
      expectTypeOf(config).toHaveProperty('region')
      // @ts-expect-error not declared
      return secrets.OTHER
    },
  })
})

test('one tool reads the same to a model, whatever its schema is written in', async () => {
  const schemas = [
    Type.Object({ place: Type.String({ description: 'A town' }) }),
    told,
    z.object({ place: z.string().describe('A town') }),
    v.object({ place: v.pipe(v.string(), v.description('A town')) }),
  ]
  for (const parameters of schemas)
    expect(await said({ ...so, parameters })).toEqual({
      name: 'lookup',
      description: 'Looks up.',
      parameters: told,
      risk: 'external',
      replay: 'never',
    })
})

test('what is declared is told; a tool that only reads may run again', async () => {
  const more = { timeout: 5, slow_after: 1, secret_requests: ['KEY'], config_requests: ['a.b'], approval: 'must' }
  expect(await said({ ...so, ...more, name: 'look-up', parameters: told, output: z.string(), risk: 'read' })).toEqual({
    ...{ name: 'look-up', description: 'Looks up.', parameters: told, output: { type: 'string' } },
    ...{ risk: 'read', replay: 'safe', ...more },
  })
  expect(await said({ ...so, parameters: told, approval: () => true })).toMatchObject({ approval: 'by-arguments' })
})

test('each mistake is named, all at once', async () => {
  expect(
    await said(
      {
        name: 'look up',
        description: ' ',
        parameters: Type.String(),
        risk: 'low',
        timeout: -1,
        secret_requests: 'KEY',
        approval: 'maybe',
        retries: 3,
      },
      'x',
    ),
  ).toEqual([
    expect.stringContaining('has no field "retries"'),
    expect.stringContaining('the name "look up" must be'),
    expect.stringContaining('needs a "description"'),
    expect.stringContaining('needs "execute"'),
    expect.stringContaining('"risk" must be one of read, write, exec, external; not "low"'),
    expect.stringContaining('"timeout" must be a number of seconds'),
    expect.stringContaining('"secret_requests" must be a list'),
    expect.stringContaining('"approval" must be auto, ask, must'),
    expect.stringContaining('must be the schema of an object'),
  ])
  expect(await said({ ...so, parameters: told }, 'default')).toEqual([expect.stringContaining('default export')])
  expect(await said({ ...so })).toEqual([expect.stringContaining('needs "parameters"')])
  expect(await said({ ...so, parameters: v.object({ when: v.date() }) })).toEqual([
    expect.stringContaining('holds v.date(…)'),
  ])
  const old = { '~standard': { version: 1, vendor: 'old', validate: () => ({ value: 1 }) } }
  expect(await said({ ...so, parameters: old })).toEqual([expect.stringContaining('gives no JSON Schema')])
})

test('the structure of a Valibot schema is told as JSON Schema', async () => {
  const parameters = v.strictObject({
    ids: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(1))), v.maxLength(3)),
    kind: v.optional(v.picklist(['a', 'b']), 'a'),
    or: v.nullable(v.union([v.literal(1), v.boolean()])),
    by: v.record(v.string(), v.unknown()),
    mail: v.pipe(v.string(), v.trim(), v.email()),
    code: v.pipe(v.string(), v.regex(/^[a-z]+$/), v.title('Code')),
  })
  expect(await said({ ...so, parameters })).toMatchObject({
    parameters: {
      type: 'object',
      additionalProperties: false,
      required: ['ids', 'or', 'by', 'mail', 'code'],
      properties: {
        ids: { type: 'array', maxItems: 3, items: { type: 'integer', minimum: 1 } },
        kind: { enum: ['a', 'b'], default: 'a' },
        or: { anyOf: [{ anyOf: [{ const: 1 }, { type: 'boolean' }] }, { type: 'null' }] },
        by: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: {} },
        mail: { type: 'string' },
        code: { type: 'string', pattern: '^[a-z]+$', title: 'Code' },
      },
    },
  })
})

test('execute gets what a Standard Schema makes of the arguments', async () => {
  const zod = defineTool({ ...so, parameters: z.object({ n: z.coerce.number(), d: z.string().default('x') }) })
  expect(await zod[toolMarker].check({ n: '5' })).toEqual({ kind: 'ok', value: { n: 5, d: 'x' } })
  expect(await zod[toolMarker].check({ n: 'five' })).toEqual({
    kind: 'invalid',
    problems: [expect.stringContaining('"n": ')],
  })
  const plain = defineTool({ ...so, parameters: told })
  expect(await plain[toolMarker].check({ n: '5' })).toEqual({ kind: 'ok', value: { n: '5' } })
})

test('a tool is a frozen value that another copy of the package knows', () => {
  const tool = defineTool({ ...so, parameters: told })
  expect(Object.isFrozen(tool)).toBe(true)
  expect(isTool(tool)).toBe(true)
  expect(isTool({ ...so, parameters: told })).toBe(false)
  expect(toolMarker).toBe(Symbol.for('reins.tool'))
})

test('a function decides by the arguments whether a person is asked', async () => {
  const tool = defineTool({
    ...so,
    parameters: Type.Object({ amount: Type.Number() }),
    approval: ({ amount }) => (amount > 1000 ? 'must' : amount > 10),
  })
  const asked = async (amount: number) => tool[toolMarker].approval?.({ amount })
  expect([await asked(1), await asked(11), await asked(1001)]).toEqual(['auto', 'ask', 'must'])
})
