// Messages to agents that code configures: the registry, whose initializers run, is played by the test.
import type { AgentDefinition, CodeBuild, ProjectEntry } from '@reins/contracts'
import { definitionDigest } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { World } from './world.ts'

const configure = 'svc.registry.configure'
const code: CodeBuild = { project: 'desk', build: 3, digest: 'sha256:b3', size: 9, file: 'src/agents/ticket.ts' }
const project: ProjectEntry = {
  ...{ name: 'desk', version: 3, digest: 'sha256:b3', size: 9, previous: [], deleted: false },
  ...{ createdAt: 1, updatedAt: 1, by: 'user:admin' },
  manifest: {
    agents: [{ name: 'ticket', route: true, websocket: false, file: 'src/agents/ticket.ts' }],
    ...{ workflows: [], channels: [], app: false },
  },
}

let world: World
/** What the registry has kept. */
const versions = new Map<string, AgentDefinition>()
beforeAll(async () => {
  world = await World.start({ projects: [project], versions })
})
afterAll(() => world.close())

/** What the initializer gives from now on; gives the digest. */
function gives(prompt: string, from: CodeBuild = code, more: Partial<AgentDefinition> = {}): string {
  const definition: AgentDefinition = { name: 'ticket', model: 'scripted/echo', system_prompt: prompt, ...more }
  const digest = definitionDigest(definition)
  versions.set(digest, definition)
  world.replies = { [configure]: { ok: true, value: { agent: 'ticket', digest, definition, code: from } } }
  return digest
}
const asked = () => world.calls.filter(({ subject }) => subject === configure).map(({ request }) => request)

async function begun(instance: string): Promise<string> {
  const { status, json } = await world.request('POST', '/v1/sessions', { body: { agent: 'ticket', instance } })
  expect(status).toBe(201)
  return json.session.id
}
const send = (session: string, body: object = {}, headers: Record<string, string> = {}) =>
  world.request('POST', `/v1/sessions/${session}/messages`, {
    body: { content: [{ type: 'text', text: 'hi' }], ...body },
    headers,
  })
const framesOf = async (session: string) =>
  (await world.frames(session)).map(({ events }) => events.map(({ type }) => type))

describe('a message to an agent that code configures', () => {
  test('begins its session with the build that the session keeps', async () => {
    const digest = gives('One.')
    const [first] = await world.frames(await begun('a'))
    expect(first?.events).toMatchObject([
      { type: 'session.started', data: { agent: 'ticket', digest } },
      { type: 'agent.configured', data: { code } },
    ])
    expect(first?.needs).toBe(6)
    expect(asked().at(-1)).toEqual({ agent: 'ticket', id: 'a', by: 'admin' })
  })

  test('runs the initializer of that build for its instance; what is the same is not recorded', async () => {
    gives('One.')
    const session = await begun('b')
    expect((await send(session)).status).toBe(202)
    expect(asked().at(-1)).toEqual({ agent: 'ticket', id: 'b', code, by: 'admin' })
    expect(await framesOf(session)).toEqual([['session.started', 'agent.configured'], ['message.received']])
  })

  test('records what differs before the message, once, in the same frame', async () => {
    gives('One.')
    const session = await begun('c')
    const second = gives('Two.')
    await send(session)
    await send(session)
    expect((await framesOf(session)).slice(1)).toEqual([['agent.configured', 'message.received'], ['message.received']])
    const [, changed] = await world.frames(session)
    expect(changed?.events[0]?.data).toMatchObject({ code, pinned: { digest: second, model: 'scripted/echo' } })
    const { json } = await world.request('GET', `/v1/sessions/${session}`)
    expect(json.digest).toBe(second)
  })

  test('is configured for the instance also where it comes with its address', async () => {
    gives('One.')
    const session = await begun('d')
    gives('Two.')
    const body = { agent: 'ticket', instance: 'd', message: 'hi' }
    expect((await world.request('POST', '/v1/sessions', { body })).status).toBe(200)
    expect((await framesOf(session)).slice(1)).toEqual([['agent.configured', 'message.received']])
  })

  test('is refused with what is wrong where the initializer fails; nothing of it is kept, and the next one is answered', async () => {
    gives('One.')
    const session = await begun('e')
    const message = 'The agent ticket cannot be configured:\n  src/agents/ticket.ts: the initializer failed: no luck'
    world.replies = { [configure]: { ok: false, error: { code: 'invalid_agent', message } } }
    const headers = { 'idempotency-key': 'once' }
    const refused = await send(session, {}, headers)
    expect([refused.status, refused.json.error.code, refused.json.error.message]).toEqual([
      422,
      'invalid_agent',
      message,
    ])
    expect(await framesOf(session)).toHaveLength(1)
    gives('One.')
    expect((await send(session, {}, headers)).status).toBe(202)
    expect((await framesOf(session)).slice(1)).toEqual([['message.received']])
  })

  test('is refused where nobody can run the initializer now', async () => {
    gives('One.')
    const session = await begun('f')
    world.replies = {}
    expect((await send(session)).status).toBe(503)
    expect(await framesOf(session)).toHaveLength(1)
  })

  test('is decided on the session as it is, where others wrote meanwhile', async () => {
    gives('One.')
    const session = await begun('g')
    gives('Two.')
    const answers = await Promise.all([send(session), send(session), send(session)])
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    const all = (await framesOf(session)).flat()
    expect(all.filter((type) => type === 'agent.configured')).toHaveLength(2)
    expect(all.filter((type) => type === 'message.received')).toHaveLength(3)
  })

  test('is taken also where a newer build has written to the session: what stands is said again', async () => {
    gives('One.')
    const session = await begun('h')
    await world.append(session, [{ type: 'turn.marked', data: {} } as never])
    expect((await send(session)).status).toBe(202)
    expect((await framesOf(session)).at(-1)).toEqual(['agent.configured', 'message.received'])
  })

  test('of another kind asks nobody', async () => {
    const before = asked().length
    await send(await world.session())
    expect(asked()).toHaveLength(before)
  })
})

describe('an upgrade of a session', () => {
  const upgrade = (session: string, body: object = {}) =>
    world.request('POST', `/v1/sessions/${session}/upgrade`, { body })
  const later: CodeBuild = { ...code, build: 4, digest: 'sha256:b4' }

  test('is told before it is done: a dry run appends nothing', async () => {
    const from = gives('One.')
    const session = await begun('u1')
    const to = gives('Two.', later)
    const { status, json } = await upgrade(session, { dry_run: true })
    expect([status, json]).toEqual([
      200,
      {
        ...{ id: session, status: 'idle', upgraded: false, cursor: expect.any(String) },
        ...{ from: { digest: from, build: 3 }, to: { digest: to, build: 4 }, breaks: [], obstacles: [] },
        changes: [{ what: 'system_prompt', change: 'changed', from: 'One.', to: 'Two.' }],
      },
    ])
    expect(await framesOf(session)).toHaveLength(1)
    expect(asked().at(-1)).toEqual({ agent: 'ticket', id: 'u1', by: 'admin' })
  })

  test('moves it to the build of now, whose initializer runs for its messages from then on', async () => {
    gives('One.')
    const session = await begun('u2')
    gives('Two.', later)
    const done = await upgrade(session)
    expect([done.status, done.json.upgraded]).toEqual([202, true])
    expect((await framesOf(session)).at(-1)).toEqual(['session.upgraded'])
    await send(session)
    expect(asked().at(-1)).toMatchObject({ id: 'u2', code: later })
    expect((await framesOf(session)).at(-1)).toEqual(['message.received'])
    const again = await upgrade(session)
    expect([again.status, again.json.upgraded, again.json.changes]).toEqual([200, false, []])
  })

  test('is refused where something breaks, unless that is what is wanted', async () => {
    gives('One.', code, { planning: true })
    const session = await begun('u3')
    await world.append(session, [
      {
        type: 'plan.updated',
        data: { call: 'p', steps: [{ name: 'look', description: 'Look.', status: 'pending' }] },
      },
    ])
    gives('Two.', later)
    const refused = await upgrade(session)
    expect([refused.status, refused.json.error.code]).toEqual([409, 'session_conflict'])
    expect(refused.json.error).toMatchObject({
      message: expect.stringContaining('It has a plan with open steps, and does not plan then.'),
      next: expect.stringContaining('--force'),
    })
    expect((await upgrade(session, { dry_run: true })).json.breaks).toHaveLength(1)
    expect((await upgrade(session, { force: true })).status).toBe(202)
  })

  test('to nothing newer, of no session, and of one that has ended', async () => {
    const same = await upgrade(await world.session())
    expect([same.status, same.json.upgraded]).toEqual([200, false])
    expect((await upgrade('01HZZZZZZZZZZZZZZZZZZZZZZZ')).status).toBe(404)
    const session = await world.session()
    await world.append(session, [{ type: 'session.ended', data: { reason: 'x' } }], { status: 'ended' })
    expect((await upgrade(session)).json.error.code).toBe('session_ended')
    expect((await upgrade(session, { wrong: 1 })).status).toBe(400)
  })
})
