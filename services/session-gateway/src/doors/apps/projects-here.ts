// Which project an address is of.
//   PH1. Addresses of the gateway itself come first: no project takes one of them.
//   PH2. `/projects/<name>/…` is always of that project. Without it, agents, workflows and channels are found by their names, and runs by
//        their ids. Everything else is of the project that the operator names; where none is named, of the only project there is, and of
//        none where there are several.
import type { ProjectEntry } from '@reins/contracts'

export interface Registered {
  projects(): readonly ProjectEntry[]
  project(name: string): ProjectEntry | undefined
}

export interface ProjectTarget {
  readonly project: ProjectEntry
  /** As its app sees it, with the query. */
  readonly url: string
}

/** PH1. Beside the routes that are there: nothing below these is ever a project's. */
const reserved = /^\/(?:v1|chat|health|ready|metrics|openapi\.json|\.well-known)(?:[/?]|$)/

/** `root`: the project that the operator names. */
export function projectOf(registered: Registered, url: string, root?: string): ProjectTarget | undefined {
  if (reserved.test(url)) return undefined
  const [, name, rest] = /^\/projects\/([^/?]+)(.*)$/.exec(url) ?? []
  if (name !== undefined && rest !== undefined) {
    const project = registered.project(name)
    return project && { project, url: rest.startsWith('/') ? rest : `/${rest}` }
  }
  const projects = registered.projects()
  const [, kind, named = ''] = /^\/(agents|workflows|channels)\/([^/?]+)/.exec(url) ?? []
  const owner = projects.find(({ manifest }) => manifest[kind as 'agents']?.some((one) => one.name === decoded(named)))
  const project = owner ?? ofTheRest(registered, projects, root)
  return project && { project, url }
}

/** PH2. */
const ofTheRest = (registered: Registered, projects: readonly ProjectEntry[], root: string | undefined) =>
  root === undefined ? (projects.length === 1 ? projects[0] : undefined) : registered.project(root)

/** What whoever deploys a project with an app of its own has to know of its addresses. */
export function noteOfPlace(
  registered: Registered,
  { name, manifest }: Pick<ProjectEntry, 'name' | 'manifest'>,
  root: string | undefined,
): readonly string[] {
  const projects = registered.projects()
  const without = (one: string): string =>
    `The routes of app.ts of ${one} answer below /projects/${one}/, since this Reins has several projects. REINS_ROOT_PROJECT=${one} of the gateway gives it all addresses that nobody else has.`
  const own = manifest.app && ofTheRest(registered, projects, root)?.name !== name ? [without(name)] : []
  // The one that was alone until now.
  const other = root === undefined && projects.length === 2 ? projects.find((one) => one.name !== name) : undefined
  return other?.manifest.app ? [...own, without(other.name)] : own
}

/** undefined: the address is of no run. */
export function runIn(url: string): string | undefined {
  const id = /^\/runs\/([^/?]+)/.exec(url)?.[1]
  return id === undefined ? undefined : decoded(id)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
