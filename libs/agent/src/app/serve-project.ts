// A request to a project: to its app, or where it has none to the routes of its modules at `/`.
import { Hono } from 'hono'
import type { ProjectModules } from '../project/define-project.ts'
import type { HostDoor } from './door.ts'
import { servings } from './servings.ts'
import { fault } from './faults.ts'
import { flue } from './flue.ts'
import { passedBody } from './passing.ts'

export interface Served {
  readonly response: Response
  /** The gateway's number of the body, where that is its own, untouched. */
  readonly passed: number | undefined
}

/** `env`: as the second argument of `fetch`, by which Hono makes it `c.env` of handlers and middleware. */
export async function serveProject(
  modules: ProjectModules,
  request: Request,
  door: HostDoor,
  env: Readonly<Record<string, string>>,
): Promise<Served> {
  const app = (modules.app?.module ?? defaultApp()) as { fetch(request: Request, env: object): unknown }
  const response = await servings().run({ modules, door }, async () => app.fetch(request, env))
  if (!(response instanceof Response)) {
    const message = `The fetch of ${modules.app?.file ?? 'the app'} gave no Response.`
    return { response: fault(500, 'app_unfinished', message), passed: undefined }
  }
  return { response, passed: passedBody(response.body) }
}

let made: Hono | undefined

function defaultApp(): Hono {
  if (made) return made
  made = new Hono()
  made.route('/', flue())
  made.notFound(() => fault(404, 'route_not_found', 'There is no such route here.'))
  made.onError((error) => {
    if ('getResponse' in error && typeof error.getResponse === 'function') return error.getResponse()
    console.error(error)
    return fault(500, 'internal_error', 'The request failed.')
  })
  return made
}
