// A whole session of an agent that plans, uses a skill, remembers, delegates and is compacted, in each wire form. The server is one that
// nobody here wrote; what it is sent goes past us, and each request is one that its provider takes.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FixtureResponse, LLMock } from '@copilotkit/aimock'
import type { Client } from '@reins/client'
import type { ApiEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { systemOf, toolNamesOf, type WireBody, wireProblems } from './wire-checks.ts'

const key = 'sk-not-a-real-key-0123456789'

const mock = new LLMock({ port: 0 })
let between: Server
let product: Product
let client: Client

/** What the next requests are answered with, in their order. */
const answers: FixtureResponse[] = []
/** What went past. */
const requests: { readonly path: string; readonly body: WireBody }[] = []

const models = [
  ['claude', 'anthropic/claude-sonnet-4-5'],
  ['gpt', 'openai/gpt-5'],
  ['chat', 'lab/gpt-4o'],
  ['llama', 'ollama/llama3.2'],
] as const

const calls = (...asked: readonly (readonly [name: string, args: object])[]): FixtureResponse => ({
  toolCalls: asked.map(([name, args]) => ({ name, arguments: JSON.stringify(args) })),
  reasoning: 'Let me think.',
})

const skill =
  '---\nname: notes\ndescription: Writes notes.\nallowed-tools: list_directory delegate store_memory\n---\nOne line each.\n'
const skills = JSON.stringify({ format: 'reins-skills/1', skills: { notes: { 'SKILL.md': { text: skill } } } })

beforeAll(async () => {
  mock.addFixture({
    match: { predicate: () => true },
    response: (request): FixtureResponse => {
      const asked = JSON.stringify(request.messages)
      return asked.includes('You summarise a conversation')
        ? { content: 'They planned, and found two things.' }
        : (answers.shift() ?? { content: 'Nobody expected this request.' })
    },
  })
  await mock.start()
  between = createServer((request, response) => void passOn(request, response))
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(between.address() as AddressInfo).port}`
  const environment = {
    ...{ ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: url, OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1` },
    ...{ OLLAMA_HOST: new URL(url).host, OLLAMA_CONTEXT_LENGTH: '32000' },
    REINS_MODEL_PROVIDERS: JSON.stringify([{ name: 'lab', baseUrl: `${url}/v1`, models: ['gpt-4o'] }]),
  }
  product = await Product.start(environment)
  client = product.client
  for (const [name, model] of models) {
    const common = { model, system_prompt: 'You help.', tools: [{ directory: { workspace: '.' } }] }
    const helper = { ...common, name: `${name}-helper`, description: 'Delegate when something must be found.' }
    await client.agents.put(helper.name, { definition: helper })
    await client.agents.put(name, {
      definition: {
        ...{ ...common, name, planning: true, skills_dir: './skills', agents: [helper.name] },
        ...{ reasoning_effort: 'medium', max_tokens: 1_000, context: { window: 12_000, compact_at: 0.38 } },
        long_term_memory: { provider: 'memory', scope: name },
      },
      files: [{ file: './skills', text: skills }],
    })
  }
}, 120_000)

afterAll(async () => {
  await product?.close()
  between?.close()
  await mock.stop()
})

async function passOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const body = Buffer.concat(pieces)
  if (request.method === 'POST') requests.push({ path: request.url ?? '', body: JSON.parse(body.toString('utf8')) })
  const { host: _, 'content-length': __, ...headers } = request.headers as Record<string, string>
  const answer = await fetch(`${mock.url}${request.url}`, {
    ...{ method: request.method ?? 'GET', headers },
    ...(request.method === 'POST' ? { body } : {}),
  })
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' })
  response.end(Buffer.from(await answer.arrayBuffer()))
}

const eventsOf = async (id: string): Promise<readonly ApiEvent[]> =>
  (await client.sessions.events(id, { limit: 1000 })).events

const steps = [
  { name: 'find', description: 'Find it.' },
  { name: 'tell', description: 'Tell it.', depends_on: ['find'] },
]
const long = 'a word of it. '.repeat(570)

describe.each(models)('%s on %s', (agent) => {
  test('plans, uses a skill, remembers, delegates and is compacted, and each request is one that its provider takes', async () => {
    requests.length = 0
    answers.push(
      calls(['create_plan', { steps }], ['use_skill', { name: 'notes' }]),
      calls(['start_step', { step_name: 'find' }], ['store_memory', { key: 'k', value: { found: 2 } }]),
      calls(['delegate', { agent: `${agent}-helper`, instruction: 'Find them.' }], ['list_directory', { path: '.' }]),
      calls(['list_directory', { path: '.' }]),
      { content: 'Two.' },
      { content: 'There are two.' },
    )
    const { session } = await client.sessions.create({ agent })
    const first = await client.sessions.sendAndWait(session.id, { content: 'Find things.' })
    expect(first.turn).toMatchObject({ status: 'completed', content: 'There are two.' })

    answers.push({ content: long })
    await client.sessions.sendAndWait(session.id, { content: long })
    answers.push(calls(['mark_step_done', { step_name: 'find', result: 'two' }]), { content: 'Told.' })
    const next = await client.sessions.sendAndWait(session.id, { content: 'Go on.' })
    expect(next.turn).toMatchObject({ status: 'completed', content: 'Told.' })

    await client.sessions.compact(session.id)
    answers.push({ content: 'Bye.' })
    const last = await client.sessions.sendAndWait(session.id, { content: 'Enough.' })
    expect(last.turn).toMatchObject({ status: 'completed', content: 'Bye.' })

    const events = await eventsOf(session.id)
    const results = events.flatMap(({ type, data }) =>
      type === 'tool-call.completed' ? [(data as { status: string }).status] : [],
    )
    expect(new Set(results)).toEqual(new Set(['ok']))
    const answered = events.find(({ type }) => type === 'model-call.completed')?.data as { content: { type: string }[] }
    expect(answered.content.map(({ type }) => type)).toEqual(['reasoning', 'tool-call', 'tool-call'])
    expect(events.filter(({ type }) => type === 'context.compacted')).toHaveLength(2)
    const plan = events.filter(({ type }) => type === 'plan.updated').at(-1)?.data as { steps: { status: string }[] }
    expect(plan.steps.map(({ status }) => status)).toEqual(['completed', 'pending'])

    expect(answers).toEqual([])
    const wrong = requests.flatMap(({ path: of, body }, at) =>
      wireProblems(of, body).map((why) => `${at} ${of}: ${why}`),
    )
    expect(wrong).toEqual([])
    // In the order in which a model reads it, and the same bytes in each call.
    const own = requests.filter(({ body }) => toolNamesOf(body).includes('delegate'))
    expect(new Set(own.map(({ body }) => systemOf(body))).size).toBe(1)
    const system = systemOf(own[0]?.body ?? {})
    const parts = ['You help.', '## Skills', '## Long-term memory', '## Planning', '## Agents']
    const places = parts.map((part) => system.indexOf(part))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0)
    // What was thought comes back where the form has a place for it, to the model that thought it.
    const thought = own.filter(({ body }) =>
      /"type":"(thinking|reasoning)"|reasoning_content/.test(JSON.stringify(body)),
    )
    if (agent === 'claude' || agent === 'gpt') expect(thought.length).toBeGreaterThan(0)
    // The plan is told behind the newest message, after the compaction too.
    expect(JSON.stringify(own.at(-1)?.body)).toContain('[Plan: 1/2 done.')
  }, 120_000)
})
