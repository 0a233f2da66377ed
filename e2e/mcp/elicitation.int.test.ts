// Servers that ask a person in the middle of a call, in a whole product: forms and pages, both ways, and what the answers come to.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { bundledCode, workflowsProject } from '../harness/bundled-code.ts'
import { eventually } from '../harness/eventually.ts'

const require = createRequire(import.meta.url)
const everything = path.join(
  path.dirname(require.resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
)

let product: Product
let all: object
let server: ReturnType<typeof spawn>
beforeAll(async () => {
  const port = await freePort()
  server = spawn(process.execPath, [everything, 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve) => {
    server.stderr?.on('data', (text: Buffer) => text.toString().includes(String(port)) && resolve())
  })
  product = await Product.start()
  all = { name: 'all', url: `http://127.0.0.1:${port}/mcp` }
  await agent('asked', all)
  await agent('hurried', { ...all, elicitation_timeout: 1 })
}, 120_000)
afterAll(async () => {
  await product.close()
  server.kill('SIGKILL')
})

async function freePort(): Promise<number> {
  const free = createServer()
  await once(free.listen(0, '127.0.0.1'), 'listening')
  const address = free.address()
  free.close()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function agent(name: string, ...mcp_servers: readonly object[]): Promise<void> {
  const definition = { model: 'scripted/assistant', system_prompt: 'Do it.', mcp_servers }
  const reply = await product.ask('PUT', `/v1/agents/${name}`, definition)
  expect(reply.status, reply.text).toBeLessThan(300)
}

async function begun(name: string, message: string): Promise<string> {
  const reply = await product.ask('POST', '/v1/sessions', { agent: name, message })
  expect(reply.status, reply.text).toBeLessThan(300)
  return reply.json.session.id
}

async function eventsOf(session: string): Promise<readonly { type: string; data: Record<string, unknown> }[]> {
  return (await product.ask('GET', `/v1/sessions/${session}/events?limit=500`)).json.events
}

/** The one question that waits. */
async function asked(session: string) {
  const list = async () => (await product.ask('GET', `/v1/sessions/${session}/elicitations`)).json.elicitations
  // What is looked for and what is given come of one answer: two answers may come of two moments.
  return eventually(async () => {
    const [one, ...others] = await list()
    return others.length === 0 && one
  })
}

const answer = (session: string, id: string, body: object) =>
  product.ask('POST', `/v1/sessions/${session}/elicitations/${id}`, body)

async function output(session: string): Promise<string> {
  const ended = async () => (await eventsOf(session)).some(({ type }) => type === 'turn.completed')
  await expect.poll(ended).toBe(true)
  const last = (await eventsOf(session)).findLast(({ type }) => type === 'tool-call.completed')
  return String(last?.data.output)
}

const url = 'https://example.com/authorize?state=1'
const page = `call mcp__all__trigger-url-elicitation {"url": "${url}", "message": "Please allow it"}`
const pageFirst = `call mcp__all__trigger-url-elicitation {"url": "${url}", "message": "Please allow it", "errorPath": true}`
const form = 'call mcp__all__trigger-elicitation-request'

describe('a form', () => {
  it('is shown with its fields, checked, and its content reaches the server', async () => {
    const session = await begun('asked', form)
    const one = await asked(session)
    expect(one).toMatchObject({
      ...{ type: 'elicitation', mode: 'form', server_name: 'all', tool: 'mcp__all__trigger-elicitation-request' },
      ...{ state: 'waiting', schema: { required: ['name'] } },
    })
    expect((await product.ask('GET', `/v1/sessions/${session}`)).json).toMatchObject({
      status: 'waiting',
      waiting: [{ for: 'elicitation', name: 'all' }],
    })
    const wrong = await answer(session, one.elicitation_id, {
      action: 'accept',
      content: { name: 'Ada', integer: 200 },
    })
    expect([wrong.status, wrong.json.error.message]).toEqual([
      400,
      expect.stringContaining('content.integer: it must be 100 or less'),
    ])
    const right = await answer(session, one.elicitation_id, { action: 'accept', content: { name: 'Ada', check: true } })
    expect([right.status, right.json.state]).toEqual([202, 'answered'])
    expect(await output(session)).toContain('- Name: Ada')
    const late = await answer(session, one.elicitation_id, { action: 'decline' })
    expect([late.status, late.json.error.code]).toEqual([404, 'elicitation_not_found'])
  })

  it.each([
    ['decline', 'they declined', 'User declined'],
    ['cancel', 'they cancelled', 'User cancelled'],
  ])('that is answered with %s is told apart', async (action, note, said) => {
    const session = await begun('asked', form)
    const { elicitation_id } = await asked(session)
    await answer(session, elicitation_id, { action })
    expect(await output(session)).toContain(said)
    const { json } = await product.ask('GET', `/v1/sessions/${session}/state`)
    expect(JSON.stringify(json)).toContain(note)
  })

  it('that nobody answers in time expires, and the model is told so', async () => {
    const session = await begun('hurried', form)
    expect(await output(session)).toContain('User cancelled')
    expect((await eventsOf(session)).map(({ type }) => type)).toContain('elicitation.expired')
    const { json } = await product.ask('GET', `/v1/sessions/${session}/state`)
    expect(JSON.stringify(json)).toContain('nobody answered in time')
  })

  it('goes with its turn when that is cancelled', async () => {
    const session = await begun('asked', form)
    const { elicitation_id } = await asked(session)
    await product.ask('POST', `/v1/sessions/${session}/cancel`)
    const types = async () => (await eventsOf(session)).map(({ type }) => type)
    await expect.poll(types).toContain('turn.cancelled')
    expect(await types()).toContain('elicitation.withdrawn')
    expect((await answer(session, elicitation_id, { action: 'decline' })).status).toBe(404)
  })
})

describe('the list over all sessions', () => {
  const listed = async (query: string) =>
    (await product.ask('GET', `/v1/elicitations?${query}`)).json as {
      elicitations: readonly { session: string; elicitation_id: string; state: string; server_name: string }[]
      next?: string
    }

  it('shows what waits, with what is needed to answer it, and later what came of it', async () => {
    const session = await begun('asked', form)
    const { elicitation_id } = await asked(session)
    const state = async (query: string) =>
      (await listed(`${query}&session=${session}`)).elicitations.map((one) => one.state)
    await expect.poll(() => state('agent=asked'), { timeout: 60_000 }).toEqual(['waiting'])
    const [one] = (await listed(`session=${session}`)).elicitations
    expect(one).toMatchObject({
      ...{ session, elicitation_id, agent: 'asked', mode: 'form', server_name: 'all', state: 'waiting' },
      schema: { required: ['name'] },
    })
    await answer(session, elicitation_id, { action: 'decline' })
    await expect.poll(() => state('state=declined'), { timeout: 60_000 }).toEqual(['declined'])
    expect(await state('state=waiting')).toEqual([])
  })

  it('has pages', async () => {
    for (let made = 0; made < 2; made++) await asked(await begun('asked', form))
    await expect.poll(async () => (await listed('limit=2')).elicitations.length, { timeout: 60_000 }).toBe(2)
    const first = await listed('limit=1')
    const second = await listed(`limit=1&after=${first.next}`)
    expect(second.elicitations[0]?.elicitation_id).not.toBe(first.elicitations[0]?.elicitation_id)
    expect((await product.ask('GET', '/v1/elicitations?after=nonsense')).status).toBe(400)
  })
})

describe('a page', () => {
  it('in the middle of a call is opened by a person, and the call goes on', async () => {
    const session = await begun('asked', page)
    const one = await asked(session)
    expect(one).toMatchObject({ mode: 'url', url, message: 'Please allow it', server_name: 'all' })
    const { json } = await answer(session, one.elicitation_id, { elicitation_id: one.elicitation_id, action: 'accept' })
    expect(json.state).toBe('answered')
    expect(await output(session)).toContain('User completed the URL elicitation flow')
    expect((await eventsOf(session)).filter(({ type }) => type === 'tool-call.started').length).toBe(1)
  })

  it('that has to be opened first repeats the call once the person says that it is done', async () => {
    const session = await begun('asked', pageFirst)
    const first = await asked(session)
    expect(first.url).toBe('https://modelcontextprotocol.io')
    expect((await answer(session, first.elicitation_id, { action: 'accept' })).json.state).toBe('accepted')
    expect((await asked(session)).state).toBe('accepted')
    expect((await answer(session, first.elicitation_id, { action: 'accept' })).json.state).toBe('answered')
    // The repeated call asks in its middle, as this server does.
    await expect.poll(async () => (await asked(session)).url).toBe(url)
    const second = await asked(session)
    await answer(session, second.elicitation_id, { action: 'accept' })
    expect(await output(session)).toContain('User completed the URL elicitation flow')
    expect((await eventsOf(session)).filter(({ type }) => type === 'tool-call.started').length).toBe(2)
  })

  it('that is declined ends the call, which has not run', async () => {
    const session = await begun('asked', pageFirst.replace('state=1', 'state=2'))
    const { elicitation_id } = await asked(session)
    await answer(session, elicitation_id, { action: 'decline' })
    expect(await output(session)).toContain('the person declined')
  })

  it('that is no web page is refused, and nobody is asked', async () => {
    const session = await begun('asked', page.replace(url, 'file:///etc/passwd'))
    expect(await output(session)).toContain('http and https pages only')
    expect((await eventsOf(session)).map(({ type }) => type)).not.toContain('elicitation.requested')
  })
})

describe('code that calls a tool of a server', () => {
  const calls = `('mcp__all__trigger-url-elicitation', { url: '${url}', message: 'Please allow it' })`
  const page = { type: 'elicitation', mode: 'url', url, message: 'Please allow it', server_name: 'all' }

  it('waits for the page as a call of a model does, in a workflow_file', async () => {
    const code = `
      export default async function agent_chat(ctx) {
        const { status, output } = await ctx.tool${calls}
        const none = await ctx.tool('mcp__all__nothing')
        await ctx.pause({ content: [status, output, none.status, none.output].join(' | '), turn: 1 })
      }`
    const files = [{ file: './chat.ts', text: bundledCode(code) }]
    const definition = {
      ...{ name: 'coded', model: 'scripted/assistant', system_prompt: 'Do it.' },
      ...{ mcp_servers: [all], workflow_file: './chat.ts' },
    }
    const reply = await product.ask('PUT', '/v1/agents/coded', { definition, files })
    expect(reply.status, reply.text).toBeLessThan(300)
    const session = (await product.ask('POST', '/v1/sessions', { agent: 'coded' })).json.session.id
    const one = await asked(session)
    expect(one).toMatchObject(page)
    await answer(session, one.elicitation_id, { action: 'accept' })
    const said = await eventually(async () => (await eventsOf(session)).find(({ type }) => type === 'run.paused'))
    const { output } = said.data as { output: { content: string } }
    expect(output.content).toMatch(
      /^completed \| .*completed the URL elicitation flow.* \| failed \| There is no tool "mcp__all__nothing"/s,
    )
    expect((await eventsOf(session)).map(({ type }) => type)).not.toContain('model-call.started')
  })

  it('waits for the page in a session below, in run(ctx), and is found from the run', async () => {
    const bundle = workflowsProject({
      allows: `
        const session = await (await ctx.init('asked')).session()
        const called = await session.tool${calls}
        const said = await session.prompt('say after it')
        return [called.status, called.output, said.text]`,
    })
    const deployed = await product.ask('PUT', '/v1/projects/pages', { bundle })
    expect(deployed.status, deployed.text).toBeLessThan(300)
    const { run } = (await product.ask('POST', '/v1/runs', { workflow: 'allows' })).json
    const session = run.runId.slice('run_'.length)
    const inTree = async () => (await product.ask('GET', `/v1/elicitations?tree=${session}`)).json.elicitations
    const [one] = await eventually(async () => {
      const list = await inTree()
      return list.length === 1 && list
    })
    const { type: _, ...shownInTree } = page
    expect(one).toMatchObject(shownInTree)
    await answer(one.session, one.elicitation_id, { action: 'accept' })
    const shown = async () => (await product.ask('GET', `/v1/runs/${run.runId}`)).json
    const ended = await eventually(async () => {
      const now = await shown()
      return now.status === 'active' ? undefined : now
    })
    expect(ended).toMatchObject({
      status: 'completed',
      result: ['completed', expect.stringContaining('completed the URL elicitation flow'), 'after it'],
    })
  })
})
