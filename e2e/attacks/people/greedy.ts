// Two principals that take all that they can, at the same time, with calls that never end, and a third who asks for one thing.
import type { World } from '../../harness/world.ts'

export interface Principal {
  ask<T>(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: T }>
  /** A session with its first message. */
  begin(message: string): Promise<string>
  types(session: string): Promise<readonly string[]>
}

export async function principal(world: World, name: string): Promise<Principal> {
  await world.api.once('POST', '/v1/principals', { name, roles: ['admin'] })
  const { body: made } = await world.api.once<{ text?: string }>('POST', '/v1/tokens', { principal: name })
  if (made.text === undefined) throw new Error(`no token for ${name}: ${JSON.stringify(made)}`)
  const authorization = `Bearer ${made.text}`
  const ask: Principal['ask'] = async (method, path, body) => {
    const response = await fetch(`${world.api.url()}${path}`, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
    return { status: response.status, body: (await response.json()) as never }
  }
  return {
    ask,
    begin: async (message) => {
      const { status, body } = await ask<{ session?: { id: string } }>('POST', '/v1/sessions', {
        ...{ agent: 'helper', message },
      })
      if (!body.session) throw new Error(`no session of ${name}: ${status} ${JSON.stringify(body)}`)
      return body.session.id
    },
    types: async (session) => {
      const { body } = await ask<{ events: readonly { type: string }[] }>('GET', `/v1/sessions/${session}/events`)
      return body.events.map(({ type }) => type)
    },
  }
}

/** Sessions whose turns never end by themselves. */
export async function many(who: Principal, count: number, message: string): Promise<readonly string[]> {
  const sessions: string[] = []
  while (sessions.length < count)
    sessions.push(...(await Promise.all(Array.from({ length: 10 }, () => who.begin(message)))))
  return sessions
}

export const endAll = (who: Principal, sessions: readonly string[]): Promise<unknown> =>
  Promise.all(sessions.map((session) => who.ask('POST', `/v1/sessions/${session}/end`)))
