import { definitionDigest, errorCodes, poolKey } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorsDocument } from '../src/index.ts'
import { definition, token, World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await World.start()
})
afterAll(async () => {
  expect(await world.close()).toEqual([])
})

const digest = definitionDigest(definition)
const agent = { name: 'helper', digest, version: 1, createdAt: 1, updatedAt: 2, definition }

describe('agents', () => {
  const put = (headers: Record<string, string>, body: unknown = definition) =>
    world.request('PUT', '/v1/agents/helper', { body, headers })

  test('are written through the registry, with the condition that the headers say', async () => {
    world.replies['svc.registry.put'] = { ok: true, value: { agent, outcome: 'created' }, seq: 5 }
    const created = await put({ 'if-none-match': '*' })
    expect([created.status, created.headers.get('etag')]).toEqual([201, `"${digest}"`])
    expect(created.json).toEqual({ agent, outcome: 'created' })
    world.replies['svc.registry.put'] = { ok: true, value: { agent, outcome: 'unchanged' } }
    expect((await put({ 'if-match': `"${digest}"` })).status).toBe(200)
    await put({ 'if-match': digest })
    await put({})
    await put({ 'content-type': 'application/yaml' }, 'name: helper\n')
    const condition = (kind: string) => ({
      name: 'helper',
      source: { definition },
      condition: { kind },
      by: 'user:admin',
      mayRegister: true,
    })
    const update = { ...condition('update'), condition: { kind: 'update', digest } }
    expect(world.calls.map(({ request }) => request)).toEqual([
      condition('create'),
      update,
      update,
      condition('apply'),
      { ...condition('apply'), source: { yaml: 'name: helper\n' } },
    ])
  })

  test('that the registry refuses are refused with its error', async () => {
    const details = { problems: [{ path: 'model', message: 'is required', line: 3 }] }
    world.replies['svc.registry.put'] = {
      ok: false,
      error: { code: 'invalid_agent', message: 'No.', details, next: 'Do.' },
    }
    const { status, json } = await put({})
    expect([status, json.error]).toEqual([422, { code: 'invalid_agent', message: 'No.', details, next: 'Do.' }])
    world.replies['svc.registry.put'] = { ok: false, error: { code: 'agent_changed', message: 'No.' } }
    expect((await put({ 'if-match': digest })).status).toBe(412)
    for (const headers of [
      { 'if-match': 'W/"x"' },
      { 'if-none-match': digest },
      { 'if-match': digest, 'if-none-match': '*' },
    ])
      expect(await put(headers)).toMatchObject({ status: 400, json: { error: { code: 'invalid_request' } } })
    expect((await world.request('PUT', '/v1/agents/helper')).json.error.code).toBe('invalid_request')
  })

  test('are shown from the view, and listed and deleted through the registry', async () => {
    const shown = await world.request('GET', '/v1/agents/helper')
    expect([shown.json, shown.headers.get('etag')]).toEqual([{ agent }, `"${digest}"`])
    world.replies['svc.registry.list'] = { ok: true, value: { agents: [agent] } }
    expect((await world.request('GET', '/v1/agents?limit=3')).json).toEqual({ agents: [{ kind: 'yaml', ...agent }] })
    world.replies['svc.registry.delete'] = { ok: true, value: { name: 'helper' }, seq: 9 }
    const deleted = await world.request('DELETE', '/v1/agents/helper', { headers: { 'if-match': `"${digest}"` } })
    expect([deleted.status, deleted.json]).toEqual([200, { name: 'helper' }])
    expect(world.calls.at(-1)?.request).toEqual({ name: 'helper', ifMatch: digest, by: 'user:admin' })
  })
})

describe('pools', () => {
  test('show what waits and who serves them, until they fall silent', async () => {
    await world.request('POST', '/v1/sessions', { body: { agent: 'helper', message: 'Hi' } })
    const key = poolKey({ browser: 'true' })
    world.heartbeat('executor', { instance: 'e1', pools: [key], labels: {}, slots: 4, busy: 1 })
    world.heartbeat('executor', { instance: 'e2', pools: ['default'], labels: {}, slots: 4, busy: 0 })
    const { json } = await world.request('GET', '/v1/pools')
    expect(json.pools).toEqual([
      {
        ...{
          key,
          labels: { browser: 'true' },
          kind: 'executor',
          backlog: 1,
          inProgress: 0,
          oldestMs: expect.any(Number),
        },
        servedBy: [{ instance: 'e1', slots: 4, busy: 1, leaving: false }],
      },
      { key, labels: { browser: 'true' }, kind: 'tool-runner', backlog: 0, inProgress: 0, servedBy: [] },
    ])
    const headers = { authorization: `Bearer ${token}` }
    const text = await (await fetch(`${world.url}/metrics`, { headers })).text()
    expect(text).toContain(`reins_pool_backlog{pool="${key}",kind="executor",labels="browser=true"} 1`)
    expect(text).toContain(`reins_pool_oldest_seconds{pool="${key}",kind="executor",labels="browser=true"}`)
    expect(text).toContain(`reins_pool_instances{pool="${key}",kind="executor",labels="browser=true"} 1`)
    world.now += 5000
    expect((await world.request('GET', '/v1/pools')).json.pools[0].servedBy).toEqual([])
  })
})

describe('operations', () => {
  test('health is public and always answered; ready says what it waits for', async () => {
    expect((await world.request('GET', '/health', { token: null })).json).toEqual({
      ...{ status: 'ok', version: '0.1.0', parts: { journal: 'ok' } },
    })
    expect((await world.request('GET', '/ready', { token: null })).json).toEqual({ ready: true, waitingFor: [] })
    const waiting = await World.start({ config: { notReady: () => ['the broker'], publicMetrics: true } })
    expect(await waiting.request('GET', '/ready', { token: null })).toMatchObject({
      status: 503,
      json: { ready: false, waitingFor: ['the broker'] },
    })
    const metrics = await (await fetch(`${waiting.url}/metrics`)).text()
    expect(metrics).toContain('reins_http_request_seconds_count{method="GET",route="/ready",status="503"} 1')
    await waiting.close()
  })

  test('the root is a page for a person who opens the address in a browser', async () => {
    const answer = await fetch(world.url, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await answer.text()).toContain('npx reins chat')
  })

  test('the API describes every route, once, with parameters, answers and errors that exist', async () => {
    const { json } = await world.request('GET', '/openapi.json', { token: null })
    expect(json.openapi).toBe('3.1.0')
    const operations = Object.entries<Record<string, Operation>>(json.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        path,
        operation,
      })),
    )
    expect(operations.map(({ name }) => name).sort()).toEqual(
      [
        ...['PUT', 'GET', 'DELETE'].map((method) => `${method} /v1/agents/{name}`),
        'POST /v1/agents/{name}/mcp-test',
        ...['secrets', 'configs'].flatMap((kind) => [
          `GET /v1/${kind}`,
          ...['PUT', 'GET', 'DELETE'].map((method) => `${method} /v1/${kind}/{name}`),
        ]),
        'GET /',
        'GET /v1/projects',
        ...['PUT', 'GET', 'DELETE'].map((method) => `${method} /v1/projects/{name}`),
        'POST /v1/projects/{name}/rollback',
        ...['GET /v1/runs', 'POST /v1/runs', 'GET /v1/runs/{id}', 'POST /v1/runs/{id}/deliveries', 'GET /v1/schedules'],
        'POST /v1/secrets-key/rotate',
        ...['POST /v1/webhooks', 'GET /v1/webhooks', 'GET /v1/webhooks/{id}', 'DELETE /v1/webhooks/{id}'],
        ...['POST /v1/webhooks/{id}/test', 'GET /v1/webhook-deliveries'],
        ...['scopes', 'entries', 'search', 'entry', 'history'].map((part) => `GET /v1/memory/${part}`),
        ...['PUT /v1/memory/entry', 'DELETE /v1/memory/entry', 'DELETE /v1/memory/entries'],
        'GET /v1/usage',
        ...[
          'GET /v1/tokens',
          'POST /v1/tokens',
          'DELETE /v1/tokens/{id}',
          'GET /v1/access/me',
          'GET /v1/access/can',
          'GET /v1/audit',
        ],
        ...['GET /v1/roles', 'GET /v1/principals', 'POST /v1/principals', 'GET /v1/principals/{name}'],
        ...['GET', 'POST', 'PUT', 'DELETE'].map((method) => `${method} /v1/roles/{name}`),
        ...['grant', 'revoke', 'ban', 'unban'].map((verb) => `POST /v1/principals/{name}/${verb}`),
        ...['GET /agents/sessions', 'GET /agents/{name}/sessions'],
        ...['GET /executions/{id}', 'POST /executions/{id}/cancel'],
        ...['GET /v1/auth/config', 'GET /.well-known/oauth-protected-resource'],
        ...[
          'GET /v1/agents',
          'GET /v1/pools',
          'POST /v1/sessions',
          'GET /v1/sessions',
          'GET /v1/sessions/{id}',
          'DELETE /v1/sessions/{id}',
        ],
        ...['tree', 'stop', 'state', 'events', 'frames', 'outputs/{ref}', 'prompt', 'socket'].map(
          (part) => `GET /v1/sessions/{id}/${part}`,
        ),
        ...[
          'messages',
          'cancel',
          'pause',
          'resume',
          'release',
          'end',
          'compact',
          'restore',
          'budget',
          'fork',
          'upgrade',
        ].map((part) => `POST /v1/sessions/{id}/${part}`),
        ...['GET /v1/approvals', 'POST /v1/sessions/{id}/approvals/{call}'],
        'GET /v1/elicitations',
        ...['GET /v1/sessions/{id}/elicitations', 'POST /v1/sessions/{id}/elicitations/{elicitation}'],
        ...['GET', 'DELETE'].map((method) => `${method} /v1/sessions/{id}/grants`),
        ...['GET /health', 'GET /ready', 'GET /metrics', 'GET /openapi.json'],
      ].sort(),
    )
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    for (const { path, operation } of operations) {
      const inPath = operation.parameters.filter((one) => one.in === 'path').map((one) => one.name)
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
      expect(Object.keys(operation.responses).length).toBeGreaterThan(1)
      const codes = Object.entries(operation.responses).flatMap(([status, { description }]) =>
        Number(status) >= 400 && !path.startsWith('/ready') ? description.split(', ') : [],
      )
      for (const code of codes) expect(errorCodes).toContain(code)
    }
  })

  // Written anew by: vitest run -u services/session-gateway
  test('docs/errors.md is in step with the table', async () => {
    await expect(errorsDocument()).toMatchFileSnapshot('../../../docs/errors.md')
    for (const code of errorCodes) expect(errorsDocument()).toContain(`\`${code}\``)
  })
})

interface Operation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { readonly description: string }>>
}

test('a port that another process has is refused with what to do', async () => {
  const port = Number(new URL(world.url).port)
  await expect(World.start({ config: { port } })).rejects.toThrow(
    new RegExp(`listens on .*:${port} already.*--port or REINS_PORT`),
  )
})
