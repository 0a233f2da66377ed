// Programs that ask a person, over stdin and stdout, in a whole product: forms and pages, a page of which the server says by itself that
// the person is done, an authorisation that is remembered, and a webhook by which a person hears that somebody waits.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Webhook as Receiver } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Exchange, initialize, oddServer } from '../../libs/mcp/test/odd-http.ts'
import { Product } from '../bad-input/product.ts'
import { eventually } from '../harness/eventually.ts'

let product: Product
beforeAll(async () => {
  product = await Product.start({ REINS_ALLOW_PRIVATE_WEBHOOKS: '1' })
}, 120_000)
afterAll(() => product.close())

/** An agent with the program, in a folder of its own. */
async function agent(name: string): Promise<string> {
  const folder = path.join(product.workspace, name)
  mkdirSync(folder)
  copyFileSync(
    path.join(import.meta.dirname, '../../libs/mcp/test/doubles/asking-server.mjs'),
    path.join(folder, 'asking-server.mjs'),
  )
  await put(name, { name: 'bank', command: 'node', args: ['asking-server.mjs', folder], workspace: folder })
  return folder
}

async function put(name: string, server: object): Promise<void> {
  const mcp_servers = [{ connect_timeout: 100, ...server }]
  const definition = { model: 'scripted/assistant', system_prompt: 'Do it.', mcp_servers }
  const reply = await product.ask('PUT', `/v1/agents/${name}`, definition)
  expect(reply.status, reply.text).toBeLessThan(300)
}

async function begun(name: string, message: string): Promise<string> {
  return (await product.ask('POST', '/v1/sessions', { agent: name, message })).json.session.id
}

const eventsOf = async (session: string): Promise<readonly { type: string; data: Record<string, unknown> }[]> =>
  (await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)).json.events
const countOf = async (session: string, type: string) =>
  (await eventsOf(session)).filter((event) => event.type === type).length

/** What calls came to, once so many turns have ended. */
async function outputs(session: string, turns = 1): Promise<readonly string[]> {
  await eventually(async () => (await countOf(session, 'turn.completed')) === turns)
  return (await eventsOf(session)).flatMap(({ type, data }) =>
    type === 'tool-call.completed' ? [String(data.output)] : [],
  )
}

const waiting = async (session: string) =>
  (await product.ask('GET', `/v1/sessions/${session}/elicitations`)).json.elicitations
const questionOf = (session: string) => eventually(async () => (await waiting(session))[0])
const answer = (session: string, id: string, body: object) =>
  product.ask('POST', `/v1/sessions/${session}/elicitations/${id}`, body)

describe('a program', () => {
  it('gets a form that a person filled in, with the defaults of what they left out', async () => {
    await agent('forms')
    const session = await begun('forms', 'call mcp__bank__form {}')
    const { elicitation_id, mode } = await questionOf(session)
    expect(mode).toBe('form')
    const shown = await product.cli('session', 'show', session)
    expect(shown.out).toMatch(/waits for: +elicitation of bank/)
    await answer(session, elicitation_id, { action: 'accept', content: { name: 'Ada' } })
    expect(await outputs(session)).toEqual(['accept {"name":"Ada","plan":"free"}'])
    expect((await eventsOf(session)).find(({ type }) => type === 'elicitation.answered')?.data.content).toEqual({
      ...{ name: 'Ada', plan: 'free' },
    })
  })

  it('hears whether a person opened its page, declined, or cancelled', async () => {
    await agent('pages')
    for (const action of ['accept', 'decline', 'cancel']) {
      const session = await begun('pages', 'call mcp__bank__page {}')
      const { elicitation_id, url } = await questionOf(session)
      expect(url).toBe('https://bank.example/allow?state=p')
      await answer(session, elicitation_id, { action })
      expect((await outputs(session))[0]).toContain(`${action} null`)
    }
  })

  it('says by itself that a person is done with a page, once for all calls, and nobody is asked again in the session', async () => {
    const folder = await agent('gates')
    const two = 'call mcp__bank__gated {"key": "one"} & call mcp__bank__gated {"key": "two"}'
    const session = await begun('gates', two)
    const { elicitation_id } = await questionOf(session)
    expect((await answer(session, elicitation_id, { action: 'accept' })).json.state).toBe('accepted')
    writeFileSync(path.join(folder, 'authorised'), '')
    expect(await outputs(session)).toEqual(['in with one', 'in with two'])
    expect(await countOf(session, 'elicitation.completed')).toBeGreaterThan(0)
    await product.ask('POST', `/v1/sessions/${session}/messages`, { content: 'call mcp__bank__gated {"key": "three"}' })
    expect((await outputs(session, 2)).at(-1)).toBe('in with three')
    // One answer of a person, for three calls that were refused first.
    expect(await countOf(session, 'elicitation.answered')).toBe(1)
    expect(await countOf(session, 'elicitation.requested')).toBe(3)
  })
})

describe('a program that is killed while its question waits', () => {
  it('costs a call that must not run twice its outcome, at once, and nobody is asked any more', async () => {
    const folder = await agent('cut')
    const session = await begun('cut', 'call mcp__bank__form {}')
    const { elicitation_id } = await questionOf(session)
    kill(folder)
    await eventually(async () => (await countOf(session, 'turn.completed')) === 1)
    expect(await countOf(session, 'tool-call.outcome-unknown')).toBe(1)
    expect(await waiting(session)).toEqual([])
    expect((await answer(session, elicitation_id, { action: 'decline' })).status).toBe(404)
  })

  it.each(['before', 'after'])(
    'is started again for a call that may run again; a person who answers %s it asks anew is asked once',
    async (when) => {
      const folder = await agent(`cut-${when}`)
      const session = await begun(`cut-${when}`, 'call mcp__bank__again {}')
      const { elicitation_id } = await questionOf(session)
      kill(folder)
      if (when === 'after') await eventually(() => asksIn(folder) === 2)
      const given = await answer(session, elicitation_id, { action: 'accept', content: { name: 'Ada' } })
      expect([given.status, given.json.state]).toEqual([202, 'answered'])
      expect(await outputs(session)).toEqual(['accept {"name":"Ada","plan":"free"}'])
      expect(await countOf(session, 'elicitation.requested')).toBe(1)
      expect(await countOf(session, 'tool-call.started')).toBeLessThan(2)
      expect(asksIn(folder)).toBe(2)
    },
  )
})

const asksIn = (folder: string): number =>
  readFileSync(path.join(folder, 'asked.log'), 'utf8').split('\n').filter(Boolean).length

/** kill -9 of the program that an agent runs in this folder. */
function kill(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (words[1] === 'asking-server.mjs' && words[2] === folder) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It is gone, or somebody else's.
    }
  }
}

describe('a server over HTTP', () => {
  it('says by itself that a person is done with a page', async () => {
    let done = false
    let tell: (text: string) => void = () => undefined
    const gate = ({ result, error }: Exchange) =>
      done
        ? result({ content: [{ type: 'text', text: 'in' }] })
        : error(-32042, 'Authorisation is needed', {
            elicitations: [
              { mode: 'url', elicitationId: 'e1', url: 'https://bank.example/allow', message: 'Allow it' },
            ],
          })
    const server = await oddServer(
      { initialize: ({ result }) => result(initialize()), 'tools/call': gate },
      (request, response) => {
        if (request.method !== 'GET') return void response.writeHead(405).end()
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        tell = (text) => response.write(text)
      },
    )
    try {
      await put('remote', { name: 'bank', url: server.url })
      const session = await begun('remote', 'call mcp__bank__go {}')
      const { elicitation_id } = await questionOf(session)
      await answer(session, elicitation_id, { action: 'accept' })
      done = true
      const params = { elicitationId: 'e1' }
      const notice = { jsonrpc: '2.0', method: 'notifications/elicitation/complete', params }
      tell(`data: ${JSON.stringify(notice)}\n\n`)
      expect(await outputs(session)).toEqual(['in'])
      expect(await countOf(session, 'elicitation.answered')).toBe(1)
    } finally {
      await server.close()
    }
  })
})

describe('a webhook', () => {
  it('tells that a server asks, with all that is needed to answer', async () => {
    await agent('told')
    const got: { readonly headers: Record<string, string>; readonly body: string }[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      got.push({ headers, body })
      response.writeHead(204).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/phone`
    try {
      const made = await product.ask('POST', '/v1/webhooks', { url, on: ['elicitation.requested'] })
      const session = await begun('told', 'call mcp__bank__form {}')
      const told = await eventually(() => got[0])
      new Receiver(made.json.secret).verify(told.body, told.headers)
      const { type, data } = JSON.parse(told.body)
      expect([type, data.session]).toEqual(['elicitation.requested', session])
      expect(data.event).toMatchObject({ server: 'bank', mode: 'form', message: 'Who are you?' })
      await answer(data.session, data.event.elicitation, { action: 'accept', content: { name: 'Ada' } })
      expect((await outputs(session))[0]).toContain('"name":"Ada"')
      await product.ask('DELETE', `/v1/webhooks/${made.json.webhook.id}`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
