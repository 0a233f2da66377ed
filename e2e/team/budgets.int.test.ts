// Budgets in a whole product: what a session may use, what it is refused, what people may do then, and what was used.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'
import { delegate } from './events.ts'

type Event = { readonly type: string; readonly data: Record<string, unknown> }

let product: Product
beforeAll(async () => {
  const prices = path.join(mkdtempSync(path.join(tmpdir(), 'reins-prices-')), 'prices.json')
  writeFileSync(prices, JSON.stringify({ 'scripted/assistant': { input: 3, output: 15 } }))
  product = await Product.start({ REINS_PRICES_FILE: prices, REINS_MAX_BUDGET_TOKENS: '5000000' })
  await agent('spender', { budget: { tokens: 40_000 } })
  await agent('caller', { budget: { tool_calls: 2 }, tools: ['list_directory'] })
  await agent('payer', { budget: { usd: 0.01 } })
  await agent('slow', { budget: { wall_time: '1s' } })
  await agent('unknown-price', { model: 'anthropic/nobody-knows-it', budget: { usd: 1 } })
  await agent('boss', {
    budget: { tokens: 60_000 },
    agents: [{ name: 'worker', description: 'Delegate work.', system_prompt: 'You work.', tools: ['list_directory'] }],
  })
}, 120_000)
afterAll(async () => {
  await product?.close()
})

async function agent(name: string, more: object): Promise<void> {
  const definition = { name, model: 'scripted/assistant', system_prompt: 'You do what you are told.', ...more }
  const reply = await product.ask('PUT', `/v1/agents/${name}`, definition)
  expect(reply.status, reply.text).toBeLessThan(300)
}

async function told(body: object): Promise<{ readonly id: string; readonly turn: Record<string, unknown> }> {
  const reply = await product.ask('POST', '/v1/sessions?wait=turn', body)
  expect(reply.status, reply.text).toBeLessThan(300)
  return { id: reply.json.session.id, turn: reply.json.turn }
}

const eventsOf = async (id: string): Promise<readonly Event[]> =>
  (await product.ask('GET', `/v1/sessions/${id}/events?limit=500`)).json.events
const dataOf = async (id: string, type: string) =>
  (await eventsOf(id)).flatMap((event) => (event.type === type ? [event.data] : []))
const show = async (id: string) => (await product.ask('GET', `/v1/sessions/${id}`)).json

describe('a session with a budget', () => {
  it('ends its turn when the next call does not fit, and goes on when a person raises the limit', async () => {
    const { id, turn } = await told({ agent: 'spender', message: 'say hello', budget: { tokens: 3_000 } })
    expect(turn).toMatchObject({ status: 'failed', error: { code: 'budget_reached' } })
    expect(String((turn.error as { message: string }).message)).toContain(
      `reins session budget ${id} --raise tokens=6000`,
    )
    expect(await dataOf(id, 'budget.reached')).toMatchObject([{ budget: 'tokens', spent: 0, limit: 3_000 }])
    expect((await show(id)).budget).toMatchObject({ tokens: { limit: 3_000, spent: 0, held: 0 }, reached: 'tokens' })

    const raised = await product.cli('session', 'budget', id, '--raise', 'tokens=30000')
    expect([raised.code, raised.err]).toEqual([0, ''])
    expect(raised.out).toMatch(/tokens\s+.*30,000/)
    await eventually(async () => (await dataOf(id, 'turn.completed')).length === 1)
    const { budget, usage } = await show(id)
    expect(budget.tokens).toEqual({ limit: 30_000, spent: usage.inputTokens + usage.outputTokens, held: 0 })
    expect(await dataOf(id, 'budget.raised')).toEqual([{ tokens: 30_000 }])
  })

  it('is not raised beyond what the operator allows, nor lowered, nor without the permission', async () => {
    const { id } = await told({ agent: 'spender', message: 'say hello' })
    const raise = (tokens: number, token = product.token) =>
      product.ask('POST', `/v1/sessions/${id}/budget`, { tokens }, { authorization: `Bearer ${token}` })
    expect(await raise(6_000_000)).toMatchObject({ status: 409, text: expect.stringContaining('5,000,000') })
    expect(await raise(100)).toMatchObject({ status: 409, text: expect.stringContaining('can only be raised') })
    expect(await product.ask('POST', `/v1/sessions/${id}/budget`, {})).toMatchObject({ status: 400 })
  })

  it('runs as many tool calls as it may, and refuses the others', async () => {
    const list = 'call list_directory {"path": "."}'
    const { id, turn } = await told({ agent: 'caller', message: `${list} & ${list} & ${list}` })
    expect(turn).toMatchObject({ status: 'failed', error: { code: 'budget_reached' } })
    const outcomes = await dataOf(id, 'tool-call.completed')
    expect(outcomes.map(({ code }) => code ?? 'ok').sort()).toEqual(['limit', 'ok', 'ok'])
    expect(await dataOf(id, 'budget.reached')).toMatchObject([{ budget: 'tool_calls', spent: 2, limit: 2 }])
  })

  it('in dollars counts at the price that stands in the events', async () => {
    const { id, turn } = await told({ agent: 'payer', message: 'say hello', budget: { usd: 5 } })
    expect(turn).toMatchObject({ status: 'failed', error: { code: 'budget_reached' } })
    await product.ask('POST', `/v1/sessions/${id}/budget`, { usd: 1 })
    await eventually(async () => (await dataOf(id, 'turn.completed')).length === 1)
    const [started] = await dataOf(id, 'model-call.started')
    expect(started).toMatchObject({ price: { input: 3, output: 15, cacheRead: 3, cacheWrite: 3 } })
    const [{ usage, usd }] = (await dataOf(id, 'model-call.completed')) as never as [
      { usage: { inputTokens: number; outputTokens: number }; usd: number },
    ]
    expect(usd).toBeCloseTo((usage.inputTokens * 3 + usage.outputTokens * 15) / 1_000_000, 9)
    expect(await show(id)).toMatchObject({ usd, budget: { usd: { spent: usd, limit: 1 } } })
  })

  it('in dollars is refused where nobody knows what the model costs', async () => {
    const refused = await product.ask('POST', '/v1/sessions', { agent: 'unknown-price', message: 'hello' })
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('no price is known for the model') })
  })

  it('ends a turn in the middle of its answer when its time is over', async () => {
    const { id, turn } = await told({ agent: 'slow', message: 'stream 10000 every 50' })
    expect(turn).toMatchObject({ status: 'failed', error: { code: 'budget_reached' } })
    expect(await dataOf(id, 'budget.reached')).toMatchObject([{ budget: 'wall_time', limit: 1_000 }])
    expect((await show(id)).status).toBe('idle')
  })
})

describe('a tree with a budget', () => {
  it('gives each child a slice, takes back what is left, and is billed for what they used', async () => {
    const work = delegate({ agent: 'worker', instruction: 'call list_directory {"path": "."} && then say done' })
    const { id, turn } = await told({ agent: 'boss', message: `${work} & ${work}` })
    expect(turn).toMatchObject({ status: 'completed' })
    const slices = (await dataOf(id, 'delegation.requested')).map(({ budget }) => budget as { tokens: number })
    expect(slices).toHaveLength(2)
    const spent = (await dataOf(id, 'delegation.settled')).map(({ spent: one }) => one as { tokens: number })
    const { budget, usage } = await show(id)
    const below = spent.reduce((sum, { tokens }) => sum + tokens, 0)
    expect(below).toBeGreaterThan(0)
    expect(slices.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThan(60_000)
    expect(budget.tokens).toEqual({ limit: 60_000, spent: usage.inputTokens + usage.outputTokens + below, held: 0 })

    const report = await eventually(async () => {
      const { json } = await product.ask('GET', `/v1/usage?by=session&tree=${id}`)
      return json.rows.length === 3 && json.total.modelCalls === 6 ? json : undefined
    })
    const { inputTokens, outputTokens } = report.total.usage
    expect(inputTokens + outputTokens).toBe(budget.tokens.spent)
    const tree = (await product.ask('GET', `/v1/sessions/${id}/tree`)).json
    expect(JSON.stringify(tree)).toContain(`"usd":${report.total.usd}`)
    expect(report.total).toMatchObject({ toolCalls: 4, unpricedTokens: 0, charged: { tokens: 0, usd: 0 } })
  })
})

describe('what was used', () => {
  it('is told by agent, principal, model and day, to programs and to people', async () => {
    await told({ agent: 'spender', message: 'say hello' })
    const rows = async (by: string) => (await product.ask('GET', `/v1/usage?by=${by}`)).json.rows ?? []
    await eventually(async () => (await rows('agent')).some(({ key }: { key: string }) => key === 'spender'))
    expect(await rows('model')).toMatchObject([{ key: 'scripted/assistant' }])
    expect(await rows('principal')).toHaveLength(1)
    expect(await rows('day')).toHaveLength(1)
    expect((await product.ask('GET', '/v1/usage?by=agent&until=1000')).json).toMatchObject({
      rows: [],
      total: { usd: 0 },
    })
    const shown = await product.cli('usage', '--by', 'agent', '--since', '1d')
    expect(shown.err).toBe('')
    expect(shown.out).toMatch(/AGENT\s+TURNS\s+CALLS/)
    expect(shown.out).toMatch(/spender .*\$0\.0/)
    expect(shown.out).toMatch(/total /)
    expect((await product.ask('GET', '/v1/usage?by=nobody')).status).toBe(400)
  })
})
