// Long-term memory in a whole product: what one session stores, another one knows.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Product } from '../bad-input/product.ts'

let product: Product
beforeAll(async () => {
  product = await Product.start()
}, 120_000)
afterAll(async () => {
  await product.close()
})

async function agent(name: string, memory: string): Promise<void> {
  const yaml = `name: ${name}\nmodel: scripted/assistant\nsystem_prompt: You remember.\n${memory}`
  const reply = await product.ask('PUT', `/v1/agents/${name}`, yaml, { 'content-type': 'application/yaml' })
  expect(reply.status, reply.text).toBeLessThan(300)
}

async function eventsOf(session: string): Promise<readonly { type: string; data: Record<string, unknown> }[]> {
  return (await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)).json.events
}

/** What the tool calls of a new session answer. */
async function told(name: string, message: string): Promise<{ session: string; outputs: readonly unknown[] }> {
  const reply = await product.ask('POST', '/v1/sessions?wait=turn', { agent: name, message })
  expect(reply.status, reply.text).toBeLessThan(300)
  const session: string = reply.json.session.id
  const outputs = (await eventsOf(session)).flatMap(({ type, data }) =>
    type === 'tool-call.completed' ? [JSON.parse(String(data.output))] : [],
  )
  return { session, outputs }
}

describe('an agent with a memory in a file, as the seed writes it', () => {
  const memory = 'long_term_memory:\n  provider: sqlite\n  connection: "memory.db"\n  scope: "user:default"\n'

  it('stores in one session what another one recalls, in the folder of the memory service', async () => {
    await agent('keeper', memory)
    const stored = await told('keeper', 'call store_memory {"key": "language", "value": "TypeScript"}')
    expect(stored.outputs).toEqual([{ status: 'ok', key: 'language', outcome: 'created', version: 1 }])
    const recalled = await told('keeper', 'call recall_memory {"key": "language"}')
    expect(recalled.outputs).toMatchObject([{ status: 'ok', found: true, key: 'language', value: 'TypeScript' }])
    expect(existsSync(path.join(product.dataDir, 'memory', 'memory.db'))).toBe(true)
    const events = await eventsOf(recalled.session)
    expect(events.find(({ type }) => type === 'memory.declared')?.data).toEqual({
      provider: 'sqlite',
      scope: 'user:default',
      principal: 'admin',
    })
  })
})
