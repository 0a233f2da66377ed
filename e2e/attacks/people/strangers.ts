// A token that may use one agent, at every door of the API: what belongs to another agent, another principal, or the operator, is not there
// or not allowed, whatever the request says. The doors are those that the product names itself.
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

interface Place {
  /** A session of an agent that the token may not see, and one that it may. */
  readonly theirs: string
  readonly mine: string
  readonly agent: string
}

/** What anybody may ask, and what a principal may ask about itself or gets a list of nothing from. */
const open: ReadonlySet<string> = new Set([
  ...[
    'GET /health',
    'GET /ready',
    'GET /openapi.json',
    'GET /v1/auth/config',
    'GET /v1/access/me',
    'GET /v1/access/can',
  ],
  'GET /.well-known/oauth-protected-resource',
])

const bodies: Readonly<Record<string, unknown>> = {
  'POST /v1/sessions': { agent: 'helper', message: 'say hi' },
  'POST /v1/sessions/{id}/messages': { content: 'say hi' },
  'POST /v1/sessions/{id}/fork': { again: true, before: 'latest', message: 'say hi' },
  'POST /v1/sessions/{id}/budget': { tokens: 1_000_000 },
  'POST /v1/sessions/{id}/upgrade': {},
  'POST /v1/tokens': { principal: 'admin', permissions: ['*'] },
  'POST /v1/roles/{name}': { permissions: ['*'] },
  'PUT /v1/roles/{name}': { permissions: ['*'] },
  'POST /v1/principals': { name: 'second', roles: ['admin'] },
  'POST /v1/principals/{name}/grant': { roles: ['admin'], permissions: ['*'] },
  'POST /v1/principals/{name}/revoke': { roles: ['admin'] },
  'PUT /v1/agents/{name}': { name: 'helper', model: 'scripted/assistant', system_prompt: 'taken over' },
  'PUT /v1/secrets/{name}': { value: 'mine' },
  'PUT /v1/configs/{name}': { value: 'mine' },
  'POST /v1/sessions/{id}/approvals/{call}': { verdict: 'approve' },
  'POST /v1/sessions/{id}/elicitations/{elicitation}': { action: 'accept', content: {} },
  'POST /v1/runs': { workflow: 'any', payload: {} },
  'POST /v1/webhooks': { url: 'https://example.com/', events: ['*'] },
}

export async function strangerAt(
  world: World,
  token: string,
  { theirs, mine, agent }: Place,
  who: string,
  tally: Tally,
): Promise<void> {
  const { body: api } = await world.api.once<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json')
  const ask = async (method: string, target: string, body?: unknown) => {
    const response = await fetch(`${world.api.url()}${target}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    return { status: response.status, text: await response.text() }
  }
  const refused = (status: number, text: string): boolean => {
    if (status === 401 || status === 403 || status === 404) return true
    // A list shows what the caller may see; a request that is none is refused before anything is done.
    return (
      (status === 200 && !text.includes(theirs) && !text.includes(`"${agent}"`)) || status === 400 || status === 426
    )
  }
  for (const [route, methods] of Object.entries(api.paths))
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      const door = `${method} ${route}`
      if (open.has(door)) continue
      const filled = (session: string) =>
        route.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
          if (route.includes('/tokens/')) return '0123456789abcdef'
          if (route.includes('/runs/')) return `run_${session}`
          if (name === 'id') return session
          return name === 'name' ? (route.includes('principals') || route.includes('roles') ? 'admin' : agent) : 'c1'
        })
      const hasBody = method !== 'GET' && method !== 'DELETE'
      const query =
        route === '/v1/memory/entry' || route === '/v1/memory/entries' || route.startsWith('/v1/memory/')
          ? `?scope=agent:${agent}&key=k&query=k`
          : ''
      const answer = await ask(method, `${filled(theirs)}${query}`, hasBody ? (bodies[door] ?? {}) : undefined)
      tally.note(who, `${door}: ${answer.status}`, refused(answer.status, answer.text) ? 'refused' : 'got through')
    }
  // Of its own session it makes no more than it has.
  const forks = [
    { agent, again: true },
    { at: 1, from: theirs, message: 'say hi' },
    { again: true, upgrade: true, principal: 'admin' },
  ]
  for (const fork of forks) {
    const { status, text } = await ask('POST', `/v1/sessions/${mine}/fork`, fork)
    tally.note(
      who,
      `fork with ${Object.keys(fork).join(', ')}`,
      status >= 400 || !text.includes(theirs) ? 'refused' : 'got through',
    )
  }
}
