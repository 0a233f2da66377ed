// Which project an address is of.
//   PH1. Addresses of the gateway itself come first: no project takes one of them.
//   PH2. `/projects/<name>/…` is always of that project. Without it, agents, workflows and channels are found by their names; everything
//        else is of the only project there is, and of none where there are several.
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

export function projectOf(registered: Registered, url: string): ProjectTarget | undefined {
  if (reserved.test(url)) return undefined
  const [, name, rest] = /^\/projects\/([^/?]+)(.*)$/.exec(url) ?? []
  if (name !== undefined && rest !== undefined) {
    const project = registered.project(name)
    return project && { project, url: rest.startsWith('/') ? rest : `/${rest}` }
  }
  const projects = registered.projects()
  const [only] = projects
  if (only && projects.length === 1) return { project: only, url }
  const [, kind, named = ''] = /^\/(agents|workflows|channels)\/([^/?]+)/.exec(url) ?? []
  const owner = projects.find(({ manifest }) => manifest[kind as 'agents']?.some((one) => one.name === decoded(named)))
  return owner && { project: owner, url }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
