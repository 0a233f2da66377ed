// Secrets, configs and webhooks through a whole product: what is kept, what is told to whom, and what is found nowhere.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Webhook as Receiver } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'
import { filesBelow } from '../harness/files-with.ts'
import { broughtUp, found } from './forms.ts'

const planted = 'pl4nted/S3cret+with "quotes" & é'
const rotated = 'r0tated-S3cret-of-another-day'

let product: Product
beforeAll(async () => {
  product = await Product.start({ REINS_ALLOW_PRIVATE_WEBHOOKS: '1' })
}, 120_000)
afterAll(async () => {
  await product?.close()
})

async function agentThatNames(name: string, ...secrets: readonly string[]): Promise<void> {
  const definition = {
    ...{ name, model: 'scripted/assistant', system_prompt: 'You help.' },
    tools: [{ system_tools: { workspace: product.workspace, timeout: 30, max_output_chars: 4000 } }],
    // Nothing listens there: its tools are away, and the session goes on.
    mcp_servers: secrets.map((secret, i) => ({
      ...{ name: `server-${i}`, url: 'http://127.0.0.1:9/mcp', optional: true },
      ...{ auth: 'bearer', secret },
    })),
  }
  const { status, text } = await product.ask('PUT', `/v1/agents/${name}`, definition)
  expect([status, text]).toEqual([201, expect.anything()])
}

describe('a secret over HTTP', () => {
  test('is kept, shown without its value, and removed', async () => {
    const created = await product.ask('PUT', '/v1/secrets/SHORT_LIVED', { value: 'only-for-a-moment' })
    expect([created.status, created.json.outcome]).toEqual([201, 'created'])
    expect((await product.ask('PUT', '/v1/secrets/SHORT_LIVED', { value: 'another-one' })).status).toBe(200)
    const shown = await product.ask('GET', '/v1/secrets/SHORT_LIVED')
    expect(shown.json.secret).toEqual({
      name: 'SHORT_LIVED',
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
      by: 'user:admin',
    })
    expect((await product.ask('GET', '/v1/secrets')).json.secrets).toEqual([shown.json.secret])
    expect((await product.ask('DELETE', '/v1/secrets/SHORT_LIVED')).json).toEqual({ name: 'SHORT_LIVED' })
    expect((await product.ask('GET', '/v1/secrets/SHORT_LIVED')).status).toBe(404)
  })

  test('that comes in another form is refused, and the refusal repeats nothing of it', async () => {
    for (const body of [
      { value: ['sesame-open'] },
      { values: 'sesame-open' },
      { value: '' },
      { value: 'sesame'.repeat(9000) },
      'sesame',
    ]) {
      const { status, text } = await product.ask(
        'PUT',
        '/v1/secrets/X',
        typeof body === 'string' ? JSON.stringify(body) : body,
      )
      expect(status).toBeGreaterThanOrEqual(400)
      expect(text).not.toContain('sesame')
    }
    expect((await product.ask('PUT', '/v1/secrets/a%20b', { value: 'x' })).status).toBe(400)
  })
})

describe('a config over HTTP', () => {
  test('is any JSON value but null, and agent:<name> is a definition that nobody writes there', async () => {
    expect((await product.ask('PUT', '/v1/configs/retry', { value: { times: 3 } })).status).toBe(201)
    expect((await product.ask('GET', '/v1/configs/retry')).json.config.value).toEqual({ times: 3 })
    expect((await product.ask('PUT', '/v1/configs/retry', { value: null })).status).toBe(400)
    expect((await product.ask('GET', '/v1/configs')).json.configs).toHaveLength(1)
    const agent = await product.ask('GET', '/v1/configs/agent:assistant')
    expect(agent.json.config.value).toMatchObject({ name: 'assistant', model: expect.anything() })
    const refused = await product.ask('PUT', '/v1/configs/agent:assistant', { value: {} })
    expect([refused.status, refused.json.error.next]).toEqual([400, 'Use agent update: reins agent update assistant'])
    expect((await product.ask('DELETE', '/v1/configs/agent:assistant')).status).toBe(400)
    expect((await product.ask('DELETE', '/v1/configs/retry')).status).toBe(200)
    expect((await product.ask('GET', '/v1/configs/retry')).status).toBe(404)
  })
})

test('the key of the secrets changes by the command, and its file is its owner’s alone', async () => {
  const file = path.join(product.dataDir, 'secrets.key')
  await product.ask('PUT', '/v1/secrets/ROTATED', { value: rotated })
  const before = readFileSync(file, 'utf8')
  const { code, out, err } = await product.cli('secret', 'rotate-key')
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^All secrets are under the new key [0-9a-f]{12} \(1 secret wrapped anew\)\.\n$/)
  const after = readFileSync(file, 'utf8')
  expect(after).toMatch(/^reins_key_[\w-]{43}\n$/)
  expect(after).not.toBe(before)
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
})

test('a planted secret that tools bring up in every form is in no stream, object, database page, log or answer', async () => {
  await product.ask('PUT', '/v1/secrets/PLANTED', { value: planted })
  await product.ask('PUT', '/v1/secrets/ROTATED', { value: rotated })
  await agentThatNames('planted', 'PLANTED', 'ROTATED')
  writeFileSync(path.join(product.workspace, 'plain.txt'), `key=${planted}\n`)
  for (const [i, form] of broughtUp(planted).entries())
    writeFileSync(path.join(product.workspace, `form-${i}.txt`), `${form}\n`)
  const wrapped = Buffer.from(`-- ${planted} --`.repeat(3)).toString('base64').replaceAll(/.{20}/g, '$&\n')
  writeFileSync(path.join(product.workspace, 'wrapped.txt'), `${wrapped}\n`)
  writeFileSync(
    path.join(product.workspace, 'long.txt'),
    `${'filler '.repeat(3000)}${planted}${' filler'.repeat(3000)} ${rotated}`,
  )
  const session = await product.session('planted')
  for (const message of [
    'read plain.txt',
    'read long.txt',
    '!shell cat plain.txt form-*.txt wrapped.txt long.txt',
    '!shell for i in 1 2 3; do head -c 12 plain.txt; sleep 0.05; tail -c +13 plain.txt; done; cat nothing.txt form-1.txt >&2; exit 3',
    '!shell base64 plain.txt; base64 -w 0 plain.txt; xxd -p plain.txt; echo',
    'read form-2.txt',
  ])
    await product.turn(session, message)

  const events = (await product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)).text
  expect(events).toContain('[redacted]')
  const stream = await fetch(`${product.url}/v1/sessions/${session}/events?after=`, {
    headers: { authorization: `Bearer ${product.token}`, accept: 'application/json' },
  })
  const cli = await product.cli('session', 'events', session, '--json')
  const logs = readFileSync(path.join(product.dataDir, 'logs', 'reins.log'), 'latin1')
  const stores = ['nats', 'postgres'].flatMap((store) => [...filesBelow(path.join(product.dataDir, store))])
  expect(stores.length).toBeGreaterThan(20)
  const everywhere = new Map([
    ['the events', events],
    ['the stream', await stream.text()],
    ['the command line', cli.out + cli.err],
    ['the log', logs],
    ...stores.map(({ file, bytes }) => [file, bytes.toString('latin1')] as const),
  ])
  for (const [place, text] of everywhere)
    for (const secret of [planted, rotated]) expect([place, found(text, secret)]).toEqual([place, []])
})

describe('a webhook', () => {
  test('is told of events, signed, again until it answers, with one id; a test and a list say what came of it', async () => {
    const got: { readonly headers: Record<string, string>; readonly body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8')
      request.on('data', (chunk: string) => {
        body += chunk
      })
      request.on('end', () => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        )
        got.push({ headers, body })
        const isFirst = got.filter((one) => one.headers['webhook-id'] === headers['webhook-id']).length === 1
        response
          .writeHead(isFirst && headers['user-agent'] === 'Reins' && !body.includes('webhook.test') ? 500 : 204)
          .end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    try {
      const made = await product.ask('POST', '/v1/webhooks', { url, on: ['turn.completed'] })
      expect(made.status).toBe(201)
      const { webhook, secret } = made.json
      const tested = await product.cli('webhook', 'test', webhook.id)
      expect([tested.code, tested.err]).toEqual([0, ''])
      expect(tested.out).toMatch(/^delivered \(status 204\) in /)

      await product.agent('teller', product.workspace)
      const session = await product.session('teller')
      await product.turn(session, 'say hello')
      const [first, second] = await eventually(() => {
        const told = got.filter(({ body }) => body.includes('turn.completed'))
        return told.length >= 2 && told
      })
      expect(first?.headers['webhook-id']).toBe(second?.headers['webhook-id'])
      expect(first?.body).toBe(second?.body)
      for (const { headers, body } of got) {
        const payload = new Receiver(secret).verify(body, headers)
        expect(payload).toEqual(JSON.parse(body))
        expect(() => new Receiver(secret).verify(`${body} `, headers)).toThrow()
      }
      expect(JSON.parse(second?.body ?? '')).toMatchObject({
        type: 'turn.completed',
        data: { session, n: expect.any(Number), i: expect.any(Number), event: { turn: expect.any(String) } },
      })
      const delivered = await eventually(async () => {
        const { json } = await product.ask('GET', `/v1/webhook-deliveries?webhook=${webhook.id}`)
        return json.deliveries.find((one: { last: { outcome: string; attempt: number } }) => one.last.attempt === 2)
      })
      expect(delivered).toMatchObject({
        ...{ id: second?.headers['webhook-id'], webhook: webhook.id, type: 'turn.completed', session },
        last: { outcome: 'delivered', status: 204 },
      })
      expect((await product.cli('webhook', 'deliveries', webhook.id)).out).toContain('turn.completed')
      expect((await product.cli('webhook', 'list')).out).toContain(url)
      expect((await product.ask('GET', '/v1/webhooks')).text).not.toContain(secret)

      expect((await product.cli('webhook', 'remove', webhook.id)).code).toBe(0)
      const before = got.length
      await product.turn(session, 'say more')
      const other = await product.ask('POST', '/v1/webhooks', { url, on: ['turn.completed'] })
      await product.turn(session, 'say even more')
      await eventually(() => got.length > before)
      // Of the turn between the two webhooks nobody was told.
      expect(
        got.slice(before).every(({ body }) => body.includes(other.json.webhook.id) || !body.includes('say more')),
      ).toBe(true)
      await product.ask('DELETE', `/v1/webhooks/${other.json.webhook.id}`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }, 120_000)
})
