// Every route, every message of the socket and every request to another service, with every role: what the table of operations says is
// what happens. A route that names no need fails here.
import { createHash } from 'node:crypto'
import { builtinRoles, makeTokenText, type PrincipalEntry, SocketCommand, tokenIdOf } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allowedOf, type Need, type Subject } from '../src/api/access/needs.ts'
import { operations } from '../src/api/operations.ts'
import { permissionsDocument } from '../src/index.ts'
import { World } from './world.ts'

const scoped = {
  'helper-user': [
    'agent:helper:start',
    'workflow:agents:agent_chat:run',
    'agent:helper:session:read',
    'execution:*:read',
  ],
  caller: [
    ...['agent:helper:start', 'workflow:agents:agent_chat:run'],
    ...['read_file', 'grep'].map((tool) => `workflow:agents:agent_chat:task:${tool}:execute`),
  ],
  'helper-reader': ['session:helper:read', 'agent:helper:read', 'usage:helper:read'],
  'helper-approver': ['approval:helper:shell', 'session:helper:read'],
  'other-user': ['agent:other:*', 'workflow:agents:agent_chat:*', 'session:other:*', 'execution:*', 'approval:other:*'],
  'ann-memory': ['memory:user%3Aann:*', 'secret:ONE:*', 'config:one:*', 'webhook:wh_1:*'],
  'token-maker': ['token:token-maker:*', 'role:own:*', 'principal:bob:*', 'agent:helper:read'],
  'helper-counter': ['usage:helper:read'],
  'shell-approver': ['approval:helper:shell', 'webhook:*:manage'],
  'hook-maker': ['webhook:*:manage', 'session:helper:read'],
  'helper-author': ['agent:helper:create', 'agent:helper:update', 'secret:use:ONE'],
  'helper-writer': ['agent:helper:create', 'agent:helper:update', 'secret:TWO:manage'],
  nothing: ['agent:someone:read'],
}
const roles: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(builtinRoles.map(({ name, permissions }) => [name, permissions])),
  ...scoped,
}
const leaving = ['agent:helper:start', 'workflow:agents:agent_chat:run', 'session:helper:*']
const at = { createdAt: 1, updatedAt: 1, by: 'user:admin' }

const idOf = (text: string) => tokenIdOf(createHash('sha256').update(text).digest('hex'))

const people: PrincipalEntry[] = [
  ...Object.entries(roles),
  ['banned', ['*']] as const,
  ['leaver', leaving] as const,
].map(([name, permissions]) => ({
  ...{ name, kind: 'person' as const, banned: name === 'banned', ...at },
  ...(builtinRoles.some((role) => role.name === name)
    ? { roles: [name], permissions: [] }
    : { roles: [], permissions: [...permissions] }),
}))

let world: World
let helper: string
let other: string
let routes: readonly { name: string; method: string; path: string; summary: string; needs: Need | undefined }[]

beforeAll(async () => {
  world = await World.start({
    tokens: {
      ...Object.fromEntries(Object.keys(roles).map((name) => [name, { scope: ['*'] }])),
      short: { principal: 'admin', scope: ['*'], expiresAt: 1_700_000_060_000 },
      narrow: { principal: 'admin', scope: ['agent:*:read'] },
      banned: { scope: ['*'] },
      leaver: { scope: ['*'] },
    },
    principals: people,
  })
  helper = await world.session()
  other = `${helper.slice(0, -4)}0000`
  const [first] = await world.frames(helper)
  await world.append(
    other,
    (first?.events ?? []).map((event) =>
      event.type === 'session.started' ? { ...event, data: { ...event.data, agent: 'other' } } : event,
    ),
    { role: 'g', status: 'idle' },
  )
  const { json } = await world.request('GET', '/openapi.json', { token: null })
  type Methods = Record<string, { summary: string; security: unknown[]; 'x-permissions'?: string[][] }>
  routes = Object.entries<Methods>(json.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...{ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, summary: operation.summary },
      needs: operation['x-permissions']?.map((all) => all.map((one) => one.replaceAll(/<(\w+)>/g, '{$1}'))),
    })),
  )
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

/** What a route is asked about: helper's things, with a body that its form lets in. */
const bodies: Readonly<Record<string, { readonly body: unknown; readonly subject?: Subject }>> = {
  'PUT /v1/agents/{name}': { body: { name: 'helper', model: 'm/m', system_prompt: 'x' } },
  'PUT /v1/secrets/{name}': { body: { value: 'x' } },
  'PUT /v1/configs/{name}': { body: { value: 1 } },
  'PUT /v1/memory/entry': { body: { value: 1 } },
  'POST /v1/webhooks': { body: { url: 'https://example.com', on: ['*'] } },
  'POST /v1/sessions': { body: { agent: 'helper' } },
  'POST /v1/sessions/{id}/messages': { body: { content: 'x', onBusy: 'reject' } },
  'POST /v1/sessions/{id}/budget': { body: { tokens: 1 } },
  'POST /v1/sessions/{id}/fork': { body: {} },
  'POST /v1/sessions/{id}/upgrade': { body: { dry_run: true } },
  'POST /v1/sessions/{id}/approvals/{call}': { body: { verdict: 'approve' } },
  'POST /v1/sessions/{id}/elicitations/{elicitation}': { body: { action: 'decline' } },
  'POST /v1/tokens': { body: { principal: 'bob', permissions: [] } },
  'POST /v1/roles/{name}': { body: { permissions: [] } },
  'PUT /v1/roles/{name}': { body: { permissions: [] } },
  'POST /v1/principals': { body: { name: 'bob' } },
  'POST /v1/principals/{name}/grant': { body: { roles: [], permissions: [] } },
  'POST /v1/principals/{name}/revoke': { body: { roles: [], permissions: [] } },
  'POST /v1/principals/{name}/ban': { body: {} },
}
const queries: Readonly<Record<string, string>> = {
  'GET /v1/memory/entries': '?scope=user:ann',
  'DELETE /v1/memory/entries': '?scope=user:ann&all=true',
  'GET /v1/memory/search': '?scope=user:ann&query=x',
  'GET /v1/memory/entry': '?scope=user:ann&key=x',
  'GET /v1/memory/history': '?scope=user:ann&key=x',
  'PUT /v1/memory/entry': '?scope=user:ann&key=x',
  'DELETE /v1/memory/entry': '?scope=user:ann&key=x',
  'GET /v1/access/can': '?action=agent:x:start',
}

function about({ name, path }: { name: string; path: string }, session: string, agent: string) {
  const kind = path.replace('/v1/', '/').split('/')[1] ?? ''
  const named: Readonly<Record<string, readonly [string, Subject]>> = {
    agents: [agent, { agent }],
    secrets: ['ONE', { secret: 'ONE' }],
    configs: ['one', { config: 'one' }],
    roles: ['own', { role: 'own' }],
    principals: ['bob', { principal: 'bob' }],
  }
  const [value, subject] = named[kind] ?? ['x', {}]
  const ofSession = path.startsWith('/v1/sessions/{id}') || path.startsWith('/executions/{id}')
  const ofWebhook = path.startsWith('/v1/webhooks/{id}')
  const filled = path
    .replace('{name}', value)
    .replace('{id}', ofSession ? session : ofWebhook ? 'wh_1' : '0123456789abcdef')
    .replaceAll(/\{\w+\}/g, 'none')
  return {
    url: filled + (queries[name] ?? ''),
    subject: {
      ...(path.includes('{name}') ? subject : {}),
      ...(ofSession ? { session, agent } : {}),
      ...(ofWebhook ? { webhook: 'wh_1' } : {}),
      ...(name === 'POST /v1/sessions' ? { agent } : {}),
      ...(name === 'POST /v1/tokens' || name === 'POST /v1/principals' ? { principal: 'bob' } : {}),
      ...(kind === 'memory' && !path.endsWith('/scopes') ? { scope: 'user:ann' } : {}),
    } satisfies Subject,
  }
}

/** No call waits, and nothing is granted: what names a tool is decided for all tools. */
const mayOf = (granted: readonly string[], needs: Need, subject: Subject, ofAgent = false): boolean => {
  const list = ofAgent || !Object.keys(subject).some((hole) => hole !== 'principal' || subject.principal)
  const allowed = allowedOf(granted, needs, subject)
  return list ? allowed.length > 0 : allowed.some((one) => Object.keys(one).length === 0)
}

describe('every route', () => {
  test('names what it needs, but for those that are public on purpose', () => {
    expect(
      routes
        .filter(({ needs }) => needs === undefined)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'GET /',
      'GET /.well-known/oauth-protected-resource',
      ...['GET /health', 'GET /openapi.json', 'GET /ready', 'GET /v1/auth/config'],
    ])
    expect(
      routes
        .filter(({ needs }) => needs?.length === 0)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...['DELETE /v1/tokens/{id}', 'GET /v1/access/can', 'GET /v1/access/me']])
  })

  test.each(Object.keys(roles))(
    'does for %s what the table says, and asks nobody else where it refuses',
    async (role) => {
      const granted = roles[role] ?? []
      for (const [session, agent] of [
        [helper, 'helper'],
        [other, 'other'],
      ] as const)
        for (const route of routes) {
          if (route.path.endsWith('/socket') || route.needs === undefined) continue
          const { url, subject } = about(route, session, agent)
          const body = bodies[route.name]?.body
          const sent = route.name === 'POST /v1/sessions' ? { agent } : body
          if (route.name === 'DELETE /v1/tokens/{id}' || route.path === '/metrics') continue // see below
          world.calls.length = 0
          const { status, json } = await world.request(route.method, url, {
            token: role,
            ...(sent === undefined ? {} : { body: sent }),
            ...(route.path.endsWith('/events') ? { headers: { accept: 'application/json' } } : {}),
          })
          const expected =
            route.needs.length === 0 ||
            mayOf(granted, route.needs, subject, route.name === 'GET /agents/{name}/sessions')
          // Both sessions are there: whoever may not read one is told that it is not.
          const refused = status === 403 || json?.error?.code === 'session_not_found'
          expect([route.name, agent, refused], JSON.stringify(json)).toEqual([route.name, agent, !expected])
          if (status === 403) expect(json.error.code).toBe('forbidden')
          if (refused) expect([route.name, world.calls]).toEqual([route.name, []])
        }
    },
  )

  test('of metrics and of tokens that are revoked, too', async () => {
    for (const [role, granted] of Object.entries(roles)) {
      const metrics = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${role}` } })
      expect([role, metrics.status]).toEqual([
        role,
        granted.some((one) => ['*', 'metrics:read'].includes(one)) ? 200 : 403,
      ])
      await metrics.text()
    }
    const revoke = (id: string, token: string) => world.request('DELETE', `/v1/tokens/${id}`, { token })
    expect((await revoke(idOf('admin'), 'operator')).status).toBe(403)
    expect((await revoke(idOf('admin'), 'token-maker')).status).toBe(403)
    // Nobody answers in place of the registry: what is asked of it was let pass.
    expect((await revoke(idOf('viewer'), 'viewer')).status).toBe(503)
    expect((await revoke(idOf('viewer'), 'admin')).status).toBe(503)
    expect((await revoke('0000000000000000', 'viewer')).status).toBe(403)
  })

  test('is refused without a token, with one that is not known, banned or expired', async () => {
    for (const { name, method, path, needs } of routes) {
      if (needs === undefined || path.endsWith('/socket')) continue
      const { url } = about({ name, path }, helper, 'helper')
      expect([name, (await world.request(method, url, { token: null })).status]).toEqual([name, 401])
      expect([name, (await world.request(method, url, { token: 'nobody' })).status]).toEqual([name, 401])
    }
  })

  test('docs/permissions.md is in step with the table', async () => {
    // Written anew by: vitest run -u services/session-gateway
    await expect(permissionsDocument(routes)).toMatchFileSnapshot('../../../docs/permissions.md')
  })

  test('has one summary, so that the page names the right one', () => {
    const summaries = Object.values(operations).map(({ summary }) => summary)
    expect(new Set(summaries).size).toBe(summaries.length)
  })
})

describe('nobody gives away more than he has', () => {
  const ask = async (role: string, method: string, path: string, body: unknown) => {
    const { status, json } = await world.request(method, path, { token: role, body })
    return [status, json.error.message as string] as const
  }
  const more = expect.stringContaining('nobody gives away more than he has')

  test.each([
    ['by a token', 'POST', '/v1/tokens', { permissions: ['*'] }],
    ['by a token that is a little wider', 'POST', '/v1/tokens', { permissions: ['agent:*:read'] }],
    ['by a token of a role', 'POST', '/v1/tokens', { roles: ['viewer'] }],
    ['by permissions of before', 'POST', '/v1/tokens', { permissions: ['agents:read'] }],
    ['by a role of his own', 'PUT', '/v1/roles/own', { permissions: ['token:token-maker:*', 'role:*'] }],
    ['by a new role', 'POST', '/v1/roles/own', { permissions: ['agent:helper:*'] }],
    ['by a grant to another', 'POST', '/v1/principals/bob/grant', { roles: ['admin'] }],
    [
      'by a permission to another',
      'POST',
      '/v1/principals/bob/grant',
      { permissions: ['agent:helper:read', 'agent:*'] },
    ],
    ['by a new principal', 'POST', '/v1/principals', { name: 'bob', roles: ['operator'] }],
  ])('%s', async (_how, method, path, body) => {
    world.calls.length = 0
    expect(await ask('token-maker', method, path, body)).toEqual([403, more])
    expect(world.calls).toEqual([])
  })

  test.each([
    ['a token for somebody else', 'POST', '/v1/tokens', { principal: 'admin', permissions: ['agent:helper:read'] }],
    ['a grant to himself', 'POST', '/v1/principals/token-maker/grant', { roles: ['viewer'] }],
    ['a role of another name', 'PUT', '/v1/roles/owner', { permissions: [] }],
    ['what he may not manage at all, in other letters', 'POST', '/v1/principals/admin/ban', {}],
  ])('nor makes %s', async (_what, method, path, body) => {
    expect(await ask('token-maker', method, path, body)).toEqual([403, expect.stringContaining('has no permission')])
  })

  test('and what he has, he may: the registry is asked, with the scope and without the text', async () => {
    world.calls.length = 0
    await world.request('POST', '/v1/tokens', { token: 'token-maker', body: { permissions: ['agent:helper:read'] } })
    await world.request('POST', '/v1/principals/bob/grant', {
      token: 'token-maker',
      body: { permissions: ['agent:helper:read'] },
    })
    expect(world.calls.map(({ subject }) => subject)).toEqual([
      'svc.registry.tokens.create',
      'svc.registry.principals.change',
    ])
    expect(world.calls[0]?.request).toEqual({
      ...{ hash: expect.stringMatching(/^[0-9a-f]{64}$/), principal: 'token-maker', scope: ['agent:helper:read'] },
      ...{ by: 'user:token-maker', limited: true },
    })
  })

  test('names that are none are refused before anybody looks for them', async () => {
    for (const name of ['*', 'Admin', 'ａdmin', 'ad%00min', '..', 'admin%20', 'own:x:y'])
      expect([name, (await world.request('POST', `/v1/principals/${name}/ban`, { body: {} })).status]).toEqual([
        name,
        name === '..' ? 404 : 400,
      ])
    for (const permission of ['agent:*x:read', 'agent::read', ' *', '*\n', 'agent:%2a:read'])
      expect((await world.request('POST', '/v1/tokens', { body: { permissions: [permission] } })).status).toBe(400)
  })

  test('a token ends with the one that made it, and no text with a wrong checksum is looked for', async () => {
    const text = makeTokenText(new Uint8Array(32).fill(7))
    const cut = `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`
    expect((await ask(cut, 'GET', '/v1/access/me', undefined))[1]).toContain('mistyped or was cut')
    expect((await ask(text, 'GET', '/v1/access/me', undefined))[1]).toContain('is not known')
    world.calls.length = 0
    await world.request('POST', '/v1/tokens', { token: 'short', body: { expires: '30d' } })
    expect(world.calls[0]?.request).toMatchObject({ principal: 'admin', expiresAt: world.now + 60_000 })
    world.now += 60_001
    expect(await ask('short', 'GET', '/v1/access/me', undefined)).toEqual([401, expect.stringContaining('expired at')])
    world.now -= 60_001
  })

  test('who is banned is refused at once, with every token', async () => {
    expect(await ask('banned', 'GET', '/v1/access/me', undefined)).toEqual([401, 'The principal banned is banned.'])
  })

  test('why somebody may something is told, and of others to who may look at them alone', async () => {
    const can = async (role: string, query: string) =>
      (await world.request('GET', `/v1/access/can?${query}`, { token: role })).json
    expect(await can('operator', 'action=agent:coder:start')).toMatchObject({
      ...{ allowed: true, because: [{ grant: 'agent:*:*', from: 'role operator' }] },
      why: 'operator may agent:coder:start: agent:*:* covers it (role operator).',
    })
    expect(await can('admin', 'action=session:x:read&principal=viewer')).toMatchObject({
      ...{ allowed: false, because: [], why: 'viewer may not session:x:read: no role and no grant covers it.' },
      next: 'Grant it: reins principal grant viewer --permission session:x:read, or --role operator',
    })
    expect(await can('narrow', 'action=agent:x:delete')).toMatchObject({
      ...{ allowed: false, why: 'admin may agent:x:delete, but the scope of this token does not cover it.' },
    })
    expect((await can('viewer', 'action=agent:x:read&principal=admin')).error.code).toBe('forbidden')
  })
})

describe('lists ask other services for no more than their reader may be shown', () => {
  const asked = async (role: string, path: string, body?: object) => {
    world.calls.length = 0
    const { status } = await world.request(body ? 'POST' : 'GET', path, { token: role, ...(body ? { body } : {}) })
    const of = world.calls.map(({ subject, request }) => [
      subject.replace('svc.', ''),
      (request as { only?: unknown }).only ?? 'all',
    ])
    return status === 403 ? 'refused' : of
  }
  const hook = { url: 'https://example.com', on: ['*'] }

  test.each([
    ['usage', '/v1/usage', 'memory.usage.report'],
    ['sessions', '/v1/sessions', 'memory.sessions.list'],
    ['approvals that wait', '/v1/approvals', 'memory.approvals.list'],
    ['questions that wait', '/v1/elicitations', 'memory.elicitations.list'],
  ])('of %s', async (_what, path, verb) => {
    expect(await asked('admin', path)).toEqual([[verb, 'all']])
    expect(await asked('helper-user', path)).toEqual([[verb, [{ agent: 'helper' }]]])
    expect(await asked('helper-reader', path)).toEqual([[verb, [{ agent: 'helper' }]]])
    for (const role of ['nothing', 'ann-memory', 'token-maker']) expect(await asked(role, path)).toBe('refused')
  })

  test('of usage by who may read that of one agent and no session of it', async () => {
    expect(await asked('helper-counter', '/v1/usage')).toEqual([['memory.usage.report', [{ agent: 'helper' }]]])
    expect(await asked('helper-counter', '/v1/sessions')).toBe('refused')
  })

  test('of approvals by who may decide about one tool: those of this tool alone', async () => {
    const verb = 'memory.approvals.list'
    expect(await asked('shell-approver', '/v1/approvals')).toEqual([[verb, [{ agent: 'helper', tool: 'shell' }]]])
    // It is no leave to read sessions, and no webhook is told of them by it.
    expect(await asked('shell-approver', '/v1/sessions')).toBe('refused')
    expect(await asked('shell-approver', '/v1/webhooks', hook)).toEqual([['registry.webhooks.create', []]])
  })

  test('of scopes of memories', async () => {
    const verb = 'memory.entries.scopes'
    expect(await asked('admin', '/v1/memory/scopes')).toEqual([[verb, 'all']])
    expect(await asked('ann-memory', '/v1/memory/scopes')).toEqual([[verb, ['user:ann']]])
    expect(await asked('helper-reader', '/v1/memory/scopes')).toBe('refused')
    // Who may read a scope may read it alone, in other letters too.
    for (const scope of ['user:bob', 'user:ann2', 'user:an', 'USER:ANN', '*', 'user%3Aann'])
      expect([scope, await asked('ann-memory', `/v1/memory/entries?scope=${encodeURIComponent(scope)}`)]).toEqual([
        scope,
        'refused',
      ])
  })

  test('of webhooks, and a webhook is told of what its maker might read', async () => {
    world.replies['svc.registry.webhooks.list'] = {
      ok: true,
      value: { webhooks: [{ id: 'wh_1' }, { id: 'wh_2' }] },
    }
    try {
      const ids = async (role: string) =>
        (await world.request('GET', '/v1/webhooks', { token: role })).json.webhooks.map(({ id }: { id: string }) => id)
      expect([await ids('admin'), await ids('ann-memory')]).toEqual([['wh_1', 'wh_2'], ['wh_1']])
    } finally {
      delete world.replies['svc.registry.webhooks.list']
    }
    expect(await asked('ann-memory', '/v1/webhook-deliveries')).toEqual([['memory.webhooks.deliveries', ['wh_1']]])
    expect(await asked('admin', '/v1/webhooks', hook)).toEqual([['registry.webhooks.create', 'all']])
    expect(await asked('ann-memory', '/v1/webhooks', hook)).toBe('refused')
    expect(await asked('hook-maker', '/v1/webhooks', hook)).toEqual([
      ['registry.webhooks.create', [{ agent: 'helper' }]],
    ])
  })
})

describe('the secrets that a definition may name', () => {
  const maySecrets = async (role: string) => {
    world.calls.length = 0
    await world.request('PUT', '/v1/agents/helper', {
      ...{ token: role, body: { name: 'helper', model: 'm/m', system_prompt: 'x' } },
    })
    const put = world.calls.find(({ subject }) => subject === 'svc.registry.put')
    return put && ((put.request as { maySecrets?: readonly string[] }).maySecrets ?? 'all')
  }

  test('are told to the registry with it: those that its author may use, and nobody else says', async () => {
    expect(await maySecrets('admin')).toBe('all')
    expect(await maySecrets('helper-author')).toEqual(['ONE'])
    expect(await maySecrets('helper-writer')).toEqual([])
    // Who may manage a secret may not use it in an agent for that alone.
    expect(await maySecrets('ann-memory')).toBeUndefined()
  })
})

describe('what a turn may call', () => {
  const eventsBehind = async (role: string, body: object) => {
    const { json } = await world.request('POST', '/v1/sessions', { token: role, body })
    const [first] = await world.frames(json.session.id)
    return first?.events.filter(({ type }) => type === 'message.received' || type === 'tools.permitted').slice(-2) ?? []
  }

  test('is recorded beside the message of whoever may not have all tools called', async () => {
    const [message, permitted] = await eventsBehind('caller', { agent: 'helper', message: 'hello' })
    const of = message?.type === 'message.received' ? message.data.message : ''
    expect(permitted).toEqual({
      type: 'tools.permitted',
      data: { message: of, principal: 'caller', tools: ['read_file', 'grep'] },
    })
    expect((await eventsBehind('helper-user', { agent: 'helper', message: 'hello' }))[1]?.data).toMatchObject({
      tools: [],
    })
  })

  test('is everything for who may that, and nothing is recorded then', async () => {
    for (const role of ['admin', 'operator'])
      expect((await eventsBehind(role, { agent: 'helper', message: 'hello' })).map(({ type }) => type)).toEqual([
        'message.received',
      ])
  })
})

describe('every message of the socket', () => {
  const types = SocketCommand.anyOf.flatMap(({ properties: { type } }) =>
    'const' in type ? [type.const] : type.anyOf.map((one) => one.const),
  )
  const commands: Readonly<Record<string, object>> = {
    message: { content: 'x', onBusy: 'reject' },
    decide: { call: 'none', verdict: 'approve' },
    answer: { elicitation_id: 'none', action: 'decline' },
  }

  async function say(role: string, type: string): Promise<{ ok: boolean; error?: { code: string } }> {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/sessions/${helper}/socket`, [
      'reins',
      `bearer.${role}`,
    ])
    try {
      await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve)
        socket.addEventListener('error', reject)
      })
      const reply = new Promise<{ ok: boolean; error?: { code: string } }>((resolve) => {
        socket.addEventListener('message', ({ data }) => {
          const item = JSON.parse(String(data))
          if (item.type === 'reply') resolve(item)
        })
      })
      socket.send(JSON.stringify({ type, ref: type, ...commands[type] }))
      return await reply
    } finally {
      socket.close()
    }
  }

  const reading = ['approvals', 'elicitations', 'grants']
  test.each(reading)('%s is answered to who may only read', async (type) => {
    expect((await say('helper-reader', type)).error?.code).not.toBe('forbidden')
  })

  const writing = types.filter((type) => !reading.includes(type))
  test.each(writing)('%s is refused to who may only read, and not to an operator', async (type) => {
    expect(await say('helper-reader', type)).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    expect((await say('operator', type)).error?.code).not.toBe('forbidden')
  })

  test('and the socket itself to who may not read the session', async () => {
    for (const role of ['viewer', 'other-user', 'nothing']) await expect(say(role, 'cancel')).rejects.toBeDefined()
  })
})

describe('what is open when a grant is taken away', () => {
  const become = (permissions: readonly string[]) => {
    const at = people.findIndex(({ name }) => name === 'leaver')
    const before = people[at]
    if (before) people[at] = { ...before, permissions: [...permissions] }
  }
  const read = async (query: string) => {
    const headers = { authorization: 'Bearer leaver', accept: 'text/event-stream' }
    return fetch(`${world.url}/v1/sessions/${helper}/events${query}`, { headers, signal: AbortSignal.timeout(60_000) })
  }

  test('streams end and say so, what has not changed for the reader goes on, and a socket is asked again', async () => {
    become(leaving)
    const one = await read('')
    const tree = await read('?tree=true')
    expect([one.status, tree.status]).toEqual([200, 200])
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/sessions/${helper}/socket`, [
      'reins',
      'bearer.leaver',
    ])
    const replies: { ok: boolean; error?: { code: string } }[] = []
    const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    const reply = new Promise<void>((resolve) =>
      socket.addEventListener('message', ({ data }) => {
        const item = JSON.parse(String(data))
        if (item.type === 'reply') resolve(void replies.push(item))
      }),
    )
    become(['session:helper:read', 'session:other:read'])
    socket.send(JSON.stringify({ type: 'cancel', ref: 'c' }))
    await reply
    expect(replies[0]).toMatchObject({ ok: false, error: { code: 'forbidden' } })
    expect(await tree.text()).toContain('What leaver may read has changed.')
    become(['session:other:read'])
    expect(await one.text()).toContain('What leaver may read has changed.')
    expect(await closed).toBe(1008)
    expect((await read('')).status).toBe(404)
  })
})
