// web mode: the chat page of an agent, and what it asks of the gateway, passed on with the token of whoever started the process.
//   W1. It keeps nothing: several of them serve the same sessions, and any of them can be killed.
//   W2. The operator's token is added here. No browser gets it, nor anything else by which it could speak to the gateway itself.
//   W3. The token is asked for again for each request, so one that was renewed is used at once, for as long as the process lives.
//   W4. What is passed on is in forwarded.ts; who is answered is in guard.ts.
import type { IncomingMessage } from 'node:http'
import { fetchFor } from '@reins/client'
import { listensOnLoopback, ReinsError } from '@reins/contracts'
import {
  chatRoutes,
  healthRoute,
  listen,
  type Reply,
  type ServedRoute,
  type ServingMode,
  type ServingOptions,
} from '@reins/serving'
import { type Asked, guard } from './guard.ts'
import { forwarder } from './forward.ts'
import { type PageFile, pageOf } from './page-build.ts'

/** ms for which the gateway may be away in the middle of a stream of /chat. */
const awayMs = 60_000

/** Rejects where there is no token, or the gateway does not take it, or has no such agent. */
export const webMode: ServingMode = async (options) => {
  const { agent, server, session, operatorToken, connect } = options
  if ((await operatorToken()) === undefined) throw withoutToken()
  const page = await pageOf()
  const forward = forwarder({ server, agent, session, token: operatorToken, fetch: fetchFor(server) })
  await forward.check(agent)
  const document = page.files.get('/index.html')
  if (document === undefined) throw new ReinsError('internal', 'The chat page was built without its index.html.')
  const html = told(document, { agent, ...(session === undefined ? {} : { session }) })
  const rules = { ...options, loopback: listensOnLoopback(options.host) }
  const guarded = (asked: Asked, handle: ServedRoute['handle']): ServedRoute['handle'] => {
    return async (incoming) => {
      guard(incoming.request.headers, asked, rules)
      return handle(incoming)
    }
  }
  const chat = chatRoutes({
    ...options,
    awayMs,
    clientFor: async () => {
      const token = await operatorToken() // W3
      if (token === undefined) throw withoutToken()
      return connect(token)
    },
  })
  return listen({
    ...options,
    headers: careful,
    routes: [
      { ...healthRoute, handle: guarded('page', healthRoute.handle) },
      ...chat.map((route) => ({
        ...route,
        handle: guarded('chat', async (incoming) => {
          const { params, left } = incoming
          if (route.path === '/session/:id') await forward.mustShow(params.id ?? '', left)
          return route.handle(incoming)
        }),
      })),
      ...(['GET', 'POST'] as const).map((method) => ({
        method,
        path: '/v1/*',
        handle: guarded('api', (incoming) => forward.pass(incoming)),
      })),
      { method: 'GET', path: '/', handle: guarded('page', async () => shown(html)) },
      { method: 'GET', path: '/s/:session', handle: guarded('page', async () => shown(html)) },
      { method: 'GET', path: '/assets/*', handle: guarded('page', async ({ request }) => asset(page.files, request)) },
    ],
  })
}

/** The page as it is, with what it has to know from the start: so its first picture waits for no request. */
function told(file: PageFile, known: Pick<ServingOptions, 'agent' | 'session'>): PageFile {
  const html = Buffer.from(file.bytes)
    .toString('utf8')
    .replace('__REINS__', () => escaped(JSON.stringify(known)))
  return { ...file, bytes: Buffer.from(html) }
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

function asset(files: ReadonlyMap<string, PageFile>, { url = '' }: IncomingMessage): Reply {
  const name = url.split('?')[0] ?? ''
  const file = files.get(name)
  if (file === undefined)
    throw new ReinsError('not_found', `The page has no file ${name.slice(0, 200)}.`, { next: 'Load the page again.' })
  return shown(file)
}

const shown = ({ bytes, type, immutable }: PageFile): Reply => ({
  status: 200,
  bytes,
  headers: {
    'content-type': type,
    'content-length': String(bytes.length),
    'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-store',
  },
})

/**
 * Scripts and styles are files of this server; nothing is loaded from, sent to or shown in anything else. Styles of single elements are
 * set by script, through the object model, which the policy does not speak of.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // Pictures that a person is about to send, from the page's own memory.
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const careful: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

const withoutToken = (): ReinsError =>
  new ReinsError('unauthorized', 'Agent process started without a token. The page speaks to Reins in your name.', {
    next: 'Sign in with reins auth login, or give a token with --token or REINS_TOKEN, and start it again.',
  })
