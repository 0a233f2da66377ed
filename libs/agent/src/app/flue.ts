// The routes of agents, workflows and channels, to be mounted in an app of one's own: `app.route('/', flue())`.
//   F1. What has no `route` is closed over HTTP, what has no `websocket` takes no upgrade: the answer is the same 404 as for a name that
//       is not there.
//   F2. A middleware opens its route by `next()` alone. One that throws opens nothing; one that neither answers nor calls `next` is told so.
//   F3. What `next()` does is done by the gateway: a body that the middleware leaves alone never passes through here.
import { type Context, Hono } from 'hono'
import type { ProjectModule, ProjectModules } from '../project/define-project.ts'
import { servings } from './servings.ts'
import { fault } from './faults.ts'
import { ask, bodyText } from './passing.ts'

type Middleware = (c: Context, next: () => Promise<void>) => unknown

/** A Hono app with the routes of the project's modules. Mount it at any prefix. */
export function flue(): Hono {
  const app = new Hono()
  app.post('/agents/:name/:id', (c) => agentRoute(c, 'route', { kind: 'agent', ...target(c) }))
  app.get('/agents/:name/:id', (c) =>
    isUpgrade(c)
      ? agentRoute(c, 'websocket', { kind: 'agent-socket', ...target(c) })
      : agentRoute(c, 'route', { kind: 'agent-events', ...target(c) }),
  )
  app.post('/agents/:name/:id/abort', (c) => agentRoute(c, 'route', { kind: 'agent-abort', ...target(c) }))
  app.all('/agents/:name/:id', (c) => notAllowed(c, 'GET, POST'))
  app.post('/workflows/:name', (c) => workflowRoute(c, 'route', { kind: 'workflow', name: c.req.param('name') }))
  app.get('/workflows/:name', (c) =>
    isUpgrade(c)
      ? workflowRoute(c, 'websocket', { kind: 'workflow-socket', name: c.req.param('name') })
      : notAllowed(c, 'POST'),
  )
  app.get('/runs/:id', (c) => runRoute(c, 'run'))
  app.get('/runs/:id/events', (c) => runRoute(c, 'run-events'))
  app.get('/runs/:id/stream', (c) => runRoute(c, 'run-stream'))
  app.all('/channels/:name/*', channelRoute)
  return app
}

const modulesHere = (): ProjectModules | undefined => servings().getStore()?.modules

/** F60: an instance's id is a segment of the path, percent-decoded. */
function target(c: Context): { readonly name: string; readonly id: string } {
  return { name: c.req.param('name') ?? '', id: c.req.param('id') ?? '' }
}

const isUpgrade = (c: Context): boolean => c.req.header('upgrade')?.toLowerCase() === 'websocket'

const own = (modules: Readonly<Record<string, ProjectModule>> | undefined, name: string): ProjectModule | undefined =>
  modules && Object.hasOwn(modules, name) ? modules[name] : undefined

interface Asked {
  readonly kind: string
  readonly name: string
}

function agentRoute(c: Context, by: 'route' | 'websocket', asked: Asked): Promise<Response> | Response {
  const middleware = own(modulesHere()?.agents, asked.name)?.module[by]
  if (typeof middleware !== 'function') return fault(404, 'agent_not_found', 'There is no such agent here.') // F1
  return through(c, middleware as Middleware, asked)
}

function workflowRoute(c: Context, by: 'route' | 'websocket', asked: Asked): Promise<Response> | Response {
  const middleware = own(modulesHere()?.workflows, asked.name)?.module[by]
  if (typeof middleware !== 'function') return fault(404, 'workflow_not_found', 'There is no such workflow here.') // F1
  return through(c, middleware as Middleware, asked)
}

/** A run is as open as the workflow that it is of. */
async function runRoute(c: Context, kind: string): Promise<Response> {
  const id = c.req.param('id') ?? ''
  const owner = await servings().getStore()?.door.request('run-owner', { id })
  const middleware = typeof owner === 'string' ? own(modulesHere()?.workflows, owner)?.module.route : undefined
  if (typeof owner !== 'string' || typeof middleware !== 'function')
    return fault(404, 'run_not_found', 'There is no such run here.')
  return through(c, middleware as Middleware, { kind, name: owner, id } as Asked)
}

/** F2. */
async function through(c: Context, middleware: Middleware, asked: Asked): Promise<Response> {
  let passed: Promise<void> | undefined
  const next = async (): Promise<void> => {
    if (passed) throw new Error('next() was called more than once by the middleware of one request')
    passed = (async () => {
      c.res = await ask(c, { ...asked, body: await bodyText(c) }, asked.kind === 'workflow')
    })()
    await passed
  }
  const given = await middleware(c, next)
  if (isResponse(given)) return given
  if (passed) {
    await passed
    return c.res
  }
  return fault(
    500,
    'middleware_unfinished',
    `The middleware of ${asked.name} neither answered nor called next(), so the request goes no further.`,
    'In the module, return a response (c.json, c.text, c.notFound) or write "await next()".',
  )
}

/** It may come from another copy of Hono or of the fetch classes. */
const isResponse = (value: unknown): value is Response =>
  value instanceof Response ||
  (typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value)

async function channelRoute(c: Context): Promise<Response> {
  const name = c.req.param('name') ?? ''
  const channel = own(modulesHere()?.channels, name)?.module.channel as { readonly routes?: unknown } | undefined
  const routes = Array.isArray(channel?.routes) ? (channel.routes as readonly ChannelRoute[]) : []
  const at = c.req.path.indexOf(`/channels/${encodeURIComponent(name)}/`)
  const path = c.req.path.slice(at + `/channels/${encodeURIComponent(name)}`.length)
  const there = routes.filter((route) => matches(route.path, path))
  const route = there.find(({ method }) => method === c.req.method)
  if (route) {
    const given = await route.handler(c, async () => {})
    if (isResponse(given)) return given
    return fault(
      500,
      'handler_unfinished',
      `The handler of channel ${name} for ${route.method} ${route.path} gave no response.`,
    )
  }
  if (there.length > 0) return notAllowed(c, [...new Set(there.map(({ method }) => method))].join(', '))
  return fault(404, 'route_not_found', 'There is no such route here.')
}

interface ChannelRoute {
  readonly method: string
  readonly path: string
  handler(c: Context, next: () => Promise<void>): unknown
}

/** `:name` stands for one segment. */
function matches(pattern: string, path: string): boolean {
  const [want, have] = [pattern.split('/'), path.split('/')]
  return (
    want.length === have.length && want.every((part, i) => part === have[i] || (part.startsWith(':') && have[i] !== ''))
  )
}

function notAllowed(c: Context, allow: string): Response {
  const answer = fault(405, 'method_not_allowed', `This address takes ${allow}, not ${c.req.method}.`)
  answer.headers.set('allow', allow)
  return answer
}
