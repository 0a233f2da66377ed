// What every tool call is, through the whole product: checked arguments, an order, results that may be long, and signs of life.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'

let product: Product
let session: string

beforeAll(async () => {
  product = await Product.start()
  const definition = {
    ...{ name: 'quick', model: 'scripted/assistant', system_prompt: 'You help.', max_tool_calls: 50 },
    tools: [{ system_tools: { workspace: product.workspace, timeout: 30 } }],
  }
  expect((await product.ask('PUT', '/v1/agents/quick', definition)).status).toBe(201)
})
beforeEach(async () => {
  session = await product.session('quick')
})
afterAll(async () => {
  expect(await product.close()).toEqual([])
})

interface Seen {
  readonly n: number
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly data: any
}
async function events(...types: readonly string[]): Promise<readonly Seen[]> {
  const { json } = await product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)
  return (json.events as readonly Seen[]).filter(({ type }) => types.includes(type))
}
const outputs = async (): Promise<readonly Record<string, unknown>[]> =>
  (await events('tool-call.completed')).map(({ data }) => JSON.parse(data.output))

test('calls of one answer that change something run in its order, asked for in one frame', async () => {
  const asks = ['!shell sleep 0.4; echo one >> log', '!shell echo two >> log', 'read log', '!shell cat log; rm log']
  await product.turn(session, asks.join(' & '))
  const asked = await events('tool-calls.requested')
  expect(asked.map(({ data }) => data.calls.map((call: { alone?: boolean }) => call.alone))).toEqual([
    [true, true, undefined, true],
  ])
  const results = await outputs()
  expect(results[2]).toMatchObject({ content: 'one\ntwo\n' })
  expect(results[3]).toMatchObject({ stdout: 'one\ntwo\n' })
})

test('arguments are taken as they were meant, and recorded as they were given', async () => {
  await product.turn(session, 'write a.txt: one')
  await product.turn(session, '!call read_file {"path":"a.txt","limit":"1","offset":null}')
  const [, read] = await outputs()
  expect(read).toMatchObject({ status: 'ok', content: expect.stringContaining('one') })
  const given = { path: 'a.txt', limit: '1', offset: null }
  const [, asked] = await events('tool-calls.requested')
  expect(asked?.data.calls[0].arguments).toEqual(given)
  await product.turn(session, '!call read_file {"path":"a.txt","limit":"many"}')
  expect((await outputs())[2]).toMatchObject({
    status: 'error',
    error: expect.stringContaining('"limit" must be a whole number of at least 0, not the text "many"'),
  })
})

test('a result that is too long is read on with read_result', async () => {
  await product.turn(session, '!shell seq 1 40000')
  const [{ data } = { data: {} }] = await events('tool-call.completed')
  expect(data.ref).toMatch(/^sha256-/)
  await product.turn(session, `!call read_result {"ref":"${data.ref}","find":"\\n20000\\n","limit":"260"}`)
  expect((await outputs())[1]).toMatchObject({
    status: 'ok',
    content: expect.stringContaining('\n20000\n20001\n'),
    total_chars: 228_894,
  })
  const other = await product.session('quick')
  const elsewhere = session
  session = other
  await product.turn(session, `!call read_result {"ref":"${data.ref}"}`)
  expect((await outputs())[0]).toMatchObject({ status: 'error', error: expect.stringContaining('no result is kept') })
  session = elsewhere
})

test('a call that shows nothing for a while is told to be slow, in the stream and where the session is shown', async () => {
  const url = `${product.url}/v1/sessions/${session}/events`
  const stream = await fetch(url, {
    headers: { authorization: `Bearer ${product.token}`, accept: 'text/event-stream' },
  })
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  const answer = product.turn(session, '!shell until [ -e go ]; do sleep 0.1; done; echo done')
  let text = ''
  while (reader && !text.includes('tool.slow')) {
    const { value, done } = await reader.read()
    if (done) break
    text += value
  }
  expect(text).toContain('event: tool.slow')
  expect(text).toContain('"name":"shell"')
  const info = async () => (await product.ask('GET', `/v1/sessions/${session}`)).json
  expect((await info()).slow).toMatchObject([{ name: 'shell' }])
  expect((await product.cli('session', 'show', session)).out).toMatch(/slow:\s+shell .* has shown nothing/)
  writeFileSync(path.join(product.workspace, 'go'), '')
  expect(await answer).toContain('done')
  await eventually(async () => (await info()).slow === undefined)
  await reader?.cancel()
})
