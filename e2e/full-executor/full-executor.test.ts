// A product whose slots for model calls are all held by answers that take for ever: what a person does to a session is done at once,
// and whoever has to wait sees it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'

const slots = 3
const forEver = 'hang'
let product: Product

beforeAll(async () => {
  product = await Product.start({ REINS_WAITING_CALLS: String(slots) })
  await product.ask('PUT', '/v1/agents/helper', { name: 'helper', model: 'scripted/assistant', system_prompt: 'x' })
})
afterAll(() => product.close())

const generous = { timeout: 30_000 }

async function begin(message: string): Promise<string> {
  const { status, json } = await product.ask('POST', '/v1/sessions', { agent: 'helper', message })
  expect(status).toBe(201)
  return json.session.id
}

async function types(session: string): Promise<readonly string[]> {
  const { json } = await product.ask('GET', `/v1/sessions/${session}/events?limit=100`)
  return json.events.map(({ type }: { type: string }) => type)
}

const show = async (session: string) => (await product.ask('GET', `/v1/sessions/${session}`)).json
const queued = (session: string) => expect.poll(async () => (await show(session)).queued, generous)
const has = (session: string, type: string) => expect.poll(() => types(session), generous).toContain(type)

/** Every slot is held by the answer of a session. */
async function fill(): Promise<readonly string[]> {
  const sessions: string[] = []
  for (let count = 0; count < slots; count++) sessions.push(await begin(forEver))
  for (const session of sessions) await has(session, 'model-call.started')
  return sessions
}

const end = async (...sessions: readonly string[]) => {
  for (const session of sessions) {
    await product.ask('POST', `/v1/sessions/${session}/end`)
    await has(session, 'session.ended')
  }
}

test('the session that is one too many waits, and says so; a cancel of another gives it the slot', async () => {
  const sessions = await fill()
  const late = await begin('say hello')
  await queued(late).toEqual({ since: expect.any(Number), ahead: 0 })
  expect(await types(late)).toEqual(['session.started', 'message.received'])
  const pools = (await product.ask('GET', '/v1/pools')).json.pools
  const waiting = pools.flatMap(({ servedBy }: { servedBy: { queued?: number }[] }) =>
    servedBy.map((one) => one.queued ?? 0),
  )
  expect(waiting.reduce((sum: number, one: number) => sum + one, 0)).toBe(1)

  const [first = ''] = sessions
  await product.ask('POST', `/v1/sessions/${first}/cancel`)
  await has(first, 'turn.cancelled')
  await has(late, 'turn.completed')
  await queued(late).toBeUndefined()
  await end(...sessions, late)
})

test('an interrupt of a running session is done at once, and its message has its turn', async () => {
  const sessions = await fill()
  const [first = ''] = sessions
  const message = { content: 'say hello', onBusy: 'interrupt' }
  await product.ask('POST', `/v1/sessions/${first}/messages`, message)
  await has(first, 'turn.completed')
  expect(await types(first)).toContain('turn.cancelled')
  await end(...sessions)
})

test('a running session, and one that waits, are ended at once', async () => {
  const sessions = await fill()
  const late = await begin('say hello')
  await queued(late).toBeDefined()
  await end(late)
  expect(await types(late)).not.toContain('turn.started')
  await queued(late).toBeUndefined()
  await end(...sessions)
})

test('whoever follows a session that waits is told so, whether it waited before or waits from now on', async () => {
  const sessions = await fill()
  const late = await begin('say hello')
  await queued(late).toBeDefined()
  const response = await fetch(`${product.url}/v1/sessions/${late}/events`, {
    headers: { authorization: `Bearer ${product.token}`, accept: 'text/event-stream' },
    signal: AbortSignal.timeout(110_000),
  })
  let heard = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    heard += decoder.decode(chunk, { stream: true })
    if (heard.includes('event: session.queued')) break
  }
  expect(heard).toContain('"ahead":0')
  await end(...sessions, late)
})

test('the turn of another person is answered while three hundred slow ones of the first wait', async () => {
  const asked = 300
  await fill()
  const waiting: string[] = []
  for (let at = 0; at < asked; at += 20)
    waiting.push(...(await Promise.all(Array.from({ length: 20 }, () => begin(forEver)))))
  await queued(waiting.at(-1)!).toEqual({ since: expect.any(Number), ahead: asked - 1 })

  await product.ask('POST', '/v1/principals', { name: 'bob', roles: ['admin'] })
  const made = await product.ask('POST', '/v1/tokens', { principal: 'bob' })
  const authorization = `Bearer ${made.json.text}`
  const create = { agent: 'helper', message: 'say hello' }
  const { json, text: why } = await product.ask('POST', '/v1/sessions', create, { authorization })
  expect([json?.session === undefined ? why : '', made.status]).toEqual(['', 201])
  await has(json.session.id, 'turn.completed')
  expect((await product.ask('GET', '/v1/pools')).json.pools.flatMap(countQueued)).toContain(asked)
  for (const session of waiting) expect(await types(session)).not.toContain('turn.started')
})

const countQueued = ({ servedBy }: { servedBy: { queued?: number }[] }) => servedBy.map((one) => one.queued ?? 0)
