// Long-term memory in a whole product: what one session stores, another one knows.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Product } from '../bad-input/product.ts'

let product: Product
beforeAll(async () => {
  product = await Product.start({ REINS_EMBEDDING_MODEL: 'scripted/words' })
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

describe('an agent with a memory of the default', () => {
  it('belongs to whoever talks to it: each key has its default', async () => {
    await agent('plain', 'long_term_memory: {}\n')
    const { session } = await told('plain', 'call store_memory {"key": "city", "value": {"name": "Lyon"}}')
    const declared = (await eventsOf(session)).find(({ type }) => type === 'memory.declared')
    expect(declared?.data).toEqual({ provider: 'builtin', scope: 'user:$principal', principal: 'admin' })
    const shown = await product.ask('GET', '/v1/memory/entry?scope=user:admin&key=city')
    expect(shown.json.entry).toMatchObject({
      ...{ scope: 'user:admin', key: 'city', value: { name: 'Lyon' }, version: 1 },
      by: { principal: 'admin', agent: 'plain', session },
    })
    const byAgent = await product.ask('GET', '/v1/memory/entry?agent=plain&key=city')
    expect(byAgent.json).toEqual(shown.json)
  })

  it('lists, searches and recalls everything', async () => {
    await told('plain', 'call store_memory {"key": "deploy day", "value": "We deploy the payment service on Fridays"}')
    const [keys] = (await told('plain', 'call list_memory_keys')).outputs
    expect(keys).toEqual({ status: 'ok', keys: ['city', 'deploy day'], total: 2 })
    const [found] = (await told('plain', 'call search_memory {"query": "deploying payments"}')).outputs
    expect(found).toMatchObject({ status: 'ok', found: [{ key: 'deploy day' }] })
    const [all] = (await told('plain', 'call recall_memory')).outputs
    expect(all).toMatchObject({ total: 2, entries: [{ key: 'city' }, { key: 'deploy day' }] })
    const [none] = (await told('plain', 'call recall_memory {"key": "colour"}')).outputs
    expect(none).toMatchObject({ status: 'ok', found: false })
  })

  it('finds by meaning what has no word of the query, where an embedding model is named', async () => {
    await told('plain', 'call store_memory {"key": "travel", "value": "an old automobile"}')
    const [found] = (await told('plain', 'call search_memory {"query": "which car"}')).outputs
    expect(found).toMatchObject({ status: 'ok', found: [{ key: 'travel', value: 'an old automobile' }] })
    const over = await product.ask('GET', '/v1/memory/search?agent=plain&query=vehicle')
    expect(over.json).toMatchObject({ found: [{ entry: { key: 'travel' } }], how: 'words, trigrams and meaning' })
  })

  it('keeps no secret', async () => {
    await product.ask('PUT', '/v1/secrets/DEPLOY_KEY', { value: 'correct-horse-battery' })
    await agent(
      'leaky',
      'long_term_memory: {scope: leaky}\nmcp_servers:\n  - {name: x, optional: true, url: "http://127.0.0.1:9/mcp", auth: bearer, secret: DEPLOY_KEY}\n',
    )
    const { outputs } = await told('leaky', 'call store_memory {"key": "key", "value": "it is correct-horse-battery"}')
    expect(outputs).toMatchObject([{ outcome: 'created' }])
    const kept = await product.ask('GET', '/v1/memory/entry?scope=leaky&key=key')
    expect(kept.text).toContain('it is ')
    expect(kept.text).not.toContain('correct-horse-battery')
  })
})

describe('forgetting', () => {
  const waitingCalls = async (session: string) =>
    (await product.ask('GET', `/v1/sessions/${session}`)).json.waiting ?? []

  it('of one key happens at once, and stays in the history', async () => {
    await agent('forgetful', 'long_term_memory: {scope: forgetting}\n')
    await told('forgetful', 'call store_memory {"key": "a", "value": 1} & call store_memory {"key": "b", "value": 2}')
    const { outputs } = await told('forgetful', 'call forget_memory {"key": "a"}')
    expect(outputs).toEqual([{ status: 'ok', key: 'a', forgotten: 1 }])
    const { json } = await product.ask('GET', '/v1/memory/history?scope=forgetting&key=a')
    expect(json.records.map(({ kind }: { kind: string }) => kind)).toEqual(['forgotten', 'stored'])
  })

  it('of everything waits for a person, who may refuse', async () => {
    const begun = await product.ask('POST', '/v1/sessions', {
      agent: 'forgetful',
      message: 'call forget_memory {"key": ""}',
    })
    const session = begun.json.session.id
    await expect.poll(() => waitingCalls(session), { timeout: 60_000 }).toMatchObject([{ name: 'forget_memory' }])
    const [{ call }] = await waitingCalls(session)
    const asked = (await eventsOf(session)).find(({ type }) => type === 'approval.requested')
    expect(asked?.data).toMatchObject({ must: true, reason: expect.stringContaining('forgets everything') })
    expect((await product.ask('GET', '/v1/memory/entries?scope=forgetting')).json.total).toBe(1)
    await product.ask('POST', `/v1/sessions/${session}/approvals/${call}`, { verdict: 'approved' })
    await expect
      .poll(async () => (await product.ask('GET', '/v1/memory/entries?scope=forgetting')).json.total, {
        timeout: 60_000,
      })
      .toBe(0)
  })

  it('of everything is refused where a definition says that nobody is asked', async () => {
    await agent('reckless', 'long_term_memory: {scope: reckless}\napprovals: {tools: {forget_memory: auto}}\n')
    await told('reckless', 'call store_memory {"key": "a", "value": 1}')
    const { outputs } = await told('reckless', 'call forget_memory')
    expect(outputs).toMatchObject([{ status: 'error', error: expect.stringContaining('needs a person') }])
    expect((await product.ask('GET', '/v1/memory/entries?scope=reckless')).json.total).toBe(1)
  })
})

describe('a database of the user', () => {
  it('is reached by the secret that the definition names', async () => {
    const url = new URL(
      JSON.parse(readFileSync(path.join(product.dataDir, 'servers.json'), 'utf8')).databaseUrls.memory,
    )
    await product.ask('PUT', '/v1/secrets/MEMORY_URL', { value: url.href })
    await agent(
      'owner',
      'long_term_memory: {provider: postgresql, connection: "secret:MEMORY_URL", scope: "agent:$agent"}\n',
    )
    const stored = await told('owner', 'call store_memory {"key": "k", "value": [1, 2]}')
    expect(stored.outputs).toMatchObject([{ outcome: 'created' }])
    expect((await told('owner', 'call recall_memory {"key": "k"}')).outputs).toMatchObject([{ value: [1, 2] }])
    expect((await product.ask('GET', '/v1/memory/entries?agent=owner')).json).toMatchObject({
      entries: [{ scope: 'agent:owner', key: 'k' }],
    })
  })

  it('whose secret is not there is told in words', async () => {
    await agent('poor', 'long_term_memory: {provider: postgresql, connection: "secret:NO_URL"}\n')
    const { outputs } = await told('poor', 'call recall_memory {"key": "k"}')
    expect(outputs).toMatchObject([{ status: 'error', error: expect.stringContaining('NO_URL') }])
  })
})

describe('over HTTP', () => {
  it('a person stores, changes by version, and forgets', async () => {
    const at = '/v1/memory/entry?scope=team%3Ax%2Fy&key=a%20b'
    const put = await product.ask('PUT', at, { value: 'one' }, { 'if-none-match': '*' })
    expect(put).toMatchObject({
      status: 201,
      json: { outcome: 'created', entry: { version: 1, by: { principal: 'admin' } } },
    })
    expect((await product.ask('PUT', at, { value: 'two' }, { 'if-match': '"7"' })).json.error.code).toBe(
      'memory_changed',
    )
    expect((await product.ask('PUT', at, { value: 'two', expires: '1d' }, { 'if-match': '"1"' })).status).toBe(200)
    expect((await product.ask('DELETE', at)).json).toEqual({ forgotten: 1 })
    expect((await product.ask('DELETE', at)).json.error.code).toBe('memory_not_found')
    expect((await product.ask('DELETE', '/v1/memory/entries?scope=team%3Ax%2Fy')).status).toBe(400)
    expect((await product.ask('PUT', at, { value: 'x'.repeat(70_000) })).json.error.code).toBe('memory_full')
  })

  it('a place that there is not is named', async () => {
    for (const store of ['sqlite:../../etc/passwd', 'sqlite:/etc/passwd', 'postgresql:MEMORY_URL', 'nowhere'])
      expect((await product.ask('GET', `/v1/memory/entries?scope=x&store=${encodeURIComponent(store)}`)).status).toBe(
        400,
      )
    expect((await product.ask('GET', '/v1/memory/entries')).json.error.message).toContain('"scope" is missing')
  })
})

describe('docs/memory.md', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/memory.md'), 'utf8')
  const definitions = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml)

  it('has definitions that are accepted', async () => {
    expect(definitions.length).toBeGreaterThan(2)
    for (const yaml of definitions) {
      const name = /^name: (.*)$/m.exec(yaml)?.[1] ?? ''
      const reply = await product.ask('PUT', `/v1/agents/${name}`, yaml, { 'content-type': 'application/yaml' })
      expect(reply.status, reply.text).toBeLessThan(300)
    }
  })
})
