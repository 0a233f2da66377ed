// What the page asks, passed on to the gateway with the operator's token, and the answer as it comes, streams included.
//   FO1. Sessions of the agent alone, and those below them: whoever may open the page has no use of the token for another agent.
import { Buffer } from 'node:buffer'
import { errorTable, maxMessageBodyBytes, ReinsError, rootOf } from '@reins/contracts'
import type { Incoming, Reply } from '@reins/serving'
import { isForwarded } from './forwarded.ts'

export interface ForwardOptions {
  /** Address of the gateway. */
  readonly server: string
  readonly agent: string
  /** It is shown, whatever its agent is: the operator named it. */
  readonly session?: string | undefined
  token(): Promise<string | undefined>
  readonly fetch: (input: string, init: RequestInit) => Promise<Response>
}

export interface Forwarder {
  /** Throws ReinsError where the gateway refuses the token, or has no such agent. */
  check(agent: string): Promise<void>
  pass(incoming: Incoming): Promise<Reply>
  /** FO1. Throws session_not_found. */
  mustShow(session: string, signal: AbortSignal): Promise<void>
}

/** Of a message with images; the gateway takes less of everything else. */
const maxBodyBytes = maxMessageBodyBytes
const mostShown = 10_000
const passedOn = ['accept', 'content-type', 'idempotency-key', 'last-event-id', 'x-request-id'] as const
const passedBack = ['content-type', 'retry-after', 'x-request-id', 'reins-output-ref', 'reins-output-bytes'] as const

export function forwarder({ server, agent: mine, session: named, token, fetch }: ForwardOptions): Forwarder {
  /** FO1. Roots of trees. */
  const shown = new Set<string>(named === undefined ? [] : [rootOf(named)])
  async function once(target: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    const text = await token()
    const authorization: Record<string, string> = text === undefined ? {} : { authorization: `Bearer ${text}` }
    return fetch(`${server}${target}`, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...authorization },
      redirect: 'error',
    }).catch((error: unknown) => {
      if (init.signal.aborted) throw error
      throw new ReinsError('unavailable', `The Reins server at ${server} does not answer.`, {
        next: 'Start it with npm start. The page goes on by itself when it is back.',
      })
    })
  }

  /** Again where the token was not known: it may have been renewed meanwhile. */
  async function ask(target: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    const first = await once(target, init)
    if (first.status !== 401) return first
    await first.body?.cancel()
    const second = await once(target, init)
    if (second.status !== 401) return second
    await second.body?.cancel()
    throw notTaken(server)
  }

  /** FO1. undefined: it may be asked for. Else what the gateway answers about it. Throws session_not_found. */
  async function refusalOf(session: string, signal: AbortSignal): Promise<Response | undefined> {
    const root = rootOf(session)
    if (shown.has(root)) return undefined
    const answer = await ask(`/v1/sessions/${root}`, { signal })
    if (!answer.ok) return answer
    const { agent } = (await answer.json()) as { readonly agent?: string }
    if (agent !== mine)
      throw new ReinsError('session_not_found', `There is no session ${session} of the agent ${mine}.`)
    if (shown.size >= mostShown) shown.clear()
    shown.add(root)
    return undefined
  }

  return {
    async check(agent) {
      try {
        const response = await ask(`/v1/agents/${encodeURIComponent(agent)}`, { signal: AbortSignal.timeout(10_000) })
        const text = await response.text()
        if (response.status !== 404) return
        const { message, next } = refusalIn(text)
        throw new ReinsError('agent_not_found', message, next === undefined ? {} : { next })
      } catch (error) {
        if (!(error instanceof ReinsError)) return
        if (error.code === 'unauthorized')
          throw new ReinsError('unauthorized', `Error starting agent: 401: ${error.message}`, { next: error.next })
        // A server that is away for now may be there when the page asks.
        if (error.code !== 'unavailable') throw error
      }
    },

    async mustShow(session, signal) {
      const refused = await refusalOf(session, signal)
      await refused?.body?.cancel()
      if (refused) throw new ReinsError('session_not_found', `There is no session ${session} of the agent ${mine}.`)
    },

    async pass({ request, left, closing }) {
      const { method = 'GET', url = '/' } = request
      const path = url.split('?')[0] ?? ''
      if (!isForwarded(method, path))
        throw new ReinsError('not_found', `The chat page has no use for ${method} ${path.slice(0, 200)}.`, {
          next: 'Ask the Reins server itself, with a token of your own.',
        })
      const headers: Record<string, string> = {}
      for (const name of passedOn) {
        const value = request.headers[name]
        if (typeof value === 'string') headers[name] = value
      }
      const body = method === 'POST' ? await bodyOf(request) : undefined
      const signal = AbortSignal.any([left, closing])
      const [, , , session] = path.split('/')
      if (session === undefined && body !== undefined) mustName(mine, body)
      const refused = session === undefined ? undefined : await refusalOf(session, signal)
      const target = session === undefined && method === 'GET' ? listOf(mine, url) : url
      const answer =
        refused ??
        (await ask(target, {
          ...{ method, headers, signal },
          ...(body === undefined || body.length === 0 ? {} : { body }),
        }))
      const back: Record<string, string> = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
      for (const name of passedBack) {
        const value = answer.headers.get(name)
        if (value !== null) back[name] = value
      }
      return { status: answer.status, stream: answer.body, headers: back }
    },
  }
}

function listOf(agent: string, url: string): string {
  const query = new URLSearchParams(url.split('?').slice(1).join('?'))
  query.set('agent', agent)
  return `/v1/sessions?${query}`
}

/** FO1. What is no JSON the gateway refuses. */
function mustName(agent: string, body: Buffer): void {
  let asked: unknown
  try {
    asked = (JSON.parse(body.toString('utf8')) as { readonly agent?: unknown } | null)?.agent
  } catch {
    return
  }
  if (asked !== agent)
    throw new ReinsError('agent_not_found', `This page is of the agent ${agent}, and begins no other.`)
}

function refusalIn(text: string): { readonly message?: string; readonly next?: string } {
  try {
    const { error = {} } = JSON.parse(text) as { error?: { message?: string; next?: string } }
    return error
  } catch {
    return { message: errorTable.agent_not_found.meaning }
  }
}

async function bodyOf(request: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > maxBodyBytes) throw new ReinsError('body_too_large')
    parts.push(part)
  }
  return Buffer.concat(parts)
}

const notTaken = (server: string): ReinsError =>
  new ReinsError('unauthorized', `The Reins server at ${server} does not take the token of this process.`, {
    next: 'Run reins auth login where "reins agent start" runs, or start it again with another token in REINS_TOKEN.',
  })
