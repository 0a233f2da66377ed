// Principals that would like more than their share: at each door that changes something or reads, by waiting, by many streams at once, and by taking
// all webhooks that there are.
//   SH1. The doors are those that the product names itself. Each is tried by a principal of its own, who may what the door asks for.
//   SH2. `got through` is a door that goes on to do what it is asked for beyond the share, and a place that others do not get any more.
import { maxWebhooksOfOne } from '@reins/contracts'
import type { World } from '../../harness/world.ts'
import { type Ask, askingAt, askingWith } from './history.ts'
import type { Tally } from '../tally.ts'

const who = 'a principal with a share'

/** Of the gateway that is attacked. */
export const shares = { writes: 3, reads: 60, streams: 4, bytes: 400_000 } as const
const tries = 3 * shares.writes

export const shareSettings = {
  REINS_WRITES_PER_MINUTE: String(shares.writes),
  REINS_READS_PER_MINUTE: String(shares.reads),
  REINS_STREAMS_PER_PRINCIPAL: String(shares.streams),
  REINS_BYTES_PER_MINUTE: String(shares.bytes),
}

interface Principal {
  readonly name: string
  readonly token: string
}

type Methods = Record<string, { readonly 'x-permissions'?: readonly (readonly string[])[] }>

export async function tryShares(world: World, url: string, tally: Tally): Promise<void> {
  const note = (what: string, through: boolean) => tally.note(who, what, through ? 'got through' : 'refused')
  const ask = (token: string, ...asked: Parameters<Ask>) => askingAt(() => url, token)(...asked)
  const principal = async (name: string, permissions: readonly string[]): Promise<Principal> => {
    for (const [path, body] of [
      ['/v1/principals', { name, permissions }],
      ['/v1/tokens', { principal: name }],
    ] as const) {
      const { status, text } = await ask(world.token, 'POST', path, body)
      if (status >= 300) throw new Error(`${name}: ${text}`)
      if (path === '/v1/tokens') return { name, token: (JSON.parse(text) as { text: string }).text }
    }
    throw new Error('no token')
  }

  const { paths } = JSON.parse((await ask(world.token, 'GET', '/openapi.json')).text) as {
    paths: Record<string, Methods>
  }
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, about]) => {
      return { method: method.toUpperCase(), path, needs: about['x-permissions'] ?? [] }
    }),
  )
  const doors = all.filter(({ method }) => method !== 'GET')
  for (const [at, { method, path, needs }] of doors.entries()) {
    // What a fork reads and starts, and what a role is made of, is asked for besides.
    const permissions = [...(needs[0] ?? []), 'session:*:read', 'agent:*:read', 'token:*:create'].map((permission) =>
      permission.replaceAll(/<\w+>/g, '*'),
    )
    const one = await principal(`door-${at}`, permissions)
    const session = (await world.api.create('mine', 'say hi')).session.id
    let done = 0
    let late = false
    for (let count = 0; count < tries && !late; count++) {
      const target = path
        .replace('{id}', path.includes('/webhooks/') ? 'wh_none' : session)
        .replaceAll(/\{name\}|\{principal\}/g, `x${at}-${count}`)
        .replaceAll(/\{\w+\}/g, 'c1')
      const query = path.startsWith('/v1/memory/') ? `?scope=user:one&key=k${count}&all=true` : ''
      const { status } = await ask(one.token, method, `${target}${query}`, bodyFor(method, path, `x${at}-${count}`))
      if (status < 300) done++
      late = status === 429
    }
    note(`${method} ${path}, ${tries} times`, !late && done > shares.writes)
  }

  const { session } = await world.api.create('mine', 'say hi')
  for (const [at, { path, needs }] of all.filter(({ method }) => method === 'GET').entries()) {
    if (path.endsWith('/socket')) continue
    const [permissions = []] = needs
    const one = await principal(
      `reader-${at}`,
      permissions.map((permission) => permission.replaceAll(/<\w+>/g, '*')),
    )
    const target = path.replace('{id}', session.id).replaceAll(/\{\w+\}/g, 'none')
    // What answers without a token is nobody's share.
    if ((await fetch(`${url}${target}`)).status !== 401) continue
    const query = path.startsWith('/v1/memory/') ? '?scope=user:one&key=k&query=q' : ''
    let done = 0
    for (let count = 0; count < 3; count++) {
      const asked = Array.from({ length: shares.reads }, () => ask(one.token, 'GET', `${target}${query}`))
      done += (await Promise.all(asked)).filter(({ status }) => status !== 429).length
    }
    // A share fills again while somebody asks.
    note(`GET ${path}, ${3 * shares.reads} times`, done > 2.5 * shares.reads)
  }

  const hooks = await principal('greedy-for-webhooks', ['webhook:*:manage'])
  const made: string[] = []
  for (let count = 0; count < maxWebhooksOfOne + 5; count++) {
    const body = { url: `https://example.com/${count}`, on: ['turn.failed'] }
    const { status, text } = await askingWith(world, hooks.token)('POST', '/v1/webhooks', body)
    if (status === 201) made.push((JSON.parse(text) as { webhook: { id: string } }).webhook.id)
  }
  note('take the webhooks of others', made.length > maxWebhooksOfOne)
  for (const id of made) await askingWith(world, world.token)('DELETE', `/v1/webhooks/${id}`)

  const greedy = await principal('greedy-for-bytes', ['config:*:manage'])
  let stored = 0
  for (let count = 0; count < 5; count++) {
    const put = await ask(greedy.token, 'PUT', `/v1/configs/big${count}`, { value: 'x'.repeat(60_000) })
    if (put.status < 300) stored += 60_000
  }
  const more = await ask(greedy.token, 'PUT', '/v1/configs/biggest', { value: 'x'.repeat(150_000) })
  note('store more bytes in configs than its share', stored > shares.bytes || more.status !== 429)

  await tryStreams(world, url, await principal('greedy-for-streams', streaming), note)
  await tryWaiting(url, await principal('greedy-for-waits', streaming), note)
}

const streaming = ['session:mine:read', 'agent:mine:start', 'workflow:agents:agent_chat:run']

function bodyFor(method: string, path: string, name: string): unknown {
  if (method === 'DELETE') return undefined
  const bodies: Readonly<Record<string, unknown>> = {
    'POST /v1/sessions': { agent: 'mine' },
    'POST /v1/sessions/{id}/messages': { content: 'say hi' },
    'POST /v1/sessions/{id}/fork': { message: 'say hi' },
    'POST /v1/sessions/{id}/budget': { tokens: 1_000_000 + Number(name.split('-')[1]) },
    'POST /v1/sessions/{id}/upgrade': { dry_run: true },
    'POST /v1/tokens': { permissions: ['agent:one:read'] },
    'POST /v1/roles/{name}': { permissions: [] },
    'PUT /v1/roles/{name}': { permissions: [] },
    'POST /v1/principals': { name },
    'POST /v1/principals/{name}/grant': { permissions: ['agent:one:read'] },
    'POST /v1/principals/{name}/revoke': { permissions: ['agent:one:read'] },
    'POST /v1/principals/{name}/ban': {},
    'PUT /v1/agents/{name}': { name, model: 'scripted/assistant', system_prompt: 'x' },
    'PUT /v1/secrets/{name}': { value: 'x' },
    'PUT /v1/configs/{name}': { value: 'x' },
    'PUT /v1/memory/entry': { value: 'x' },
    'PUT /v1/projects/{name}': { bundle: 'export default 1' },
    'POST /v1/projects/{name}/rollback': {},
    'POST /v1/webhooks': { url: 'https://example.com/', on: ['turn.failed'] },
    'POST /v1/runs': { workflow: 'none' },
    'POST /v1/runs/{id}/deliveries': { event: 'go' },
    'POST /v1/sessions/{id}/approvals/{call}': { verdict: 'approve' },
    'POST /v1/sessions/{id}/elicitations/{elicitation}': { action: 'decline' },
  }
  return bodies[`${method} ${path}`]
}

type Note = (what: string, through: boolean) => void

/** Many at the same moment: each is asked for before another one is counted. */
async function tryStreams(world: World, url: string, { token }: Principal, note: Note): Promise<void> {
  const { session } = await world.api.create('mine')
  const over = new AbortController()
  const heard: string[] = []
  const asked = 40
  const follow = async (): Promise<void> => {
    const response = await fetch(`${url}/v1/sessions/${session.id}/events`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      signal: over.signal,
    })
    const at = heard.push('') - 1
    const decoder = new TextDecoder()
    for await (const part of response.body ?? []) heard[at] += decoder.decode(part, { stream: true })
  }
  const all = Array.from({ length: asked }, () => follow().catch(() => undefined))
  while (heard.length < asked) await new Promise((go) => setTimeout(go, 20))
  await world.api.turn(session.id, 'say everybody-hears-it')
  await new Promise((go) => setTimeout(go, 1000))
  note(
    `open ${asked} streams at the same moment`,
    heard.filter((text) => text.includes('everybody-hears-it')).length > shares.streams,
  )
  over.abort()
  await Promise.all(all)
}

async function tryWaiting(url: string, { token }: Principal, note: Note): Promise<void> {
  const over = new AbortController()
  let refused = 0
  // One stream less than it may have, and then requests that wait.
  const asked = shares.streams + 2
  const all = Array.from({ length: asked }, async () => {
    const response = await fetch(`${url}/v1/sessions?wait=turn`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agent: 'mine', message: 'stream 30 every 100' }),
      signal: over.signal,
    })
    if (response.status === 429) refused++
    await response.text()
  })
  await Promise.all(all.map((one) => one.catch(() => undefined)))
  note(`have ${asked} requests wait at the same time`, refused < asked - shares.streams)
}
