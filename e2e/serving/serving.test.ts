// An agent that is served, against the services as processes: the frames of api mode, its refusals, how a client goes on; the plain chat.
import { createClient, readAgentEvents } from '@reins/client'
import { apiMode, type Serving } from '@reins/serving'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { World } from '../harness/world.ts'
import { ApiClient, bare, type Frame, textOf } from './api-client.ts'
import { balancerCases } from './balancer-cases.ts'
import { exampleCases } from './example-cases.ts'
import { type ModelServer, modelServer } from './model-server.ts'
import { plainCases } from './plain-cases.ts'
import { type AskingServer, askForPage, askingServer, authorizePage } from './asking-server.ts'

const deadline = 120_000
let world: World
let asking: AskingServer
let model: ModelServer
let first: Serving
let second: Serving
let other: Serving
let api: ApiClient
let elsewhere: ApiClient

const serve = (agent: string): Promise<Serving> => {
  const server = world.api.url()
  return apiMode({
    ...{ agent, server, host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [] },
    connect: (token) => createClient({ baseUrl: server, ...(token === undefined ? {} : { token }) }),
    operatorToken: async () => world.token,
  })
}
/** With a process of its own, for as long as the test runs. */
async function served<T>(agent: string, use: (client: ApiClient) => Promise<T>): Promise<T> {
  const serving = await serve(agent)
  try {
    return await use(new ApiClient(() => serving.url, world.token))
  } finally {
    await serving.close({ withinMs: 1000 })
  }
}

beforeAll(async () => {
  world = await World.open()
  asking = await askingServer()
  model = await modelServer()
  for (const name of ['registry', 'session-gateway', 'executor', 'tool-runner', 'memory'] as const)
    await world.start(name, { environment: { OLLAMA_HOST: model.host } })
  await world.agent('helper')
  await world.agent('careful', { approval_mode: 'always', description: 'Delegate when a file must be written.' })
  await world.agent('short', { max_turns: 1 })
  await world.agent('lead', { agents: ['careful'], tools: [] })
  await world.agent('asked', { mcp_servers: [{ name: 'all', url: asking.url }] })
  first = await serve('helper')
  second = await serve('helper')
  other = await serve('short')
  api = new ApiClient(() => first.url, world.token)
  elsewhere = new ApiClient(() => second.url, world.token)
}, deadline)

afterAll(async () => {
  await Promise.all([first, second, other].map((one) => one?.close({ withinMs: 1000 })))
  await world?.close()
  await asking?.[Symbol.asyncDispose]()
  await model?.[Symbol.asyncDispose]()
}, deadline)

const sessionOf = (frames: readonly Frame[]): string => {
  expect(frames[0]).toMatchObject({ type: 'session_id', id: expect.any(String) })
  return String(frames[0]?.id)
}
const typesOf = (frames: readonly Frame[]): readonly string[] =>
  frames.map(({ type }) => type).filter((type, at, all) => type !== 'token' || all[at - 1] !== 'token')

describe('the frames', () => {
  test('a new session tells its id first, then tokens, then the answer, and ends', async () => {
    const frames = await api.frames('/chat', { body: { message: 'say Hello, world' } })
    sessionOf(frames)
    expect(typesOf(frames)).toEqual(['session_id', 'token', 'response'])
    expect(textOf(frames)).toBe('Hello, world')
    expect(bare(frames).at(-1)).toEqual({ type: 'response', content: 'Hello, world', turn: 1 })
    expect(frames.every(({ cursor }) => cursor !== '')).toBe(true)
  })

  test('a session goes on at another process, and turns are counted from 1', async () => {
    const session = sessionOf(await api.frames('/chat', { body: { message: 'say one' } }))
    const frames = await elsewhere.frames(`/chat?session=${session}`, { body: { message: 'say two' } })
    expect(typesOf(frames)).toEqual(['token', 'response'])
    expect(bare(frames).at(-1)).toEqual({ type: 'response', content: 'two', turn: 2 })
  })

  test('each tool call is told when it begins and when it is done', async () => {
    const frames = await api.frames('/chat', {
      body: {
        message: 'call write_file {"path": "a.txt", "content": "x"} && then call read_file {"path": "none.txt"}',
      },
    })
    expect(bare(frames).filter(({ type }) => String(type).startsWith('tool_'))).toEqual([
      { type: 'tool_start', name: 'write_file', args: { path: 'a.txt', content: 'x' } },
      { type: 'tool_done', name: 'write_file', status: 'success' },
      { type: 'tool_start', name: 'read_file', args: { path: 'none.txt' } },
      { type: 'tool_done', name: 'read_file', status: 'error' },
    ])
    expect(frames.at(-1)).toMatchObject({ type: 'response', turn: 1 })
  })

  test('the client library reads them as the kinds of the harness', async () => {
    const response = await api.fetch('/chat', { body: { message: 'say Hello' } })
    const kinds: string[] = []
    if (response.body) for await (const { event } of readAgentEvents(response.body)) kinds.push(event.kind)
    expect([kinds[0], kinds.at(-1)]).toEqual(['session_id', 'chat_response'])
  })

  test('a turn that fails is an error, and the session lives', async () => {
    const failed = await api.frames('/chat', { body: { message: 'fail refused' } })
    const session = sessionOf(failed)
    expect(typesOf(failed).at(-1)).toBe(failed.at(-1)?.type)
    const frames = await api.frames(`/chat?session=${session}`, { body: { message: 'say still here' } })
    expect(bare(frames).at(-1)).toEqual({ type: 'response', content: 'still here', turn: 2 })
  })

  test('a turn that somebody cancels ends its stream with an error', async () => {
    const frames: Frame[] = []
    for await (const frame of api.stream('/chat', { body: { message: 'stream 2000 every 20' } })) {
      frames.push(frame)
      if (frames.length === 3) await world.api.once('POST', `/v1/sessions/${frames[0]?.id}/cancel`)
    }
    expect(bare(frames).at(-1)).toEqual({ type: 'error', message: 'The turn was cancelled.' })
  })

  test('a session that a person ends is over by user_exit, with its turns', async () => {
    const session = sessionOf(await api.frames('/chat', { body: { message: 'say one' } }))
    const frames: Frame[] = []
    const asked = { body: { message: 'stream 2000 every 20' } }
    for await (const frame of api.stream(`/chat?session=${session}`, asked)) {
      frames.push(frame)
      if (frames.length === 3) await world.api.once('POST', `/v1/sessions/${session}/end`)
    }
    expect(bare(frames).at(-1)).toEqual({ type: 'session_end', reason: 'user_exit', turns: 2 })
  })

  test('a session that is paused tells so, and goes on from there', async () => {
    const frames: Frame[] = []
    for await (const frame of api.stream('/chat', { body: { message: 'stream 60 every 20 && then say done' } })) {
      frames.push(frame)
      if (frames.length === 3) await world.api.once('POST', `/v1/sessions/${frames[0]?.id}/pause`)
    }
    const session = sessionOf(frames)
    expect(frames.at(-1)).toMatchObject({ type: 'error', message: expect.stringContaining('session resume') })
    await world.api.once('POST', `/v1/sessions/${session}/resume`)
    const more = await api.frames(`/chat?session=${session}`, { body: {}, lastEventId: String(frames.at(-1)?.cursor) })
    expect(more.at(-1)).toMatchObject({ type: 'response', turn: 1 })
  })

  test('the last turn that the definition allows ends the session by max_turns', async () => {
    const short = new ApiClient(() => other.url, world.token)
    const frames = await short.frames('/chat', { body: { message: 'say only this' } })
    const session = sessionOf(frames)
    expect(frames.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    await expect
      .poll(async () => (await world.api.once<{ status: string }>('GET', `/v1/sessions/${session}`)).body.status)
      .toBe('ended')
    const end = await short.frames(`/chat?session=${session}`, { body: {}, lastEventId: String(frames.at(-1)?.cursor) })
    expect(bare(end)).toEqual([{ type: 'session_end', reason: 'max_turns', turns: 1 }])
    expect(await short.refusal(`/chat?session=${session}`, { body: { message: 'more' } })).toMatchObject({
      ...{ status: 409, code: 'session_ended', message: `Session ${session} has ended: max_turns, after 1 turns.` },
    })
  })
})

describe('what waits for a person', () => {
  test('an approval ends the stream, and its decision tells the rest', () =>
    served('careful', async (client) => {
      const asked = await client.frames('/chat', {
        body: { message: 'call write_file {"path": "b.txt", "content": "y"}' },
      })
      const session = sessionOf(asked)
      const { call_id: call, ...ask } = bare(asked).at(-1) ?? {}
      expect(ask).toEqual({
        ...{ type: 'approval', name: 'write_file', args: { path: 'b.txt', content: 'y' }, reason: expect.any(String) },
      })
      expect(await client.refusal(`/chat?session=${session}`, { body: { message: 'hello?' } })).toMatchObject({
        ...{ status: 409, code: 'session_busy', message: expect.stringContaining('waits for a person') },
      })
      const again = await client.frames(`/chat?session=${session}`, {
        body: {},
        lastEventId: String(asked.at(-1)?.cursor),
      })
      expect(bare(again)).toEqual([bare(asked).at(-1)])
      const rest = await client.frames(`/approval/${call}?session=${session}`, { body: { verdict: 'approved' } })
      expect(typesOf(rest).slice(0, 2)).toEqual(['tool_start', 'tool_done'])
      expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
      expect(
        await client.refusal(`/approval/${call}?session=${session}`, { body: { verdict: 'approved' } }),
      ).toMatchObject({ status: expect.toSatisfy((status: number) => status === 404 || status === 409) })
    }))

  test('two calls that wait are asked for one after the other; a denied one is told as an error', () =>
    served('careful', async (client) => {
      const message =
        'call write_file {"path": "c.txt", "content": "1"} & call write_file {"path": "d.txt", "content": "2"}'
      const one = await client.frames('/chat', { body: { message } })
      const session = sessionOf(one)
      const two = await client.frames(`/approval/${one.at(-1)?.call_id}?session=${session}`, {
        ...{ body: { verdict: 'denied', reason: 'no' }, lastEventId: String(one.at(-1)?.cursor) },
      })
      expect(two.at(-1)).toMatchObject({ type: 'approval', args: { path: 'd.txt' } })
      const end = await client.frames(`/approval/${two.at(-1)?.call_id}?session=${session}`, {
        ...{
          body: { verdict: 'edited', args: { path: 'e.txt', content: '3' } },
          lastEventId: String(two.at(-1)?.cursor),
        },
      })
      const told = bare([...one, ...two, ...end])
      expect(told).toContainEqual({ type: 'tool_done', name: 'write_file', status: 'error' })
      expect(told).toContainEqual({ type: 'tool_start', name: 'write_file', args: { path: 'e.txt', content: '3' } })
      expect(told).toContainEqual({ type: 'tool_done', name: 'write_file', status: 'success' })
      expect(told.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    }))

  test('what an agent below waits for is told too, and answered through the session above', () =>
    served('lead', async (client) => {
      const instruction = 'call write_file {\\"path\\": \\"f.txt\\", \\"content\\": \\"4\\"}'
      const asked = await client.frames('/chat', {
        body: { message: `call delegate {"agent": "careful", "instruction": "${instruction}"}` },
      })
      const session = sessionOf(asked)
      const ask = asked.at(-1)
      expect(ask).toMatchObject({ type: 'approval', name: 'write_file', session: expect.stringContaining(session) })
      const rest = await client.frames(`/approval/${ask?.call_id}?session=${session}`, {
        body: { verdict: 'approved' },
      })
      expect(bare(rest)).toContainEqual({ type: 'tool_done', name: 'delegate', status: 'success' })
      expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    }))

  test('a page that a server wants to be opened is an elicitation; its answer tells the rest', () =>
    served('asked', async (client) => {
      const asked = await client.frames('/chat', { body: { message: askForPage } })
      const session = sessionOf(asked)
      const { elicitation_id: id, ...ask } = bare(asked).at(-1) ?? {}
      expect(ask).toEqual({
        ...{ type: 'elicitation', url: authorizePage, message: 'Please allow it', server_name: 'all', mode: 'url' },
      })
      const answer = { body: { elicitation_id: id, action: 'accept' } }
      const rest = await client.frames(`/elicitation/${id}?session=${session}`, answer)
      expect(bare(rest)).toContainEqual(expect.objectContaining({ type: 'tool_done', status: 'success' }))
      expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
      expect(await client.refusal(`/elicitation/${id}?session=${session}`, answer)).toMatchObject({
        status: expect.toSatisfy((status: number) => status === 404 || status === 409),
      })
      expect(
        await client.refusal(`/elicitation/none?session=${session}`, { body: { action: 'accept' } }),
      ).toMatchObject({
        ...{ status: 404, code: 'elicitation_not_found' },
      })
    }))
})

describe('before the stream', () => {
  test('health is public, and says just that', async () => {
    const response = await api.fetch('/health', { token: '' })
    expect([response.status, await response.text()]).toEqual([200, '{"status":"ok"}'])
  })

  test('a request without a token is refused: the token of the operator is not used', async () => {
    for (const token of ['', ' ', 'two words'])
      expect(await api.refusal('/chat', { token, body: { message: 'say x' } })).toEqual({
        ...{ status: 401, code: 'unauthorized', message: 'Missing or invalid Authorization header' },
      })
    expect(await api.refusal('/session/x', { token: '' })).toMatchObject({ status: 401 })
    expect(await api.refusal('/approval/x?session=y', { token: '', body: {} })).toMatchObject({ status: 401 })
    expect(await api.refusal('/elicitation/x?session=y', { token: '', body: {} })).toMatchObject({ status: 401 })
    expect(await api.refusal('/chat', { token: 'unknown', body: { message: 'say x' } })).toMatchObject({
      ...{ status: 401, code: 'unauthorized' },
    })
  })

  test('no message, no session, a session of another agent, and a busy one', async () => {
    expect(await api.refusal('/chat', { body: {} })).toMatchObject({
      status: 400,
      message: 'The body has no "message".',
    })
    expect(await api.refusal('/chat', { body: { message: 7 } })).toMatchObject({ status: 400 })
    expect(await api.refusal('/chat', { body: '{"message"' })).toMatchObject({ status: 400, code: 'invalid_json' })
    expect(await api.refusal('/chat?session=none', { body: { message: 'x' } })).toMatchObject({ status: 404 })
    const unknown = '01JDTESTSESSION00000000000'
    expect(await api.refusal(`/chat?session=${unknown}`, { body: { message: 'x' } })).toMatchObject({
      ...{ status: 404, code: 'session_not_found' },
    })
    const { session } = await world.api.create('careful', 'say hello')
    expect(await api.refusal(`/chat?session=${session.id}`, { body: { message: 'x' } })).toMatchObject({
      ...{ status: 404, message: `Session ${session.id} belongs to another agent than helper.` },
    })
    const busy = await world.api.create('helper', 'stream 2000 every 20')
    expect(await api.refusal(`/chat?session=${busy.session.id}`, { body: { message: 'x' } })).toMatchObject({
      ...{ status: 409, code: 'session_busy' },
    })
    await world.api.once('POST', `/v1/sessions/${busy.session.id}/cancel`)
    expect(await api.refusal('/elsewhere', {})).toMatchObject({ status: 404, code: 'not_found' })
    expect(await api.refusal('/chat', {})).toMatchObject({ status: 405 })
  })

  test('a foreign Origin is refused, and so is a body that a page can send unasked', async () => {
    const headers = { origin: 'https://evil.example' }
    expect(await api.refusal('/chat', { body: { message: 'x' }, headers })).toMatchObject({ status: 403 })
    const plain = { 'content-type': 'text/plain' }
    expect(await api.refusal('/chat', { body: { message: 'x' }, headers: plain })).toMatchObject({ status: 415 })
  })

  test("a session is shown by the caller's own token", async () => {
    const session = sessionOf(await api.frames('/chat', { body: { message: 'say one' } }))
    const shown = await (await api.fetch(`/session/${session}`)).json()
    expect(shown).toMatchObject({ id: session, agent: 'helper', status: 'idle', turns: 1 })
  })
})

describe('whoever comes back', () => {
  test('a client that leaves in the middle of an answer goes on at another process, and lacks nothing', async () => {
    const seen: Frame[] = []
    for await (const frame of api.stream('/chat', { body: { message: 'stream 100 every 20' } })) {
      seen.push(frame)
      if (seen.length === 20) break
    }
    const session = sessionOf(seen)
    const rest = await elsewhere.frames(`/chat?session=${session}`, {
      ...{ body: { message: 'stream 100 every 20' }, lastEventId: String(seen.at(-1)?.cursor) },
    })
    expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    expect(textOf([...seen, ...rest])).toBe(rest.at(-1)?.content)
    expect(
      (await world.readLog(session)).flatMap(({ frame }) =>
        frame.events.filter(({ type }) => type === 'message.received'),
      ),
    ).toHaveLength(1)
  })

  test('whoever comes back after the answer gets what was missed of it', async () => {
    const seen: Frame[] = []
    for await (const frame of api.stream('/chat', { body: { message: 'stream 40 every 20' } })) {
      seen.push(frame)
      if (seen.length === 10) break
    }
    const session = sessionOf(seen)
    await world.settled(session)
    const rest = await elsewhere.frames(`/chat?session=${session}`, {
      body: {},
      lastEventId: String(seen.at(-1)?.cursor),
    })
    expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    expect(textOf([...seen, ...rest])).toBe(rest.at(-1)?.content)
  })

  test('behind the answer it is told once more; a new message there is a new turn', async () => {
    const frames = await api.frames('/chat', { body: { message: 'say one' } })
    const session = sessionOf(frames)
    const last = String(frames.at(-1)?.cursor)
    const again = await elsewhere.frames(`/chat?session=${session}`, { body: {}, lastEventId: last })
    expect(bare(again)).toEqual([{ type: 'response', content: 'one', turn: 1 }])
    const next = await elsewhere.frames(`/chat?session=${session}`, { body: { message: 'say one' }, lastEventId: last })
    expect(next.at(-1)).toMatchObject({ type: 'response', content: 'one', turn: 2 })
  })

  test('a gateway that is killed in the middle of an answer leaves no gap', async () => {
    const frames: Frame[] = []
    for await (const frame of api.stream('/chat', { body: { message: 'stream 150 every 20' } })) {
      frames.push(frame)
      if (frames.length !== 20) continue
      const [gateway] = world.gateways
      if (!gateway) throw new Error('no gateway')
      await gateway.kill()
      await world.replaceGateway(gateway)
    }
    expect(frames.at(-1)).toMatchObject({ type: 'response', turn: 1 })
    expect(textOf(frames)).toBe(frames.at(-1)?.content)
  })

  test('a process that closes ends its streams with a last frame, from which another goes on', async () => {
    const serving = await serve('helper')
    const leaving = new ApiClient(() => serving.url, world.token)
    const seen: Frame[] = []
    for await (const frame of leaving.stream('/chat', { body: { message: 'stream 100 every 20' } })) {
      seen.push(frame)
      if (seen.length === 10) void serving.close({ withinMs: 5000 })
    }
    expect(seen.at(-1)).toMatchObject({ type: 'error', message: expect.stringContaining('shutting down') })
    const session = sessionOf(seen)
    const rest = await api.frames(`/chat?session=${session}`, { body: {}, lastEventId: String(seen.at(-1)?.cursor) })
    expect(textOf([...seen, ...rest])).toBe(rest.at(-1)?.content)
  })
})

describe('the examples', () => exampleCases(() => world, serve))

describe('behind a balancer', () => balancerCases(() => world))

describe('the plain chat', () => plainCases(() => world))
