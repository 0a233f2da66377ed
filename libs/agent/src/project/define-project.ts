// What the generated entry of a project exports: all its modules by their names, under a marker by which a host knows them.
//   P1. It is known by a registered symbol, so that it is one over two copies of this package; what stands below the symbol says the
//       version of this form.
//   P2. Making it refuses nothing: whoever loads the bundle has it checked, and names every mistake at once.
import { type HostDoor, keepModules } from '../app/door.ts'
import { type Served, serveProject } from '../app/serve-project.ts'
import { given } from '../authoring/given.ts'
import { jsonSchemaOf } from '../parameters.ts'
import { checkProject, type ModuleProblem, type ProjectDescription } from './check-project.ts'
import { type Probed, probeAgents } from './probe-agents.ts'

export type { ModuleProblem, ProjectDescription } from './check-project.ts'

/** A module of a project as its entry imports it: all its exports. */
export interface ProjectModule {
  readonly module: Readonly<Record<string, unknown>>
  /** From the project's folder, for messages: `src/agents/ticket.ts`. */
  readonly file: string
}

export interface ProjectModules {
  readonly agents: Readonly<Record<string, ProjectModule>>
  readonly workflows: Readonly<Record<string, ProjectModule>>
  readonly channels: Readonly<Record<string, ProjectModule>>
  /** Absent: agents and workflows are served at `/`. `module` is what `app.ts` exports by default. */
  readonly app?: { readonly module: unknown; readonly file: string }
  /** What `reins.config.ts` exports by default. */
  readonly config?: { readonly module: unknown; readonly file: string }
}

export const projectMarker: unique symbol = Symbol.for('reins.project')

/** What a host does with a project. One object for each version of this form. */
export interface ProjectForm {
  readonly version: 1
  readonly modules: ProjectModules
  describe(): ProjectDescription
  /** Calls each initializer once. Absent: it was built before there was this. */
  probe?(): Promise<readonly ModuleProblem[]>
  /** The models of agents, as far as that has shown them. Absent: as above. */
  models?(): Promise<Readonly<Record<string, string>>>
  /** A request over HTTP, and what the app answers. `env`: what the project declares. */
  serve(request: Request, door: HostDoor, env?: Readonly<Record<string, string>>): Promise<Served>
}

export interface Project {
  readonly [projectMarker]: ProjectForm
}

/** A host reads the schemas of workflows, and what they give, by what stands here: it knows no library of schemas and no tool itself. */
const schemasMarker = Symbol.for('reins.schemas')

/** Written by `reins build`, for the entry that it generates. */
export function defineProject(modules: ProjectModules): Project {
  Object.assign(globalThis, { [schemasMarker]: Object.freeze({ jsonSchemaOf, given }) })
  keepModules(modules)
  let probed: Promise<Probed> | undefined
  const probe = (): Promise<Probed> => {
    probed ??= probeAgents(modules)
    return probed
  }
  const form: ProjectForm = Object.freeze({
    version: 1,
    modules,
    describe: () => checkProject(modules),
    probe: async () => (await probe()).problems,
    models: async () => (await probe()).models,
    serve: (request: Request, door: HostDoor, env: Readonly<Record<string, string>> = {}) =>
      serveProject(modules, request, door, env),
  })
  return Object.freeze({ [projectMarker]: form })
}
