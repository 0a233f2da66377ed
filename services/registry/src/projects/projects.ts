// Putting, rolling back and deleting projects: which build the name of a project stands for.
//   PR1. The bundle is kept before the project names it; a project names nothing that is not there.
//   PR2. A project's state changes only from the state that was decided on: a refused write is decided again.
//   PR3. `version` counts up for ever, also over a rollback and a deletion.
//   PR6. A build of `reins dev` may be on its way out while it is deployed again. It is claimed once the project names it: from then on it is
//        needed. One that was removed before that is kept again.
//   PR5. Whoever deploys or rolls back a project must be allowed to use the secrets that it declares and did not have before.
//   PR4. Agents and workflows have one namespace each, over all projects and all agents in YAML: the second of a name is refused. That names
//        are free is read behind an end of the log, and the project goes in where nothing was written since.
import {
  defaultAgentMaker,
  isProjectName,
  keptBuilds,
  type Problem,
  type Project,
  type ProjectAnswer,
  type ProjectBuild,
  type ProjectEntry,
  type ProjectManifest,
  ReinsError,
  scheduleProblem,
} from '@reins/contracts'
import { parseAgent, parseProject } from '@reins/journal'
import type { Clock } from '@reins/service'
import type { Bundles } from '../code/bundles.ts'
import { mustHaveDeclared } from '../definition/named-secrets.ts'
import type { RegistryLog } from '../registry-log.ts'

export interface ProjectsOptions {
  readonly log: RegistryLog
  readonly clock: Clock
  readonly bundles: Pick<Bundles, 'project' | 'manifest' | 'keep' | 'claim'>
  /** A build of `reins dev` has taken the place of another. */
  readonly developed?: () => void
  /** Whether a value is set; undefined: nobody is warned. */
  readonly values?: {
    hasSecret(name: string): Promise<boolean>
    hasConfig(name: string): Promise<boolean>
  }
}

/** Who asks. `maySecrets`: the only secrets that they may give to a project; absent: all. */
export interface Deployer {
  readonly by: string
  /** It is one of many builds, which may go when nobody needs it. */
  readonly development?: boolean | undefined
  readonly maySecrets?: readonly string[] | undefined
}

interface Current {
  /** 0: there never was one. */
  readonly seq: number
  readonly entry: ProjectEntry | undefined
}

/** What a project is to be now. */
interface Next {
  readonly digest: string
  readonly size: number
  readonly manifest: ProjectManifest
}

const attempts = 20

export class Projects {
  readonly #log: RegistryLog
  readonly #clock: Clock
  readonly #bundles: ProjectsOptions['bundles']

  readonly #values: ProjectsOptions['values']

  readonly #developed: () => void

  constructor({ log, clock, bundles, values, developed = () => {} }: ProjectsOptions) {
    this.#developed = developed
    this.#values = values
    this.#log = log
    this.#clock = clock
    this.#bundles = bundles
  }

  async put(name: string, text: string, deployer: Deployer): Promise<{ value: ProjectAnswer; seq: number }> {
    mustBeName(name)
    const { development = false } = deployer
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { digest, put } = await this.#put(name, text, deployer)
      if (!(await this.#bundles.claim(digest, development))) continue // PR6
      if (development) this.#developed()
      return put
    }
    throw busy(name)
  }

  async #put(name: string, text: string, deployer: Deployer) {
    const { by, development = false } = deployer
    const found = await this.#bundles.project(name, text)
    if (found.kind === 'problems') throw invalid(name, found.problems)
    const { bundle, manifest } = found
    const wrong = (manifest.schedules ?? []).flatMap((schedule) => scheduleProblem(schedule) ?? [])
    if (wrong.length > 0)
      throw invalid(
        name,
        wrong.map((message) => ({ path: '', message })),
      )
    await this.#mustBeFree(name, manifest) // before anything is kept
    await this.#mayUse(name, manifest, deployer)
    if (found.kind === 'fresh') await this.#bundles.keep([bundle], by, this.#clock.now(), development) // PR1
    const { digest } = bundle
    const next = { digest, size: bundle.bytes.length, manifest }
    const { value, seq } = await this.#change(name, by, (entry) => (entry?.digest === digest ? undefined : next))
    const warnings = await this.#missing(manifest)
    return { digest, put: { value: warnings.length === 0 ? value : { ...value, warnings }, seq } }
  }

  /** PR5. */
  async #mayUse(name: string, { secrets = [] }: ProjectManifest, { maySecrets }: Deployer): Promise<void> {
    if (!maySecrets) return
    const { entry } = await this.#current(name)
    mustHaveDeclared(secrets, entry?.deleted === false ? (entry.manifest.secrets ?? []) : [], maySecrets)
  }

  async #missing({ env = [], secrets = [] }: ProjectManifest): Promise<string[]> {
    const values = this.#values
    if (!values) return []
    const lacks = async (names: readonly string[], has: (name: string) => Promise<boolean>) => {
      const there = await Promise.all(names.map(has))
      return names.filter((_, index) => !there[index])
    }
    const configs = await lacks(env, values.hasConfig)
    const kept = await lacks(secrets, values.hasSecret)
    return [
      ...configs.map((one) => `The config ${one} is not set: reins config set ${one} VALUE`),
      ...kept.map((one) => `The secret ${one} is not set: reins secret set ${one}`),
    ]
  }

  /** `version`: default: the latest build before the present one. */
  async rollback(
    name: string,
    version: number | undefined,
    deployer: Deployer,
  ): Promise<{ value: ProjectAnswer; seq: number }> {
    const { entry } = await this.#current(name)
    if (!entry || entry.deleted) throw notFound(name)
    const build = buildOf(entry, version)
    const kept = await this.#bundles.manifest(build.digest)
    if (!kept) throw new ReinsError('unavailable', `The bundle of version ${build.version} cannot be read now.`)
    const next = { digest: build.digest, size: kept.size, manifest: kept.manifest }
    await this.#mayUse(name, next.manifest, deployer)
    let from = entry.version
    const { value, seq } = await this.#change(name, deployer.by, (now) => {
      if (!now) throw notFound(name)
      buildOf(now, build.version) // Others may have deployed since, and it is kept no more.
      from = now.version
      return next
    })
    return { value: { ...value, outcome: 'rolled-back', rolledBack: { from, to: build.version } }, seq }
  }

  async delete(name: string, by: string): Promise<{ value: { name: string }; seq: number }> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { seq, entry } = await this.#current(name)
      if (!entry || entry.deleted) throw notFound(name)
      const next: ProjectEntry = { ...entry, deleted: true, updatedAt: this.#clock.now(), by }
      const written = await this.#log.write('project', name, next, seq)
      if (written.kind === 'written') return { value: { name }, seq: written.seq }
    }
    throw busy(name)
  }

  /** Which live project has an agent of this name; undefined: none. */
  async withAgent(agent: string): Promise<string | undefined> {
    return (await this.#alive()).find(({ manifest }) => manifest.agents.some(({ name }) => name === agent))?.name
  }

  /** Which live project has a workflow of this name; undefined: none. */
  async withWorkflow(workflow: string): Promise<string | undefined> {
    const has = ({ manifest }: Pick<ProjectEntry, 'manifest'>) =>
      manifest.workflows.some(({ name }) => name === workflow)
    return (await this.#alive()).find(has)?.name
  }

  async workflowNames(): Promise<readonly string[]> {
    return (await this.#alive()).flatMap(({ manifest }) => manifest.workflows.map(({ name }) => name))
  }

  /** PR2. `decide`: is given the project where it is there; nothing: it stays as it is. */
  async #change(
    name: string,
    by: string,
    decide: (entry: ProjectEntry | undefined) => Next | undefined,
  ): Promise<{ value: ProjectAnswer; seq: number }> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const end = await this.#log.end()
      const { seq, entry } = await this.#current(name, true)
      const alive = entry?.deleted === false ? entry : undefined
      const next = decide(alive)
      if (!next && alive) return { value: { project: projectOf(alive), outcome: 'unchanged' }, seq }
      if (!next) throw notFound(name)
      await this.#mustBeFree(name, next.manifest) // PR4
      const at = this.#clock.now()
      const made: ProjectEntry = {
        ...{ name, version: (entry?.version ?? 0) + 1, ...next }, // PR3
        previous: alive ? previousOf(alive, next.digest) : [],
        ...{ deleted: false, createdAt: alive?.createdAt ?? at, updatedAt: at, by },
      }
      const written = await this.#log.write('project', name, made, seq, end)
      if (written.kind === 'written')
        return { value: { project: projectOf(made), outcome: alive ? 'updated' : 'created' }, seq: written.seq }
    }
    throw busy(name)
  }

  /** PR4. */
  async #mustBeFree(project: string, manifest: ProjectManifest): Promise<void> {
    const taken: string[] = []
    const untouched: string[] = []
    for (const { name, file } of manifest.agents) {
      const record = await this.#log.last('agent', name, { leader: true })
      const agent = parseAgent(record?.value)
      if (agent?.deleted !== false) continue
      const ours = agent.by === defaultAgentMaker
      if (ours) untouched.push(name)
      const what = ours
        ? `which Reins made at its first start, and nobody has changed: reins agent delete ${name}`
        : 'which is defined in YAML'
      taken.push(`${file}: there is an agent ${name} already, ${what}`)
    }
    for (const other of await this.#alive()) {
      if (other.name === project) continue
      for (const [kind, what] of [
        ['agents', 'an agent'],
        ['workflows', 'a workflow'],
        ['channels', 'a channel'],
      ] as const)
        for (const { name, file } of manifest[kind])
          if (other.manifest[kind].some((one) => one.name === name))
            taken.push(`${file}: the project ${other.name} has ${what} ${name} already`)
    }
    if (taken.length === 0) return
    throw new ReinsError(
      'name_taken',
      `The project ${project} cannot be deployed, so nothing was changed:\n${lines(taken)}`,
      {
        details: { problems: taken, ...(untouched.length === taken.length ? { untouched } : {}) },
      },
    )
  }

  async #alive(): Promise<readonly ProjectEntry[]> {
    const records = await this.#log.all('project')
    return [...records.values()].flatMap(({ value }) => {
      const entry = parseProject(value)
      return entry && !entry.deleted ? [entry] : []
    })
  }

  async #current(name: string, leader = false): Promise<Current> {
    if (!isProjectName(name)) return { seq: 0, entry: undefined }
    const record = await this.#log.last('project', name, { leader })
    if (!record) return { seq: 0, entry: undefined }
    const entry = parseProject(record.value)
    if (entry?.name !== name)
      throw new Error(`the record of the project ${name} (sequence ${record.seq} of REG) is damaged`)
    return { seq: record.seq, entry }
  }
}

/** A build stands once in the list: rolling back and forth does not push others out. */
function previousOf({ version, digest, updatedAt, by, previous }: ProjectEntry, next: string): ProjectBuild[] {
  const now: ProjectBuild = { version, digest, at: updatedAt, by }
  const others = previous.filter((one) => one.digest !== next && one.digest !== digest)
  return [now, ...others].filter((one) => one.digest !== next).slice(0, keptBuilds)
}

function buildOf({ name, version: present, previous }: ProjectEntry, version: number | undefined): ProjectBuild {
  const [latest] = previous
  const build = version === undefined ? latest : previous.find((one) => one.version === version)
  if (build) return build
  const kept = previous.map((one) => one.version).join(', ')
  const message =
    version === present
      ? `Version ${version} of the project ${name} is the present one.`
      : previous.length === 0
        ? `The project ${name} has no build before version ${present}.`
        : `The project ${name} keeps no version ${version}.`
  throw new ReinsError('invalid_request', message, {
    next: previous.length === 0 ? 'Deploy another build: reins deploy' : `Name one of these versions: ${kept}.`,
  })
}

const projectOf = ({ deleted: _, ...project }: ProjectEntry): Project => project

function mustBeName(name: string): void {
  if (isProjectName(name)) return
  throw new ReinsError(
    'invalid_project',
    `${JSON.stringify(name.slice(0, 80))} is no name for a project: lower-case letters, digits and single hyphens, at most 64 characters.`,
    { next: 'Give another name: reins deploy --name NAME' },
  )
}

const lines = (texts: readonly string[]): string => texts.map((text) => `  ${text}`).join('\n')
/** Who reads of a project needs no path into the request. */
function invalid(name: string, found: readonly Problem[]): ReinsError {
  const problems = found.map(({ message }) => ({ path: '', message: message.replace(/^\(\S+\) /, '') }))
  const text = lines(problems.map(({ message }) => message))
  return new ReinsError('invalid_project', `The project ${name} is not valid, so nothing was changed:\n${text}`, {
    details: { problems },
  })
}
const notFound = (name: string) =>
  new ReinsError('project_not_found', `There is no project ${JSON.stringify(name.slice(0, 80))}.`)
const busy = (name: string) =>
  new ReinsError('unavailable', `The project ${name} was changed by others ${attempts} times while this was tried.`)
