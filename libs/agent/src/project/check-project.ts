// Whether the modules of a project export what they must, and what they are then: the manifest.
//   C1. Every mistake is named at once, with the module's file and what to write instead.
//   C2. An agent is known by the marker of createAgent alone: a plain object of the same look is none.
import { declaredNames } from './project-config.ts'
import { type ScheduleFacts, schedulesOf } from './schedules.ts'
import type { ProjectModule, ProjectModules } from './define-project.ts'

interface Exposed {
  readonly name: string
  readonly description?: string
  readonly route: boolean
  readonly websocket: boolean
  readonly file: string
}

interface RunnableWorkflow extends Exposed {
  readonly affinity?: Readonly<Record<string, string>>
}

export interface ChannelRoute {
  readonly method: string
  readonly path: string
}

/** What a project's bundle says of itself. */
export interface Manifest {
  readonly agents: readonly Exposed[]
  readonly workflows: readonly RunnableWorkflow[]
  readonly channels: readonly {
    readonly name: string
    readonly routes: readonly ChannelRoute[]
    readonly file: string
  }[]
  readonly app: boolean
  readonly env?: readonly string[]
  readonly secrets?: readonly string[]
  readonly schedules?: readonly ScheduleFacts[]
}

export interface ModuleProblem {
  /** The module's file. */
  readonly module: string
  readonly message: string
}

export type ProjectDescription =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'problems'; readonly problems: readonly ModuleProblem[] }

const createdAgent = Symbol.for('reins.agent')
const mostDescription = 2000

export function checkProject(modules: ProjectModules): ProjectDescription {
  const problems: ModuleProblem[] = []
  const say = (module: string) => (message: string) => void problems.push({ module, message })
  const agents = Object.entries(modules.agents).map(([name, one]) => agentOf(name, one, say(one.file)))
  sayShared(modules, say)
  const workflows = Object.entries(modules.workflows).map(([name, one]) => workflowOf(name, one, say(one.file)))
  const channels = Object.entries(modules.channels).map(([name, one]) => channelOf(name, one, say(one.file)))
  const { app, config } = modules
  if (app) checkApp(app.module, say(app.file))
  const declared = config ? declaredNames(config.module, say(config.file)) : {}
  const timed = (of: 'workflow' | 'agent', all: ProjectModules['workflows']) =>
    Object.entries(all).flatMap(([name, one]) => schedulesOf(of, name, one, say(one.file)))
  const schedules = [...timed('workflow', modules.workflows), ...timed('agent', modules.agents)]
  if (problems.length > 0) return { kind: 'problems', problems }
  return {
    kind: 'manifest',
    manifest: {
      ...{ agents, workflows, channels, app: app !== undefined, ...declared },
      ...(schedules.length > 0 ? { schedules } : {}),
    },
  }
}

type Say = (message: string) => void

function agentOf(name: string, { module, file }: ProjectModule, say: Say): Exposed {
  if (!isCreatedAgent(module.default)) say(`Agent "${name}" must default-export createAgent(...). ${instead(module)}`)
  return exposed(name, { module, file }, 'Agent', say)
}

/** What the author may have meant. */
function instead(module: ProjectModule['module']): string {
  const named = Object.keys(module).find((key) => key !== 'default' && isCreatedAgent(module[key]))
  if (named !== undefined) return `It exports one as "${named}": write "export default ${named}".`
  const value = module.default
  if (typeof value === 'function') return 'It exports a function: write "export default createAgent(…)" around it.'
  if (typeof value === 'object' && value !== null)
    return 'It exports a plain object: write "export default createAgent(() => ({ … }))", with createAgent of @reins/agent.'
  if (typeof module.run === 'function')
    return 'It exports "run", as a workflow does: move the file to the folder workflows.'
  return 'Write "export default createAgent(() => ({ model: \'provider/model\' }))".'
}

const isCreatedAgent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, createdAgent) // C2

/** Two modules that export one value would be one agent under two names. */
function sayShared({ agents }: ProjectModules, say: (module: string) => Say): void {
  const names = new Map<unknown, string>()
  for (const [name, { module, file }] of Object.entries(agents)) {
    if (!isCreatedAgent(module.default)) continue
    const other = names.get(module.default)
    if (other === undefined) names.set(module.default, name)
    else
      say(file)(
        `Agents "${other}" and "${name}" default-export the same created agent value. Use distinct createAgent(...) values, and a profile (defineAgentProfile) for what they share.`,
      )
  }
}

function workflowOf(name: string, { module, file }: ProjectModule, say: Say): RunnableWorkflow {
  if (typeof module.run !== 'function') {
    const hint = isCreatedAgent(module.default)
      ? 'It exports a created agent: move the file to the folder agents.'
      : typeof module.default === 'function'
        ? 'It exports a function by default: name it, as in "export async function run(ctx) { … }".'
        : 'Write "export async function run(ctx) { … }".'
    say(`Workflow "${name}" must export a callable run value. ${hint}`)
  }
  const { affinity } = module
  if (affinity !== undefined && !areLabels(affinity))
    say(`Workflow "${name}" affinity export must be labels with texts as values, such as { role: 'harness' }.`)
  return { ...exposed(name, { module, file }, 'Workflow', say), ...(areLabels(affinity) ? { affinity } : {}) }
}

const areLabels = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(
    ([name, label]) => /^[A-Za-z0-9_./-]{1,63}$/.test(name) && typeof label === 'string' && label.length <= 63,
  )

function exposed(name: string, { module, file }: ProjectModule, what: string, say: Say): Exposed {
  const { route, websocket, description } = module
  for (const [field, value] of Object.entries({ route, websocket }))
    if (value !== undefined && typeof value !== 'function')
      say(
        `${what} "${name}" ${field} export must be a callable Hono middleware value. Write "export const ${field} = async (c, next) => next()", or leave it out: then it is closed.`,
      )
  if (description !== undefined && (typeof description !== 'string' || description.trim() === ''))
    say(`${what} "${name}" description export must be a text that is not empty.`)
  else if (typeof description === 'string' && description.length > mostDescription)
    say(
      `${what} "${name}" description export has ${description.length} characters; at most ${mostDescription} are allowed.`,
    )
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    route: route !== undefined,
    websocket: websocket !== undefined,
    file,
  }
}

function channelOf(name: string, { module, file }: ProjectModule, say: Say) {
  const routes: ChannelRoute[] = []
  const { channel } = module
  const given = typeof channel === 'object' && channel !== null && 'routes' in channel ? channel.routes : undefined
  if (typeof channel !== 'object' || channel === null)
    say(`Channel "${name}" must export an object named channel: "export const channel = { routes: [ … ] }".`)
  else if (!Array.isArray(given) || given.length === 0)
    say(`Channel "${name}" must have at least one route in channel.routes: { method, path, handler }.`)
  else {
    const seen = new Set<string>()
    for (const [index, one] of given.entries()) {
      const { method, path, handler } = (one ?? {}) as { method?: unknown; path?: unknown; handler?: unknown }
      const at = `Channel "${name}" route ${index + 1}`
      if (typeof method !== 'string' || !/^[A-Z]+$/.test(method))
        say(`${at} has no method in capital letters, such as 'POST'.`)
      const fault = pathFault(path)
      if (fault !== undefined) say(`${at} has a path that ${fault}; write one such as '/events'.`)
      if (typeof handler !== 'function') say(`${at} must have a callable handler.`)
      const key = `${method} ${path}`
      if (seen.has(key)) say(`Channel "${name}" has two routes for ${key}. Keep one.`)
      seen.add(key)
      if (typeof method === 'string' && typeof path === 'string') routes.push({ method, path })
    }
  }
  return { name, routes, file }
}

function pathFault(path: unknown): string | undefined {
  if (typeof path !== 'string' || !path.startsWith('/')) return 'does not begin with a slash'
  if (path.includes('//')) return 'has two slashes one after the other'
  if (/[?#]/.test(path)) return 'has a ? or a # in it'
  if (path.split('/').some((part) => part === '.' || part === '..')) return 'has a segment . or ..'
  return undefined
}

function checkApp(app: unknown, say: Say): void {
  const fetch = typeof app === 'function' ? undefined : (app as { fetch?: unknown } | null | undefined)?.fetch
  if (typeof fetch !== 'function')
    say('app must default-export an object with fetch(request), such as a Hono app: "export default app".')
}
