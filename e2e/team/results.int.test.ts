// Answers that have to fit a schema, through one whole product: over the API, the socket, the command line, and in a delegation.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'

let product: Product

const schema = {
  type: 'object',
  properties: { total: { type: 'number' }, currency: { enum: ['EUR', 'USD'] } },
  required: ['total'],
  additionalProperties: false,
}
const put = async (name: string, more: object) =>
  product.ask('PUT', `/v1/agents/${name}`, { ...{ name, model: 'scripted/assistant', system_prompt: 'x' }, ...more })

beforeAll(async () => {
  product = await Product.start()
  for (const [name, more] of [
    ['free', {}],
    ['counter', { output_schema: schema, output_retries: 1, description: 'Counts.' }],
    ['strict', { output_schema: schema, output_retries: 0, description: 'Counts once.' }],
    [
      'lead',
      {
        agents: [
          'counter',
          'strict',
          {
            name: 'lister',
            description: 'Lists.',
            system_prompt: 'x',
            output_schema: { type: 'array', items: { type: 'string' } },
          },
        ],
      },
    ],
  ] as const)
    expect((await put(name, more)).status).toBe(201)
})

afterAll(async () => {
  expect(await product?.close()).toEqual([])
})

const ask = async (session: string, content: string, more: object = {}) =>
  (await product.ask('POST', `/v1/sessions/${session}/messages?wait=turn`, { content, ...more })).json.turn
const eventsOf = async (
  session: string,
): Promise<readonly { readonly type: string; readonly data: Record<string, unknown> }[]> =>
  (await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)).json.events

test('the value of an answer that fits is the result of its turn', async () => {
  const session = await product.session('counter')
  expect(await ask(session, 'say Here: {"total": 3}')).toMatchObject({ status: 'completed', result: { total: 3 } })
  expect(await ask(session, 'hello')).toMatchObject({ result: { total: 1 }, content: '{"total":1}' })
  const prompt = (await product.ask('GET', `/v1/sessions/${session}/prompt`)).json
  expect(prompt.check).toBe('agrees')
  expect(prompt.system).toContain('"currency"')
})

test('an answer that does not fit is asked for again with what is wrong with it, which a person can see', async () => {
  const session = await product.session('counter')
  const turn = await ask(session, 'say {"total": "3", "currency": "EURO"} && when refused say {"total": 3}')
  expect(turn).toMatchObject({ status: 'completed', result: { total: 3 } })
  const events = await eventsOf(session)
  const checks = events.filter(({ type }) => type === 'output.checked').map(({ data }) => data.problems)
  expect(checks).toEqual([
    [
      '"total" must be a number, not the text "3"',
      '"currency" must be one of EUR, USD, not the text "EURO"; did you mean "EUR"?',
    ],
    [],
  ])
  expect(JSON.stringify((await product.ask('GET', `/v1/sessions/${session}/prompt`)).json.messages)).toContain(
    'Your answer was not accepted',
  )
})

test('a turn without such an answer fails, with the last text and its problems', async () => {
  const session = await product.session('strict')
  expect(await ask(session, 'say three')).toMatchObject({
    ...{ status: 'failed', content: 'three', problems: [expect.stringContaining('no JSON')] },
    error: { code: 'no-result', message: expect.stringContaining('in one attempt') },
  })
  expect(await ask(session, 'say {"total": 4}')).toMatchObject({ status: 'completed', result: { total: 4 } })
})

test('a message may ask for an answer of its own form, over the API and the socket', async () => {
  const session = await product.session('free')
  const list = { output_schema: { type: 'array', items: { type: 'string' } } }
  expect(await ask(session, 'say {"result": ["a", "b"]}', list)).toMatchObject({ result: ['a', 'b'] })
  expect(await ask(session, 'say plain')).not.toHaveProperty('result')
  const begun = await product.ask('POST', '/v1/sessions?wait=turn', {
    agent: 'free',
    message: 'say 7',
    output_schema: { type: 'integer' },
  })
  expect([begun.status, begun.json.turn]).toEqual([201, expect.objectContaining({ result: 7 })])
  const [reply] = await product.socket(session, [{ type: 'message', content: 'say ["c"]', ...list }])
  expect(reply).toMatchObject({ ok: true })
})

test('tools come first, and their turn has a result all the same', async () => {
  await put('worker', { output_schema: schema, tools: ['files'] })
  const session = await product.session('worker')
  expect(await ask(session, 'list && then say {"total": 2}')).toMatchObject({ result: { total: 2 } })
})

test('the result of a delegation is the value, and a child without one has failed', async () => {
  const session = await product.session('lead')
  const delegate = (agent: string, instruction: string) => `call delegate ${JSON.stringify({ agent, instruction })}`
  await ask(
    session,
    `${delegate('counter', 'say {"total": 5}')} & ${delegate('strict', 'say no')} & ${delegate('lister', 'say ["a"]')}`,
  )
  const settled = (await eventsOf(session)).filter(({ type }) => type === 'delegation.settled').map(({ data }) => data)
  const byCall = settled.sort((a, b) => String(a.call).localeCompare(String(b.call)))
  expect(byCall).toMatchObject([
    { status: 'completed', result: { total: 5 } },
    { status: 'failed', output: expect.stringContaining('The last answer: no') },
    { status: 'completed', result: ['a'] },
  ])
})

test('a schema that is none, or too large, is refused where it is given', async () => {
  const refused = await put('broken', { output_schema: { type: 'object', properties: { a: { type: 'strng' } } } })
  expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('output_schema.properties.a.type')])
  const listed = await put('broken', {
    agents: [{ name: 'x', description: 'd', system_prompt: 'x', output_schema: { $ref: 'https://example.org' } }],
  })
  expect(listed.text).toContain('agents[0].output_schema')
  const session = await product.session('free')
  const message = { content: 'hello', output_schema: { type: 'object', description: 'x'.repeat(40_000) } }
  const { status, text } = await product.ask('POST', `/v1/sessions/${session}/messages`, message)
  expect([status, text]).toEqual([400, expect.stringContaining('output_schema is')])
  const loop = {
    agent: 'free',
    message: 'x',
    output_schema: { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } },
  }
  expect((await product.ask('POST', '/v1/sessions', loop)).text).toContain('refers to itself')
  expect((await product.ask('POST', '/v1/sessions', { agent: 'free', output_schema: schema })).status).toBe(400)
})

test('the guide does what it says', async () => {
  const guide = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'structured-results.md'), 'utf8')
  const [, trip = ''] = /```json\n([\s\S]*?)```/.exec(guide) ?? []
  writeFileSync(path.join(product.folder, 'trip.json'), trip)
  const plain = await product.cli(
    'chat',
    '--agent',
    'free',
    '-m',
    'Plan a short trip to Lisbon.',
    '--output-schema',
    'trip.json',
  )
  expect([plain.code, JSON.parse(plain.out)]).toEqual([0, { city: 'text', days: 1 }])
  const told = await product.cli('chat', '--agent', 'free', '-m', 'say no', '--output-schema', 'trip.json', '--json')
  expect([told.code, JSON.parse(told.out)]).toMatchObject([
    1,
    { status: 'failed', content: 'no', error: { code: 'no-result' }, problems: [expect.stringContaining('no JSON')] },
  ])
  for (const yaml of guide.matchAll(/```yaml\n([\s\S]*?)```/g)) {
    const name = /^name: (.*)$/m.exec(yaml[1] ?? '')?.[1] ?? ''
    writeFileSync(path.join(product.folder, `${name}.yaml`), yaml[1] ?? '')
    expect(await product.cli('agent', 'apply', '-f', `${name}.yaml`)).toMatchObject({ code: 0 })
  }
  expect(await product.cli('chat', '--agent', 'triage', '-m', 'hello')).toMatchObject({
    code: 0,
    out: expect.stringContaining('"severity": "low"'),
  })
  const missing = await product.cli('chat', '-m', 'x', '--output-schema', 'none.json')
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('none.json')])
})
