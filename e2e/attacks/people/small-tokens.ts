// What a token that may only read and write sessions could cost others: messages without end, large ones, sessions, streams.
import type { World } from '../../harness/world.ts'
import type { Outcome, Tally } from '../tally.ts'

interface Refused {
  readonly status: number
  readonly retryAfter: string | null
}

/** A request with the token. Its answer is read to its end, so that nothing waits for it. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<Refused & { readonly text: string }>

export async function smallToken(world: World): Promise<Ask> {
  const made = await world.api.once<{ token: string; secret?: string }>('POST', '/v1/tokens', {
    ...{ principal: 'admin', permissions: ['sessions:read', 'sessions:write'] },
  })
  const text = JSON.stringify(made.body)
  const token = /reins_[A-Za-z0-9_-]{20,}/.exec(text)?.[0]
  if (token === undefined) throw new Error(`no token: ${made.status} ${text}`)
  return async (method, path, body) => {
    const response = await fetch(`${world.api.url()}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
  }
}

/** Sends until it is refused, or `most` have been taken. */
export async function until(ask: () => Promise<Refused>, most: number): Promise<Refused & { readonly taken: number }> {
  for (let taken = 0; taken < most; taken++) {
    const answer = await ask()
    if (answer.status >= 400) return { ...answer, taken }
  }
  return { status: 0, retryAfter: null, taken: most }
}

export const outcomeOf = ({ status, retryAfter }: Refused): Outcome =>
  status === 429 && Number(retryAfter) > 0 ? 'refused' : 'got through'

export function note(tally: Tally, what: string, answer: Refused): void {
  tally.note('a small token', what, outcomeOf(answer))
}
