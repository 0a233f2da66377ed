// People come in, each to what they may, on the whole product: roles, tokens, what they see, what their turns may call, and the audit.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Product } from './product.ts'

const disk = mkdtempSync(path.join(tmpdir(), 'reins-access-'))
let product: Product
let ann: string
let annToken: string

beforeAll(async () => {
  product = await Product.start(disk)
  const put = (name: string) =>
    product.ask('PUT', `/v1/agents/${name}`, {
      name,
      model: 'scripted/assistant',
      system_prompt: 'x',
      tools: ['files', 'search'],
    })
  for (const name of ['coder', 'other']) expect((await put(name)).status).toBe(201)
  const role = {
    permissions: [
      ...['agent:coder:start', 'workflow:agents:agent_chat:run', 'agent:coder:read', 'session:coder:read'],
      'workflow:agents:agent_chat:task:read_file:execute',
    ],
  }
  expect((await product.ask('POST', '/v1/roles/coder-user', role)).status).toBe(201)
  expect((await product.ask('POST', '/v1/principals', { name: 'ann', roles: ['coder-user'] })).status).toBe(201)
  const made = await product.ask('POST', '/v1/tokens', { principal: 'ann', expires: '1h' })
  expect([made.status, made.json.text]).toEqual([201, expect.stringMatching(/^reins_[0-9A-Za-z]{49}$/)])
  ann = made.json.text
  annToken = made.json.token.id
}, 120_000)
afterAll(async () => {
  await product?.close()
  rmSync(disk, { recursive: true, force: true })
}, 60_000)

/** Until it is so: the index and the audit follow by themselves. */
async function until<T>(ask: () => Promise<T>, so: (found: T) => boolean): Promise<T> {
  for (const end = Date.now() + 60_000; ; await pause(100)) {
    const found = await ask()
    if (so(found) || Date.now() > end) return found
  }
}

test('ann sees the sessions of her agent, page by page, and that there is no other', async () => {
  for (let i = 0; i < 3; i++)
    for (const agent of ['coder', 'other'])
      expect((await product.ask('POST', '/v1/sessions', { agent })).status).toBe(201)
  await until(
    () => product.ask('GET', '/v1/sessions?limit=100'),
    ({ json }) => json.sessions?.length >= 6,
  )
  const seen: string[] = []
  let after = ''
  do {
    const { status, json } = await product.ask('GET', `/v1/sessions?limit=2${after}`, undefined, ann)
    expect(status).toBe(200)
    if (json.next !== undefined) expect(json.sessions).toHaveLength(2)
    for (const session of json.sessions) seen.push(session.agent)
    after = json.next === undefined ? '' : `&after=${json.next}`
  } while (after !== '')
  expect(seen).toEqual(['coder', 'coder', 'coder'])
  const { json: agents } = await until(
    () => product.ask('GET', '/v1/agents', undefined, ann),
    ({ json }) => json.agents?.length === 1,
  )
  expect(agents.agents.map(({ name }: { name: string }) => name)).toEqual(['coder'])
  const { json: all } = await product.ask('GET', '/v1/sessions?agent=other')
  const id = all.sessions[0].id
  expect((await product.ask('GET', `/v1/sessions/${id}`, undefined, ann)).status).toBe(404)
  expect((await product.ask('GET', '/v1/sessions?agent=other', undefined, ann)).json.sessions).toEqual([])
  const { json: usage } = await product.ask('GET', '/v1/usage?by=agent', undefined, ann)
  expect(usage.rows.filter(({ key }: { key: string }) => key === 'other')).toEqual([])
})

test('her turn calls what she may have called, and the refusal is there to read', async () => {
  const message = 'call find_files {"pattern":"*"} && then call read_file {"path":"none.txt"} && then say done'
  const { json } = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'coder', message }, ann)
  const { json: page } = await product.ask('GET', `/v1/sessions/${json.session.id}/events?limit=500`, undefined, ann)
  type Event = { type: string; data: { code?: string; output?: string; name?: string } }
  const events: Event[] = page.events
  const refused = events.find(({ data }) => data.code === 'not-permitted')
  expect(refused?.data.output).toContain('workflow:agents:agent_chat:task:find_files:execute')
  expect(events.some(({ type }) => type === 'tool-calls.requested')).toBe(true)
})

test('what she did and what she was denied is in the audit; her token, once revoked, is none', async () => {
  expect((await product.ask('GET', '/v1/audit', undefined, ann)).status).toBe(403)
  type Entry = { by: string; did: string; on: string; outcome: string; permission?: string; from?: string }
  const audit = async (query: string): Promise<Entry[]> => (await product.ask('GET', `/v1/audit?${query}`)).json.entries
  const denied = await until(
    () => audit('denied=true&principal=ann'),
    (entries) => entries.some(({ did }) => did === 'GET /v1/audit'),
  )
  expect(denied.find(({ did }) => did === 'GET /v1/audit')).toMatchObject({
    ...{ by: 'user:ann', outcome: 'denied', permission: 'audit:read', from: '127.0.0.1' },
  })
  const entries = await audit('limit=500')
  const told = entries.map(({ by, did, on }) => `${by} ${did} ${on}`)
  expect(told).toContain('user:admin role.written role coder-user')
  expect(told).toContain(`user:admin token.written token ${annToken} of ann`)
  expect(told.some((one) => one.startsWith('user:ann message.received session '))).toBe(true)
  expect(JSON.stringify(entries)).not.toContain(ann)
  expect((await product.ask('DELETE', `/v1/tokens/${annToken}`)).status).toBe(200)
  expect((await product.ask('GET', '/v1/access/me', undefined, ann)).status).toBe(401)
  expect((await product.ask('POST', '/v1/principals/admin/ban', {})).json.error.code).toBe('last_admin')
})

test('a new admin.token takes the place of the old one, which opens no door any more; other tokens stay', async () => {
  const made = await product.ask('POST', '/v1/tokens', { principal: 'admin' })
  const old = product.token
  await product.close()
  rmSync(path.join(disk, 'data', 'admin.token'))
  product = await Product.start(disk)
  const me = async (token: string) => (await product.ask('GET', '/v1/access/me', undefined, token)).status
  expect(product.token).not.toBe(old)
  expect(await Promise.all([me(product.token), me(old), me(made.json.text)])).toEqual([200, 401, 200])
}, 120_000)
