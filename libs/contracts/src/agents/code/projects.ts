// A project: agents, workflows and channels as TypeScript modules, built to one bundle. What its own code says of it is the manifest; the
// registry keeps which bundle the name of a project stands for now, and the ones before it.
import { type Static, Type } from 'typebox'
import { BundleDigest, maxBundleBytes } from './code.ts'
import { maxSchedules, ProjectSchedule } from '../../schedules/schedule.ts'
import { Labels } from '../pools.ts'
import { moduleNamePattern } from './instance.ts'

const closed = { additionalProperties: false } as const

const ModuleName = Type.String({ pattern: moduleNamePattern })
const File = Type.String({ minLength: 1, maxLength: 1024, description: 'Relative to the folder of the project' })
export const maxModules = 500

/** Projects have names like agents. */
export const projectNamePattern = '^[a-z0-9]+(-[a-z0-9]+)*$'
export const isProjectName = (name: string): boolean => name.length <= 64 && new RegExp(projectNamePattern).test(name)

const exposed = {
  /** It exports `route`: it has an HTTP address. */
  route: Type.Boolean(),
  /** It exports `websocket`: it takes upgrades. */
  websocket: Type.Boolean(),
  file: File,
}

/** Names that a project may declare of each kind: a tool has room for some of its own beside them. */
export const maxDeclaredNames = 40
const DeclaredNames = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: maxDeclaredNames })

/** What a project's bundle says of itself. */
export const ProjectManifest = Type.Object(
  {
    agents: Type.Array(
      Type.Object(
        {
          ...{ name: ModuleName, description: Type.Optional(Type.String({ maxLength: 2000 })), ...exposed },
          /** What its initializer gave for an id that is nobody's, reading no value of the project. For warnings. */
          model: Type.Optional(Type.String({ maxLength: 300 })),
        },
        closed,
      ),
      { maxItems: maxModules },
    ),
    workflows: Type.Array(
      Type.Object(
        {
          ...{ name: ModuleName, description: Type.Optional(Type.String({ maxLength: 2000 })), ...exposed },
          /** Labels of the executors and tool-runners that take its runs. */
          affinity: Type.Optional(Labels),
        },
        closed,
      ),
      { maxItems: maxModules },
    ),
    channels: Type.Array(
      Type.Object(
        {
          name: ModuleName,
          routes: Type.Array(Type.Object({ method: Type.String(), path: Type.String() }, closed), { maxItems: 100 }),
          file: File,
        },
        closed,
      ),
      { maxItems: maxModules },
    ),
    /** It has an `app` of its own. */
    app: Type.Boolean(),
    /** Names of configs and of secrets whose values its code is given as `env`. Absent: none. */
    env: Type.Optional(DeclaredNames),
    secrets: Type.Optional(DeclaredNames),
    /** When its workflows and agents run by themselves. Absent: never. */
    schedules: Type.Optional(Type.Array(ProjectSchedule, { maxItems: maxSchedules })),
  },
  closed,
)
export type ProjectManifest = Static<typeof ProjectManifest>

/** A bundle that the name of a project stood for. */
export const ProjectBuild = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    digest: BundleDigest,
    at: Type.Integer({ description: 'When it was deployed; epoch ms' }),
    by: Type.String(),
  },
  closed,
)
export type ProjectBuild = Static<typeof ProjectBuild>

/** Builds before the present one that can be rolled back to. */
export const keptBuilds = 10

/** `reg.project.<name>`: which bundle the name stands for now. `deleted`: the name is free again, its bundles stay. */
export const ProjectEntry = Type.Object(
  {
    name: Type.String(),
    /** Counts up for ever, also over a rollback and a deletion. */
    version: Type.Integer({ minimum: 1 }),
    digest: BundleDigest,
    size: Type.Integer({ minimum: 1 }),
    manifest: ProjectManifest,
    /** The latest first; `keptBuilds` at most. */
    previous: Type.Array(ProjectBuild, { maxItems: keptBuilds }),
    deleted: Type.Boolean(),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type ProjectEntry = Static<typeof ProjectEntry>

/** A project as people see it. */
export const Project = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer({ description: 'Counts up with each deployment and each rollback' }),
    digest: BundleDigest,
    size: Type.Integer({ description: 'Bytes of the bundle' }),
    manifest: ProjectManifest,
    previous: Type.Array(ProjectBuild, { description: 'What can be rolled back to, the latest first' }),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type Project = Static<typeof Project>

export const ProjectName = Type.String({ minLength: 1, maxLength: 64, pattern: projectNamePattern })

/** Body of PUT /v1/projects/:name. */
export const DeployProject = Type.Object(
  {
    bundle: Type.String({
      minLength: 1,
      description: `What reins build made: one ESM module that imports nothing but Node's own; at most ${maxBundleBytes} bytes`,
    }),
    development: Type.Optional(
      Type.Literal(true, {
        description: 'One of many builds while somebody writes the code: it is removed when nothing needs it any more',
      }),
    ),
  },
  closed,
)
export type DeployProject = Static<typeof DeployProject>

/** Body of POST /v1/projects/:name/rollback. */
export const RollbackProject = Type.Object(
  { version: Type.Optional(Type.Integer({ minimum: 1, description: 'Default: the latest before the present one' })) },
  closed,
)
export type RollbackProject = Static<typeof RollbackProject>

export const ProjectAnswer = Type.Object(
  {
    project: Project,
    outcome: Type.Union([
      Type.Literal('created'),
      Type.Literal('updated'),
      Type.Literal('unchanged'),
      Type.Literal('rolled-back'),
    ]),
    rolledBack: Type.Optional(
      Type.Object(
        { from: Type.Integer({ minimum: 1 }), to: Type.Integer({ minimum: 1 }) },
        { ...closed, description: 'The versions of the builds that a rollback has left, and put back' },
      ),
    ),
    warnings: Type.Optional(Type.Array(Type.String(), { description: 'What the project will miss when it runs' })),
  },
  closed,
)
export type ProjectAnswer = Static<typeof ProjectAnswer>

export const ProjectList = Type.Object({ projects: Type.Array(Project) }, closed)
export type ProjectList = Static<typeof ProjectList>

/** As JSON a bundle is longer than it is. */
export const maxProjectBodyBytes = 2 * maxBundleBytes
