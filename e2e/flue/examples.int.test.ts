// The examples of Flue's own pages on a whole product: what a program and a person would do with them, with the same calls and shapes.
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { instanceSessionId, type SessionEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'
import { projectOf09 } from './project-of-0.9.ts'
import { projectOfBeta } from './project-of-beta.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let product: Product
const said: Record<string, string> = {}

beforeAll(async () => {
  product = await Product.start()
  const folders = path.join(product.folder, 'srv')
  for (const name of ['catalog-service', 'company-policies']) mkdirSync(path.join(folders, name), { recursive: true })
  // A new Reins has one of its own, of a name that the project wants.
  await product.cli('agent', 'delete', 'assistant')
  for (const [name, files] of Object.entries({ 'zero-nine': projectOf09, beta: projectOfBeta })) {
    const folder = path.join(product.folder, name)
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
      writeFileSync(
        path.join(folder, file),
        text.replaceAll('@flue/runtime', '@reins/agent').replaceAll('/srv', folders),
      )
    }
    // Valibot is a package that the author has installed.
    mkdirSync(path.join(folder, 'node_modules'), { recursive: true })
    symlinkSync(path.join(root, 'node_modules/valibot'), path.join(folder, 'node_modules/valibot'))
    const { code, out, err } = await product.cli('deploy', folder)
    if (code !== 0) throw new Error(err)
    said[name] = out
  }
}, 240_000)
afterAll(() => product?.close())

/** As a client of the application: with its own header and no token of Reins. */
async function post(at: string, body: unknown, authorization = '') {
  const headers = { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) }
  const response = await fetch(product.url + at, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text }
}
const says = async (agent: string, id: string, message: string, more: object = {}, authorization?: string) => {
  const { status, json } = await post(`/agents/${agent}/${id}`, { message, ...more }, authorization)
  return status === 200 ? json.result.text : [status, json]
}

function socket(at: string, headers: Record<string, string> = {}) {
  const one = new WebSocket(product.url.replace('http', 'ws') + at, { headers })
  const frames: { readonly type: string; readonly [field: string]: unknown }[] = []
  one.on('message', (text) => frames.push(JSON.parse(String(text))))
  const status = new Promise<number>((resolve) => {
    one.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    one.on('open', () => resolve(101))
    one.on('error', () => {})
  })
  return { one, frames, status }
}

describe('the guide to agents, in the layout of 0.9', () => {
  test('an agent of one instruction answers over HTTP with the result, and over a WebSocket with frames', async () => {
    const { status, json } = await post('/agents/joke-teller/eve', { message: 'say knock knock' })
    expect([status, json.result]).toEqual([
      200,
      {
        text: 'knock knock',
        usage: expect.objectContaining({ input: expect.any(Number), output: expect.any(Number) }),
        model: { provider: 'scripted', id: 'assistant' },
      },
    ])
    const { one, frames, status: opened } = socket('/agents/joke-teller/eve')
    expect(await opened).toBe(101)
    one.send(JSON.stringify({ version: 1, type: 'prompt', requestId: 'r', message: 'say who is there' }))
    const result = await eventually(() => frames.find(({ type }) => type === 'result'))
    expect(result).toMatchObject({ requestId: 'r', result: { text: 'who is there' } })
    expect(frames[0]).toEqual({ version: 1, type: 'ready', target: 'agent', name: 'joke-teller', instanceId: 'eve' })
    one.close()
  })

  test('a reviewer has a folder of the machine, an imported skill and tools of a shared module', async () => {
    expect(await says('repository-reviewer', 'r', 'call changed_files {"change": 7}')).toContain('change 7 touches')
    expect(await says('repository-reviewer', 'r', 'call use_skill {"name": "review-checklist"}')).toContain(
      'Look at the tests first.',
    )
    const wrote = await says('repository-reviewer', 'r', 'call write_file {"path": "a.txt", "content": "here"}')
    expect(wrote).toContain('"bytes_written":4')
    const read = await says('repository-reviewer', 'r', 'call shell {"command": "pwd; cat a.txt"}')
    expect(read).toContain('catalog-service')
    expect(read).toContain('here')
  })

  test('tools of one ticket, behind the application’s own access control: 401, 404, the ticket, and no other', async () => {
    const ask = (id: string, authorization?: string) =>
      says('support-assistant', id, 'call read_ticket {}', {}, authorization)
    expect(await ask('ticket-1')).toEqual([401, { error: 'Unauthorized' }])
    expect((await ask('ticket-2', 'Bearer ann'))[0]).toBe(404)
    expect(await ask('ticket-1', 'Bearer ann')).toContain('The printer is on fire.')
    const refused = await Promise.all([
      socket('/agents/support-assistant/ticket-1').status,
      socket('/agents/support-assistant/ticket-2', { authorization: 'Bearer ann' }).status,
    ])
    expect(refused).toEqual([401, 404])
    const { one, status } = socket('/agents/support-assistant/ticket-1', { authorization: 'Bearer ann' })
    expect(await status).toBe(101)
    one.close()
  })

  test('a message may name a session, which has a conversation of its own', async () => {
    const session = 'customer-follow-up'
    await says('support-assistant', 'ticket-1', 'say one', { session }, 'Bearer ann')
    await says('support-assistant', 'ticket-1', 'say two', { session }, 'Bearer ann')
    const shown = (
      await product.ask('GET', `/v1/sessions/${instanceSessionId('support-assistant', 'ticket-1', session)}`)
    ).json
    expect(shown).toMatchObject({ agent: 'support-assistant', turns: 2 })
  })

  test('a profile is the whole of an agent, with its tools', async () => {
    expect(await says('faq', 'f', 'call read_ticket {}')).toContain('The door is stuck.')
  })

  test('a subagent answers for its parent, and has no address', async () => {
    const told = await says(
      'policy-assistant',
      'p',
      'call task {"agent": "policy_researcher", "prompt": "say found it"}',
    )
    expect(told).toContain('found it')
    expect((await post('/agents/policy_researcher/x', { message: 'hi' })).status).toBe(404)
    const { modules } = (await product.ask('GET', '/v1/agents')).json
    expect(modules.map(({ name }: { name: string }) => name)).not.toContain('policy_researcher')
  })

  test('the tool task hands work to a subagent, or to a fresh context in a folder of the workspace, and gives the final text', async () => {
    const task = (agent: string, args: object) => says(agent, 'tasks', `call task ${JSON.stringify(args)}`)
    const found = await task('policy-assistant', { agent: 'policy_researcher', prompt: 'say found it' })
    expect(found).toContain('found it')
    expect(found).not.toContain('"status"')
    expect(await task('policy-assistant', { agent: 'nobody', prompt: 'say x' })).toContain(
      "Agent 'nobody' not found. Available: policy_researcher.",
    )
    expect(await task('policy-assistant', { prompt: 'say on my own' })).toContain('on my own')
    const above = instanceSessionId('policy-assistant', 'tasks', 'default')
    const { nodes } = (await product.ask('GET', `/v1/sessions/${above}/tree`)).json
    expect(nodes.map(({ agent }: { agent: string }) => agent).toSorted()).toEqual([
      ...['policy-assistant', 'policy-assistant', 'policy_researcher'],
    ])
    expect((await product.cli('session', 'trace', above)).out).toContain('task policy_researcher')

    const shop = path.join(product.folder, 'srv/catalog-service')
    mkdirSync(path.join(shop, 'docs'))
    symlinkSync(path.join(product.folder, 'srv/company-policies'), path.join(shop, 'away'))
    const prompt = 'call shell {"command": "pwd; touch here.txt"}'
    expect(await task('repository-reviewer', { cwd: 'docs', prompt })).toContain('catalog-service/docs')
    expect(existsSync(path.join(shop, 'docs/here.txt'))).toBe(true)
    expect(await task('repository-reviewer', { cwd: '../company-policies', prompt })).toContain('inside of the one')
    expect(await task('repository-reviewer', { cwd: 'away', prompt })).toContain('symbolic link')
    expect(await task('repository-reviewer', { cwd: 'nowhere', prompt })).toContain('is no folder on the machine')
    expect(existsSync(path.join(product.folder, 'srv/company-policies/here.txt'))).toBe(false)
    const inMemory = (cwd: string) =>
      task('joke-teller', { cwd, prompt: 'call shell {"command": "pwd; ls -A | wc -l"}' })
    expect(await inMemory('docs')).toContain('/workspace/docs\\n0')
    expect(await inMemory('../etc')).toContain('inside of the one')
  })

  test('dispatch from a webhook gives a receipt with 202, and the comment is a message of that session', async () => {
    const { status, json } = await post('/projects/zero-nine/webhooks/support-comments', {
      ticket: 'ticket-9',
      comment: 'c1',
      text: 'hot',
    })
    expect([status, json]).toEqual([202, { dispatchId: expect.any(String), acceptedAt: expect.any(String) }])
    const session = instanceSessionId('support-assistant', 'ticket-9', 'customer-follow-up')
    const events = await eventually(async () => {
      const { json: read } = await product.ask('GET', `/v1/sessions/${session}/events?limit=100`)
      return read?.events?.some(({ type }: SessionEvent) => type === 'turn.completed') && read.events
    })
    const [given] = events.filter(({ type }: SessionEvent) => type === 'message.received')
    expect(JSON.stringify(given.data.content)).toContain('support.comment.created')
  })

  test('an agent without a route is closed over HTTP, and reached by dispatch and connect', async () => {
    expect((await post('/agents/session-test/x', { message: 'hi' })).status).toBe(404)
    const { out } = await product.cli('connect', 'session-test', 'x', '-m', 'say delivered')
    expect(out).toContain('delivered')
  })
})

describe('createAgent and workflows, in the layout of 1.0 beta', () => {
  test('the build lists what it has found, and names what it does not use', () => {
    for (const shown of ['assistant', 'greet', 'hello', 'with-imported-skill', 'src/db.ts'])
      expect(said.beta).toContain(shown)
  })

  test('a workflow logs and returns, under an id that begins with run_', async () => {
    const { status, json } = await post('/workflows/greet?wait=result', {})
    expect([status, json.result]).toEqual([200, { greeting: 'hello', id: json.runId }])
    expect(json.runId).toMatch(/^run_[0-9A-Z]{26}$/)
    const { out } = await product.cli('logs', json.runId)
    expect(out).toContain(`info greet is starting {"instanceId":"${json.runId}"}`)
    const accepted = await post('/workflows/greet', {})
    expect([accepted.status, accepted.json.runId]).toEqual([202, expect.stringMatching(/^run_/)])
  })

  test('a workflow makes an agent at the top of its file, and is given data of a Valibot schema', async () => {
    const body = { ask: 'say {"answer":4}' }
    expect((await post('/workflows/hello?wait=result', body)).status).toBe(401)
    const headers = { 'content-type': 'application/json', 'x-key': 'good' }
    const asked = await fetch(`${product.url}/workflows/hello?wait=result`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    expect(await asked.json()).toMatchObject({ result: { answer: 4 } })
  })

  test('a skill is imported, and asked for by what was imported', async () => {
    const ran = await product.cli('run', 'with-imported-skill', '--json')
    expect(JSON.parse(ran.out).result).toMatchObject({ name: 'review' })
    expect((await post('/workflows/with-imported-skill', {})).status).toBe(404)
  })

  test('a tool with a Valibot schema runs with what the schema gives, and refuses what does not fit', async () => {
    const good = '{"threadId": "t1", "text": "hello"}'
    expect(await says('assistant', 'room', `call reply_to_chat_thread ${good}`)).toContain(
      'posted in t1 of room: hello',
    )
    expect(await says('assistant', 'room', 'call reply_to_chat_thread {"threadId": 1}')).toContain('threadId')
  })

  test('a channel takes what a chat sends, and dispatches it', async () => {
    const { status, json } = await post('/channels/chat/events', { thread: 'room-2', text: 'hi' })
    expect([status, Object.keys(json).toSorted()]).toEqual([200, ['acceptedAt', 'dispatchId']])
  })
})
