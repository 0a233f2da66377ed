import { expect, test } from 'vitest'
import type { ProjectModules } from '../project/define-project.ts'
import { serveProject } from './serve-project.ts'

const door = {
  request: async (what: string) =>
    what === 'serve' ? { status: 200, headers: [['content-type', 'text/plain']], body: 1 } : null,
}
type Handler = (c: never, next: () => Promise<void>) => unknown

const modules = (more: Partial<ProjectModules>): ProjectModules => ({
  agents: {},
  workflows: {},
  channels: {},
  ...more,
})
const withRoute = (route: Handler) => modules({ agents: { a: { module: { route }, file: 'a.ts' } } })

async function served(of: ProjectModules, at: string, env: Readonly<Record<string, string>> = {}, method = 'POST') {
  const body = method === 'POST' ? { body: '{}' } : {}
  const { response } = await serveProject(of, new Request(`http://x${at}`, { method, ...body }), door, env)
  const text = await response.text()
  return [response.status, text.startsWith('{') ? JSON.parse(text).error.type : text]
}

test('a middleware that calls next twice opens nothing a second time', async () => {
  const twice: Handler = async (_, next) => {
    await next()
    await next()
  }
  expect(await served(withRoute(twice), '/agents/a/1')).toEqual([500, 'internal_error'])
})

test('a middleware, a handler and an app are told that they gave no answer', async () => {
  expect(
    await served(
      withRoute(() => undefined),
      '/agents/a/1',
    ),
  ).toEqual([500, 'middleware_unfinished'])
  const routes = [{ method: 'POST', path: '/in', handler: () => undefined }]
  const channel = modules({ channels: { c: { module: { channel: { routes } }, file: 'c.ts' } } })
  expect(await served(channel, '/channels/c/in')).toEqual([500, 'handler_unfinished'])
  const app = modules({ app: { module: { fetch: () => 'no response' }, file: 'app.ts' } })
  expect(await served(app, '/')).toEqual([500, 'app_unfinished'])
})

test('env is the second argument of fetch, and of Hono’s context in middleware and handlers', async () => {
  const env = { REGION: 'eu' }
  const tell = (c: { readonly env: Record<string, string>; text(text: string): Response }) => c.text(c.env.REGION ?? '')
  expect(await served(withRoute(tell as never), '/agents/a/1', env)).toEqual([200, 'eu'])
  const routes = [{ method: 'GET', path: '/in', handler: tell }]
  const channel = modules({ channels: { c: { module: { channel: { routes } }, file: 'c.ts' } } })
  expect(await served(channel, '/channels/c/in', env, 'GET')).toEqual([200, 'eu'])
  const fetch = (_: Request, given: { readonly REGION: string }) => new Response(given.REGION)
  expect(await served(modules({ app: { module: { fetch }, file: 'app.ts' } }), '/', env, 'GET')).toEqual([200, 'eu'])
})
