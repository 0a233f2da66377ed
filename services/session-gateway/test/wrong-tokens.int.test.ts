// Who tries too much has to wait, and whoever works with a good token does not notice; what a token opened ends with it.
import { afterEach, describe, expect, test } from 'vitest'
import type { Identity } from '../src/api/access/identities.ts'
import { World } from './world.ts'

let world: World
afterEach(() => world.close())

const ask = (token: string, headers: Record<string, string> = {}) =>
  world.request('GET', '/v1/access/me', { token, headers })

describe('wrong tokens', () => {
  test('above the limit are answered with 429 and when to come again; good ones that were known go on', async () => {
    world = await World.start({ limits: { wrongTokensPerMinute: 3 } })
    expect((await ask('test-token')).status).toBe(200)
    for (const token of ['a', 'b', 'c']) expect((await ask(token)).status).toBe(401)
    const limited = await ask('d')
    expect([limited.status, limited.json.error.code, limited.headers.get('retry-after')]).toEqual([
      ...[429, 'too_many_requests', '20'],
    ])
    expect((await ask('test-token')).status).toBe(200)
    // Nobody learns meanwhile whether a token that was not seen before is good.
    expect((await ask('reader')).status).toBe(429)
    world.now += 20_000
    expect((await ask('reader')).status).toBe(200)
  })

  test('are not counted where there is none, where the header has another form, or without a limit', async () => {
    world = await World.start({ limits: { wrongTokensPerMinute: 1 } })
    for (let at = 0; at < 3; at++) {
      expect((await world.request('GET', '/v1/access/me', { token: null })).status).toBe(401)
      expect((await ask('', { authorization: 'Basic x' })).status).toBe(401)
    }
    expect((await ask('test-token')).status).toBe(200)
    await world.close()
    world = await World.start({ limits: { wrongTokensPerMinute: 0 } })
    for (let at = 0; at < 200; at++) expect((await ask(`wrong-${at}`)).status).toBe(401)
  })

  test('that are not known and that were revoked are answered alike', async () => {
    world = await World.start()
    const answers = await Promise.all(['wrong', 'x'.repeat(64), 'admin'].map((token) => ask(token)))
    expect(new Set(answers.map(({ json }) => JSON.stringify(json))).size).toBe(1)
  })
})

test('requests that cost much are limited for each principal', async () => {
  world = await World.start({ limits: { costlyRequestsPerMinute: 2 } })
  const rotate = () => world.request('POST', '/v1/secrets-key/rotate')
  for (let at = 0; at < 2; at++) expect((await rotate()).status).toBe(503) // Nobody is there to do it.
  const limited = await rotate()
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '30'])
  expect((await ask('test-token')).status).toBe(200)
})

test('a thousand streams end with their token, and those of another go on', async () => {
  const short: Identity = {
    ...{
      principal: 'ann',
      kind: 'person',
      roles: ['admin'],
      permissions: [],
      token: 'short',
      expiresAt: 1_700_000_060_000,
    },
  }
  world = await World.start({
    limits: { leaseLookEveryMs: 50 },
    config: { identities: [(bearer) => (bearer === 'short' ? short : undefined)] },
  })
  const session = await world.session()
  const stop = new AbortController()
  const open = (token: string) =>
    fetch(`${world.url}/v1/sessions/${session}/events`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      signal: stop.signal,
    })
  const lasting = await open('test-token')
  const streams = await Promise.all(Array.from({ length: 1000 }, () => open('short')))
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
  world.now += 60_000
  for (const text of await Promise.all(streams.map((response) => response.text())))
    expect(text).toContain('"message":"The token has expired."')
  await world.turn(
    session,
    (await world.request('POST', `/v1/sessions/${session}/messages`, { body: { content: 'hi' } })).json.messageId,
  )
  const reader = lasting.body!.getReader()
  const decoder = new TextDecoder()
  let seen = ''
  while (!seen.includes('turn.completed')) seen += decoder.decode((await reader.read()).value)
  stop.abort()
})
