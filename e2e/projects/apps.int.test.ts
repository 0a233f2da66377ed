// The app of a project behind a gateway: its code in real hosts, over a journal in memory, with the executor played by the test.
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CodeHosts } from '@reins/code-host'
import {
  type DispatchReceipt,
  instanceSessionId,
  type ProjectEntry,
  type SessionEvent,
  sessionOfRun,
} from '@reins/contracts'
import { buildProject } from '@reins/project'
import { detectSandbox, noGuard } from '@reins/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { World } from '../../services/session-gateway/test/world.ts'
import { eventually } from '../harness/eventually.ts'

const deadline = 120_000

const created = `const mark = Symbol.for('reins.agent')
export default Object.freeze({ [mark]: { version: 1 }, initialize: () => ({ model: 'scripted/echo' }) })`

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "support", "type": "module" }',
  'src/agents/helper.ts': `import type { AgentRouteHandler, AgentWebSocketHandler } from '@reins/agent/app'
export const route: AgentRouteHandler = async (c, next) => {
  if (c.req.header('authorization') !== 'Bearer theirs') return c.json({ error: 'Unauthorized' }, 401)
  const id = c.req.param('id')
  if (id === 'secret') return c.notFound()
  if (id === 'silent') return
  if (id === 'throws') throw new Error('no luck: ' + id)
  if (id === 'exits') process.exit(1)
  if (id === 'hangs') await new Promise(() => {})
  if (id === 'loops') for (;;) {}
  if (id === 'poisons') {
    const all = Object.prototype as any
    Object.assign(all, { kind: 'value', status: 200, next: true, opened: true, value: { kind: 'response' }, principal: 'admin' })
    return
  }
  if (id === 'named') c.set('principal', 'ada')
  await next()
  c.header('x-app', 'was here')
}
export const websocket: AgentWebSocketHandler = async (c, next) => {
  if (c.req.header('authorization') !== 'Bearer theirs') return c.json({ error: 'Unauthorized' }, 401)
  await next()
}
${created}`,
  'src/agents/closed.ts': created,
  'src/workflows/report.ts': `export const route = async (c: any, next: any) =>
  c.req.header('authorization') === 'Bearer theirs' ? next() : c.json({ error: 'Unauthorized' }, 401)
export const websocket = route
export async function run() { return 1 }`,
  'src/workflows/shut.ts': 'export async function run() { return 1 }',
  'src/channels/github.ts': `export const channel = {
  routes: [
    {
      method: 'POST',
      path: '/events/:kind',
      handler: async (c: any) => {
        const { createHmac } = await import('node:crypto')
        const raw = Buffer.from(await c.req.arrayBuffer())
        const good = createHmac('sha256', 'key').update(raw).digest('hex') === c.req.header('x-signature')
        return c.json({ good, bytes: raw.length })
      },
    },
  ],
}`,
  'src/app.ts': `import { Hono } from 'hono'
import { flue } from '@reins/agent/app'
import { dispatch } from '@reins/agent'
import helper from './agents/helper.ts'
const app = new Hono()
app.get('/hello', (c) => c.text('hello ' + c.req.query('name')))
app.post('/echo', (c) => c.body(c.req.raw.body))
app.get('/endless', (c) => new Response(new ReadableStream({
  async pull(controller) { controller.enqueue(new TextEncoder().encode('tick\\n')); await new Promise((go) => setTimeout(go, 20)) },
})))
app.post('/hooks/comment', async (c) => {
  const { id, text, key } = await c.req.json()
  try {
    const receipt = await dispatch(helper, { id, session: 'hooks', input: { type: 'comment', text }, ...(key ? { idempotencyKey: key } : {}) })
    return c.json(receipt, 202)
  } catch (error) {
    return c.json({ refused: String(error) }, 409)
  }
})
app.post('/hooks/named', async (c) => c.json(await dispatch({ agent: 'closed', id: 'x', input: undefined }).catch((error) => ({ refused: error.message }))))
app.route('/api', flue())
app.route('/', flue())
export default app
`,
}

let folder: string
let world: World
/** A gateway of a Reins that has a second project, of the same code under other names. */
let startShared: (rootProject?: string) => Promise<World>
/** Of the same project, behind a gateway that does not wait for it: who tries what never answers asks here. */
let hurried: World
let hosts: CodeHosts
/** What other services ask of the gateway. */
let asked: { dispatch(request: unknown): Promise<{ readonly value: unknown }> }

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'reins-app-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  const built = await buildProject(folder)
  if (built.kind !== 'built') throw new Error(JSON.stringify(built))
  const { text, digest } = built
  const exposed = (name: string, open: boolean) => ({
    ...{ name, route: open, websocket: open, file: `src/agents/${name}.ts` },
  })
  const entry: ProjectEntry = {
    ...{ name: 'support', version: 1, digest, size: text.length, previous: [], deleted: false },
    ...{ createdAt: 1, updatedAt: 1, by: 'user:admin' },
    manifest: {
      ...{
        agents: [exposed('helper', true), exposed('closed', false)],
        workflows: [
          { name: 'report', route: true, websocket: true, file: 'src/workflows/report.ts' },
          { name: 'shut', route: false, websocket: false, file: 'src/workflows/shut.ts' },
        ],
        app: true,
      },
      schedules: [
        {
          ...{ of: 'agent', name: 'helper', number: 1, file: 'src/agents/helper.ts' },
          ...{ cron: '0 0 1 1 *', timeZone: 'UTC', missed: 'latest', id: 'yearly', input: { wish: 'happy new year' } },
        },
      ],
      channels: [
        { name: 'github', routes: [{ method: 'POST', path: '/events/:kind' }], file: 'src/channels/github.ts' },
      ],
    },
  }
  const sandbox = await detectSandbox({
    allowUnsandboxed: true,
    allowNetwork: false,
    programs: [path.dirname(process.execPath)],
  })
  hosts = new CodeHosts({ sandbox, guard: noGuard, textOf: async () => text })
  const startWorld = (appAnswerMs: number, projects = [entry], rootProject?: string): Promise<World> =>
    World.start({
      limits: { appAnswerMs },
      projects,
      config: {
        rootProject,
        apps: { network: false, run: (bundle, call, signal) => hosts.run(bundle, call, signal) },
        serve: (handlers) => {
          asked ??= handlers
          return { close() {} }
        },
      },
    })
  startShared = (rootProject) => {
    const manifest = { agents: [exposed('seller', true)], workflows: [], channels: [], app: true }
    return startWorld(deadline, [{ ...entry, name: 'shop', manifest }, entry], rootProject)
  }
  world = await startWorld(deadline)
  hurried = await startWorld(1000)
}, deadline)

afterAll(async () => {
  await world?.close()
  await hurried?.close()
  await hosts?.close()
  rmSync(folder, { recursive: true, force: true })
}, deadline)

const theirs = { authorization: 'Bearer theirs', 'content-type': 'application/json' }

async function ask(method: string, at: string, body?: string, headers: Record<string, string> = theirs, of = world) {
  const answer = await fetch(of.url + at, { method, headers, ...(body === undefined ? {} : { body }) })
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: text.startsWith('{') ? JSON.parse(text) : undefined,
  }
}

/** The executor's part, once a message is there that no turn holds. */
async function answerTo(id: string, text: string, session = 'default'): Promise<string> {
  const at = instanceSessionId('helper', id, session)
  const message = await eventually(async () => {
    const events = (await world.frames(at)).flatMap((frame) => frame.events)
    const held = events.flatMap((event) => (event.type === 'turn.started' ? event.data.messages : []))
    const free = events.find((event) => event.type === 'message.received' && !held.includes(event.data.message))
    return free?.type === 'message.received' ? free.data.message : undefined
  })
  await world.turn(at, message, text, `t-${message}`)
  return message
}

describe('an agent behind its route', () => {
  test('shows the images of a message', async () => {
    const data = Buffer.from('89504e470d0a1a0a07', 'hex').toString('base64')
    const images = [{ type: 'image', mimeType: 'image/png', data }]
    const body = (more: object) => JSON.stringify({ message: 'What is this?', ...more })
    const { status, json } = await ask('POST', '/agents/helper/sees?wait=accepted', body({ images }))
    expect(status).toBe(202)
    const events = (await world.frames(instanceSessionId('helper', 'sees', 'default'))).flatMap(({ events }) => events)
    expect(events.find(({ type }) => type === 'images.attached')?.data).toEqual({ message: json.submissionId, images })
    for (const [given, words] of [
      ['a.png', 'images'],
      [[{ ...images[0], mimeType: 'image/webp' }], 'its bytes are those of image/png'],
    ] as const)
      expect((await ask('POST', '/agents/helper/sees', body({ images: given }))).json.error).toMatchObject({
        ...{ type: 'invalid_request', message: expect.stringContaining(words) },
      })
  })

  test('answers a message with the result, after the middleware let it through', async () => {
    const asked = ask('POST', '/agents/helper/one', '{"message":"hi"}')
    await answerTo('one', 'Hello there.')
    const { status, headers, json } = await asked
    expect([status, headers.get('x-app')]).toEqual([200, 'was here'])
    expect(json).toEqual({
      result: {
        text: 'Hello there.',
        usage: { input: 3, output: 2, cacheRead: 0, cacheWrite: 0, totalTokens: 5 },
        model: { provider: 'scripted', id: 'echo' },
      },
      ...{ streamUrl: '/agents/helper/one', offset: expect.any(String), submissionId: expect.any(String) },
      uid: `inst_${instanceSessionId('helper', 'one', 'default')}`,
    })
    const [first] = await world.frames(instanceSessionId('helper', 'one', 'default'))
    expect(first?.by).toBe('app:support')
  })

  test.each([
    ['what its middleware refuses', '/agents/helper/one', {}, 401, { error: 'Unauthorized' }],
    ['what its middleware does not let be seen', '/agents/helper/secret', theirs, 404, undefined],
    ['an agent without a route', '/agents/closed/one', theirs, 404, { error: { type: 'agent_not_found' } }],
    ['an agent that is not there', '/agents/nobody/one', theirs, 404, { error: { type: 'agent_not_found' } }],
    [
      'a middleware that does nothing',
      '/agents/helper/silent',
      theirs,
      500,
      { error: { type: 'middleware_unfinished' } },
    ],
    ['a middleware that throws', '/agents/helper/throws', theirs, 500, undefined],
    ['a middleware that ends its process', '/agents/helper/exits', theirs, 500, undefined],
  ])('stays closed to %s, and nothing is made', async (_what, at, headers, status, json) => {
    const answer = await ask('POST', at, '{"message":"hi"}', headers)
    expect(answer.status).toBe(status)
    if (json) expect(answer.json).toMatchObject(json)
    expect(answer.text).not.toContain('no luck')
    const [, , name = '', id = ''] = at.split('/')
    if (id !== 'one') expect(await world.frames(instanceSessionId(name, id, 'default'))).toEqual([])
    expect((await ask('GET', '/hello?name=you')).text).toBe('hello you')
  })

  test.each(['hangs', 'loops'])('stays closed to a middleware that %s, and nothing is made', async (id) => {
    const answer = await ask('POST', `/agents/helper/${id}`, '{"message":"hi"}', theirs, hurried)
    expect(answer).toMatchObject({ status: 504, json: { error: { type: 'app_timeout' } } })
    expect(await hurried.frames(instanceSessionId('helper', id, 'default'))).toEqual([])
    expect((await ask('GET', '/hello?name=you')).text).toBe('hello you')
  })

  test.each([
    ['{"message":" "}', 'message: must be a text that is not blank'],
    ['{"message":"hi","session":""}', 'session: must be a text that is not blank'],
    ['{"message":"hi","session":"task:x"}', 'names that begin with task: are reserved'],
    ['{"message":"hi","more":1}', 'unknown field "more"'],
    ['{"message":', 'is not JSON'],
  ])('refuses the body %s, and says why', async (body, message) => {
    const { status, json } = await ask('POST', '/agents/helper/one', body)
    expect([status, json.error.message.includes(message)]).toEqual([400, true])
    expect(['invalid_request', 'invalid_json']).toContain(json.error.type)
  })

  test('answers with a receipt where the client does not wait, and once for one key', async () => {
    const headers = { ...theirs, 'idempotency-key': 'k1' }
    const first = await ask(
      'POST',
      '/api/agents/helper/two?wait=accepted',
      '{"message":"hi","session":"side"}',
      headers,
    )
    expect([first.status, first.headers.get('location')]).toEqual([202, '/api/agents/helper/two?session=side'])
    expect(first.json).toEqual({
      streamUrl: '/api/agents/helper/two?session=side',
      ...{ offset: expect.any(String), submissionId: expect.any(String), uid: expect.stringMatching(/^inst_/) },
    })
    const again = await ask('POST', '/agents/helper/two?wait=accepted', '{"message":"hi","session":"side"}', headers)
    expect(again.json).toMatchObject({ submissionId: first.json.submissionId, deduplicated: true })
    const other = await ask('POST', '/agents/helper/two?wait=accepted', '{"message":"ho","session":"side"}', headers)
    expect([other.status, other.json.error.type]).toEqual([409, 'submission_conflict'])
    const message = await answerTo('two', 'Yes.', 'side')
    expect(message).toBe(first.json.submissionId)
    const page = await ask('GET', `${first.json.streamUrl}&offset=${first.json.offset}`)
    expect(page.text).toContain('"type":"message_end"')
  })

  describe('takes a message on condition', () => {
    const send = (id: string, uid: unknown, key?: string) =>
      ask('POST', `/agents/helper/${id}?wait=accepted`, JSON.stringify({ message: 'hi', uid }), {
        ...{ ...theirs, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      })
    const stored = (id: string) => world.frames(instanceSessionId('helper', id, 'default'))

    test('that the session is not there yet, also where the same request comes again', async () => {
      const first = await send('cond-new', null, 'begin')
      expect(first.status).toBe(202)
      const again = await send('cond-new', null, 'begin')
      expect([again.status, again.json.submissionId]).toEqual([202, first.json.submissionId])
      const other = await send('cond-new', null)
      expect([other.status, other.json.error]).toMatchObject([
        409,
        { type: 'agent_instance_exists', meta: { uid: first.json.uid } },
      ])
      expect(await stored('cond-new')).toHaveLength(1)
    })

    test('that the session is the one that the client knows', async () => {
      const { uid } = (await send('cond-on', null)).json
      expect((await send('cond-on', uid)).status).toBe(202)
      expect((await send('cond-two', uid)).json.error.type).toBe('agent_instance_not_found')
      const mine = `inst_${instanceSessionId('helper', 'cond-two', 'default')}`
      expect((await send('cond-two', mine)).json.error.type).toBe('agent_instance_not_found')
      expect([(await stored('cond-on')).length, await stored('cond-two')]).toEqual([2, []])
    })

    test.each([7, ' ', {}])('of a known form: not %j', async (uid) => {
      const { status, json } = await send('cond-form', uid)
      expect([status, json.error.message]).toEqual([
        400,
        'The body is not valid: uid: must be a text that is not blank, or null.',
      ])
    })
  })

  test('streams its events, and ends with the result', async () => {
    const asked = ask('POST', '/agents/helper/three', '{"message":"hi"}', { ...theirs, accept: 'text/event-stream' })
    await answerTo('three', 'Streamed.')
    const { headers, text } = await asked
    expect([headers.get('content-type'), headers.get('x-app')]).toEqual([
      'text/event-stream; charset=utf-8',
      'was here',
    ])
    const events = text.split('\n\n').filter((one) => one.startsWith('event: '))
    const types = events.map((one) => /^event: (\w+)/.exec(one)?.[1])
    expect(types).toEqual(['agent_start', 'turn_start', 'message_start', 'message_end', 'turn_end', 'agent_end'])
    expect(events.every((one) => /\nid: \S+\n/.test(one))).toBe(true)
    expect(events.at(-1)).toContain('"text":"Streamed."')
  })

  test('takes a name for whoever asks from its middleware, behind its own', async () => {
    await ask('POST', '/agents/helper/named?wait=accepted', '{"message":"hi"}')
    const [first] = await world.frames(instanceSessionId('helper', 'named', 'default'))
    expect(first?.by).toBe('app:support/ada')
  })

  test('takes any id that is not blank, percent-decoded', async () => {
    const id = 'Ticket #8 / ü'
    await ask('POST', `/agents/helper/${encodeURIComponent(id)}?wait=accepted`, '{"message":"hi"}')
    expect(await world.frames(instanceSessionId('helper', id, 'default'))).toHaveLength(1)
    const blank = await ask('POST', '/agents/helper/%20', '{"message":"hi"}')
    expect([blank.status, blank.json.error.message]).toEqual([400, 'The id of the agent is blank.'])
    const long = await ask('POST', `/agents/helper/${'x'.repeat(129)}`, '{"message":"hi"}')
    expect(long.status).toBe(400)
  })
})

/** The executor's part. */
const ends = (run: string, status: 'completed' | 'failed' = 'completed') => {
  const how = status === 'completed' ? { output: { done: true } } : { error: { code: 'failed', message: 'No paper.' } }
  const over: readonly SessionEvent[] = [
    { type: 'run.ended', data: { status, ...how } },
    { type: 'session.ended', data: { reason: status === 'completed' ? 'completed' : 'error' } },
  ]
  return world.append(sessionOfRun(run), over, { status: 'ended' })
}

describe('a workflow', () => {
  test('is accepted, read, followed to its end by its route, and is not there without', async () => {
    const started = await ask('POST', '/workflows/report', '{"month":"May"}')
    const { runId } = started.json
    expect([started.status, started.json]).toEqual([
      202,
      {
        status: 'accepted',
        runId: expect.stringMatching(/^run_/),
        streamUrl: `/runs/${runId}/stream`,
        offset: expect.any(String),
      },
    ])
    expect(started.headers.get('x-flue-run-id')).toBe(runId)
    expect((await ask('GET', `/runs/${runId}`)).json).toMatchObject({
      ...{ runId, workflowName: 'report', status: 'active', payload: { month: 'May' } },
    })
    const followed = ask('GET', `/runs/${runId}/stream`)
    await ends(runId)
    const { text } = await followed
    expect([...text.matchAll(/^event: (\w+)/gm)].map(([, type]) => type)).toEqual(['run_start', 'run_end'])
    expect((await ask('GET', `/runs/${runId}`)).json).toMatchObject({ status: 'completed', result: { done: true } })
    expect((await ask('GET', `/runs/${runId}/events?types=run_end`)).json.events).toHaveLength(1)
    expect((await ask('GET', `/runs/${runId}`, undefined, {})).status).toBe(401)
    expect((await ask('GET', '/runs/run_nothing')).json.error.type).toBe('run_not_found')
    expect((await ask('POST', '/workflows/shut', '{}')).json.error.type).toBe('workflow_not_found')
    expect((await ask('POST', '/workflows/report', '{}', {})).status).toBe(401)
  })

  test('answers with its result where the client waits for it', async () => {
    const headers = { ...theirs, 'idempotency-key': 'w1' }
    const { runId } = (await ask('POST', '/workflows/report', '', headers)).json
    const waits = ask('POST', '/workflows/report?wait=result', '', headers)
    await ends(runId)
    const { status, json } = await waits
    expect([status, json]).toEqual([200, { result: { done: true }, runId, _meta: { runId } }])
  })
})

describe('an app', () => {
  test('answers its own routes, with bodies of any size as they came, in both directions', async () => {
    const body = 'ü'.repeat(1_500_000)
    const { status, text } = await ask('POST', '/echo', body, { 'content-type': 'text/plain' })
    expect([status, text === body]).toEqual([200, true])
  })

  test('streams its answer, and stops when its client leaves', async () => {
    const leave = new AbortController()
    const answer = await fetch(`${world.url}/endless`, { signal: leave.signal })
    const reader = answer.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('tick')
    leave.abort()
    expect((await ask('GET', '/hello?name=again')).text).toBe('hello again')
  })

  test('takes no address of the gateway', async () => {
    expect((await ask('GET', '/v1/agents', undefined, {})).json.error.code).toBe('unauthorized')
    expect((await ask('GET', '/v1/nothing', undefined, {})).json.error.code).toBe('not_found')
    expect((await ask('GET', '/projects/support/hello?name=p')).text).toBe('hello p')
  })

  test('has the rest of the addresses where the operator names its project, and none of them where he names none', async () => {
    for (const [root, statuses] of [
      [undefined, [404, 200]],
      ['support', [200, 200]],
      ['gone', [404, 200]],
    ] as const) {
      const shared = await startShared(root)
      try {
        const at = (url: string) => ask('GET', url, undefined, theirs, shared)
        const answers = [await at('/hello?name=r'), await at('/projects/support/hello?name=p')]
        expect(answers.map(({ status }) => status)).toEqual(statuses)
      } finally {
        await shared.close()
      }
    }
  })

  test('leaves runs where they belong: their addresses are found by the id, whoever has the rest', async () => {
    const shared = await startShared('shop')
    try {
      const begun = await ask('POST', '/workflows/report', '{}', theirs, shared)
      expect(begun.status).toBe(202)
      expect(await ask('GET', `/runs/${begun.json.runId}`, undefined, theirs, shared)).toMatchObject({
        ...{ status: 200, json: { runId: begun.json.runId, workflowName: 'report' } },
      })
      expect((await ask('GET', `/runs/${begun.json.runId}`, undefined, {}, shared)).status).toBe(401)
      expect((await ask('GET', '/runs/run_nothing', undefined, theirs, shared)).status).toBe(404)
    } finally {
      await shared.close()
    }
  })

  test('has channels, whose handlers see the raw body', async () => {
    const body = '{ "a" : 1 }'
    const signature = createHmac('sha256', 'key').update(body).digest('hex')
    const { json } = await ask('POST', '/channels/github/events/push', body, { 'x-signature': signature })
    expect(json).toEqual({ good: true, bytes: 11 })
    expect((await ask('GET', '/channels/github/events/push')).status).toBe(405)
    expect((await ask('POST', '/channels/github/other', body)).status).toBe(404)
  })
})

describe('dispatch', () => {
  test('gives a receipt when the input is durable, once for one key', async () => {
    const first = await ask('POST', '/hooks/comment', '{"id":"d1","text":"hi","key":"c1"}')
    expect([first.status, first.json]).toEqual([
      202,
      { dispatchId: expect.any(String), acceptedAt: expect.any(String) },
    ])
    const again = await ask('POST', '/hooks/comment', '{"id":"d1","text":"hi","key":"c1"}')
    expect(again.json.dispatchId).toBe(first.json.dispatchId)
    const other = await ask('POST', '/hooks/comment', '{"id":"d1","text":"ho","key":"c1"}')
    expect(other.json.refused).toContain('was used before, with another body')
    const frames = await world.frames(instanceSessionId('helper', 'd1', 'hooks'))
    expect(JSON.stringify(frames[0]?.events)).toContain('comment')
    expect(frames).toHaveLength(1)
  })

  test('is asked of the gateway by who runs the code of workflows and tools, on behalf of their project', async () => {
    const dispatch = { agent: 'helper', id: 'd2', session: 'hooks', input: { wish: 'tea' }, idempotencyKey: 'k' }
    const given = [
      await asked.dispatch({ sender: { project: 'support' }, dispatch }),
      await asked.dispatch({ sender: { agent: 'closed' }, dispatch }),
    ].map(({ value }) => (value as DispatchReceipt).dispatchId)
    expect(given[1]).toBe(given[0])
    const [frame, ...others] = await world.frames(instanceSessionId('helper', 'd2', 'hooks'))
    expect([frame?.by, others]).toEqual(['app:support', []])
    await expect(asked.dispatch({ sender: { project: 'gone' }, dispatch })).rejects.toThrow('is not there any more')
    const foreign = asked.dispatch({ sender: { project: 'support' }, dispatch: { ...dispatch, agent: 'nobody' } })
    await expect(foreign).rejects.toThrow('app:support has no permission')
  })

  test('refuses what is no JSON', async () => {
    const { json } = await ask('POST', '/hooks/named')
    expect(json.refused).toBe('dispatch() input is undefined: use null for an intentional empty payload.')
  })
})

interface Heard {
  readonly type: string
  readonly requestId?: string
  readonly runId?: string
  readonly offset?: string
  readonly event?: { readonly type: string }
  readonly error?: { readonly type: string }
}

async function openSocket(at: string, headers: Record<string, string> = theirs) {
  const frames: Heard[] = []
  const socket = new WebSocket(world.url.replace('http', 'ws') + at, { headers })
  const refused = Promise.withResolvers<number | undefined>()
  const closed = Promise.withResolvers<number>()
  socket.on('message', (data) => frames.push(JSON.parse(String(data))))
  socket.on('unexpected-response', (_request, response) => refused.resolve(response.statusCode))
  socket.on('close', (code) => closed.resolve(code))
  socket.on('error', () => {})
  socket.on('open', () => refused.resolve(undefined))
  return { frames, socket, refused: refused.promise, closed: closed.promise }
}
const say = (socket: WebSocket, frame: object) => socket.send(JSON.stringify({ version: 1, ...frame }))

describe('a WebSocket', () => {
  const open = (id: string, headers?: Record<string, string>) => openSocket(`/agents/helper/${id}`, headers)

  test('is refused before the upgrade where the middleware refuses', async () => {
    expect(await (await open('ws0', {})).refused).toBe(401)
    const closed = new WebSocket(`${world.url.replace('http', 'ws')}/agents/closed/x`)
    const status = await new Promise((resolve) => {
      closed.on('unexpected-response', (_request, response) => resolve(response.statusCode))
      closed.on('error', () => {})
    })
    expect(status).toBe(404)
  })

  test('speaks the frames of an agent', async () => {
    const { frames, socket, refused, closed } = await open('ws1')
    expect(await refused).toBe(undefined)
    await eventually(() => frames.length === 1)
    expect(frames[0]).toEqual({ version: 1, type: 'ready', target: 'agent', name: 'helper', instanceId: 'ws1' })
    say(socket, { type: 'ping', requestId: 'p' })
    say(socket, { type: 'prompt', requestId: ' ', message: 'hi' })
    socket.send('nonsense')
    await eventually(() => frames.length === 4)
    expect(frames[1]).toEqual({ version: 1, type: 'pong', requestId: 'p' })
    expect(frames.slice(2).map(({ type, error }) => [type, error?.type])).toEqual([
      ['error', 'invalid_request'],
      ['error', 'invalid_request'],
    ])
    say(socket, { type: 'prompt', requestId: 'r1', message: 'hi' })
    await answerTo('ws1', 'Over a socket.')
    await eventually(() => frames.at(-1)?.type === 'result')
    const types = frames.slice(4).map(({ type, event }) => event?.type ?? type)
    expect(types).toEqual(['started', 'turn_start', 'message_start', 'message_end', 'turn_end', 'result'])
    expect(frames.at(-1)).toMatchObject({
      version: 1,
      requestId: 'r1',
      offset: expect.any(String),
      result: { text: 'Over a socket.' },
    })
    socket.send(Buffer.from([1]))
    expect(await closed).toBe(1003)
  })

  test('aborts a prompt', async () => {
    const { socket, refused } = await open('ws2')
    await refused
    say(socket, { type: 'prompt', requestId: 'r1', message: 'hi' })
    const at = instanceSessionId('helper', 'ws2', 'default')
    await eventually(async () => (await world.frames(at)).length === 1)
    say(socket, { type: 'abort', requestId: 'r1' })
    const frames = await eventually(async () => {
      const all = await world.frames(at)
      return all.length === 2 && all
    })
    expect(frames[1]).toMatchObject({ by: 'app:support', events: [{ type: expect.stringMatching(/cancel/) }] })
    socket.close()
  })
})

describe('a WebSocket of a workflow', () => {
  const open = (headers?: Record<string, string>) => openSocket('/workflows/report', headers)
  /** With its run begun. */
  async function began(frame: object = { payload: { month: 'May' } }) {
    const one = await open()
    expect(await one.refused).toBe(undefined)
    say(one.socket, { type: 'invoke', requestId: 'r1', ...frame })
    const started = await eventually(() => one.frames.find(({ type }) => type === 'started'))
    return { ...one, runId: started.runId ?? '' }
  }

  test('is refused before the upgrade by its middleware, and where the workflow has none', async () => {
    expect(await (await open({})).refused).toBe(401)
    expect(await (await openSocket('/workflows/shut')).refused).toBe(404)
  })

  test('starts a run, tells its events, and closes with its result', async () => {
    const { frames, runId, closed } = await began()
    await ends(runId)
    expect(await closed).toBe(1000)
    expect(frames.map(({ type, event }) => event?.type ?? type)).toEqual([
      ...['ready', 'started', 'run_start', 'run_end', 'result'],
    ])
    expect(frames[0]).toEqual({ version: 1, type: 'ready', target: 'workflow', name: 'report' })
    expect(frames[2]).toMatchObject({ requestId: 'r1', runId, offset: expect.any(String) })
    expect(frames[2]?.event).toMatchObject({ payload: { month: 'May' }, runId, eventIndex: 0 })
    expect(frames.at(-1)).toMatchObject({ requestId: 'r1', runId, offset: expect.any(String), result: { done: true } })
  })

  test('says why a run failed, and closes with 1011', async () => {
    const { frames, runId, closed } = await began()
    await ends(runId, 'failed')
    expect(await closed).toBe(1011)
    expect(frames.at(-1)).toMatchObject({
      type: 'error',
      runId,
      error: { type: 'workflow_failed', message: 'No paper.' },
    })
  })

  test('lets a client that was cut off take the run up again behind what it has seen', async () => {
    const { frames, socket, runId } = await began()
    const seen = await eventually(() => frames.find(({ type }) => type === 'event'))
    socket.terminate()
    const again = await open()
    await again.refused
    say(again.socket, { type: 'attach', requestId: 'r2', runId, offset: seen.offset })
    await eventually(() => again.frames.some(({ type }) => type === 'started'))
    await ends(runId)
    expect(await again.closed).toBe(1000)
    expect(again.frames.map(({ type, event }) => event?.type ?? type)).toEqual([
      'ready',
      'started',
      'run_end',
      'result',
    ])
  })

  test('begins one run for one key, and takes up no run of another workflow', async () => {
    const one = await began({ idempotencyKey: 'ws-once' })
    const two = await began({ idempotencyKey: 'ws-once' })
    expect(two.runId).toBe(one.runId)
    for (const { socket } of [one, two]) socket.terminate()
    const other = await open()
    await other.refused
    say(other.socket, { type: 'attach', requestId: 'r1', runId: 'run_01ARZ3NDEKTSV4RRFFQ69G5FAV' })
    expect(await other.closed).toBe(1011)
    expect(other.frames.at(-1)).toMatchObject({ type: 'error', error: { type: 'run_not_found' } })
  })

  test('answers what it does not understand, and goes on; a second run ends it', async () => {
    const { frames, socket, refused, closed } = await open()
    await refused
    say(socket, { type: 'prompt', requestId: 'r1', message: 'hi' })
    say(socket, { type: 'invoke', requestId: 'r1', input: {} })
    say(socket, { type: 'abort', requestId: 'r1' })
    say(socket, { type: 'ping' })
    await eventually(() => frames.some(({ type }) => type === 'pong'))
    const refusals = await eventually(() => {
      const errors = frames.filter(({ type }) => type === 'error')
      return errors.length === 3 && errors
    })
    expect(refusals.every(({ error }) => error?.type === 'invalid_request')).toBe(true)
    say(socket, { type: 'invoke', requestId: 'r2' })
    await eventually(() => frames.some(({ type }) => type === 'started'))
    say(socket, { type: 'invoke', requestId: 'r3' })
    expect(await closed).toBe(1008)
    expect(frames.at(-1)).toMatchObject({ type: 'error', requestId: 'r3', error: { type: 'invalid_request' } })
  })

  test('aborts its run', async () => {
    const { socket, runId } = await began()
    say(socket, { type: 'abort', requestId: 'r1' })
    await eventually(async () => {
      const events = (await world.frames(sessionOfRun(runId))).flatMap((frame) => frame.events)
      return events.some(({ type }) => /cancel/.test(type))
    })
    socket.terminate()
  })
})

// The last one: it moves the clock of this gateway.
test('a schedule gives the instance its work when its time has come, as the project', async () => {
  const at = instanceSessionId('helper', 'yearly', 'default')
  expect(await world.frames(at)).toEqual([])
  world.now = Date.UTC(2024, 0, 1, 0, 0, 30)
  const [first] = await eventually(async () => {
    const frames = await world.frames(at)
    return frames.length > 0 ? frames : undefined
  })
  expect(first?.by).toBe('app:support/schedule')
  const received = first?.events.find((event) => event.type === 'message.received')
  expect(JSON.stringify(received)).toContain('happy new year')
})

// The last one: the host that it has is of no use to others.
test('a middleware that changes what all objects have opens nothing, and has nobody else answered wrongly', async () => {
  const poisoned = await ask('POST', '/agents/helper/poisons', '{"message":"hi"}', theirs, hurried)
  expect(poisoned.status).toBeGreaterThanOrEqual(400)
  expect(await hurried.frames(instanceSessionId('helper', 'poisons', 'default'))).toEqual([])
  const closed = await ask('POST', '/agents/helper/after-it', '{"message":"hi"}', {}, hurried)
  expect(closed.status).toBeGreaterThanOrEqual(400)
  expect(await hurried.frames(instanceSessionId('helper', 'after-it', 'default'))).toEqual([])
})
