// Agents that are modules of a project, configured for one id: their initializer runs, and what it gives is kept as a version.
//   CF1. A version is known by its digest: the same configuration of the same build gives the same version, and nothing is written twice.
//   CF2. What the version names is kept before it: the files of its skills, and the versions of its subagents.
//   CF4. What an initializer gives is stored, so here it is given no value of a secret: `secret:NAME` stands in its place. The process that
//        runs a tool runs the initializer again, with the values.
//   CF5. A tool may be given the secrets that its project declares, which whoever deployed it had to be allowed to use, and no other.
//   CF6. A build of `reins dev` that nobody needed may be removed while an initializer of it runs (development-builds.ts): nothing begins with
//        it then.
//   CF3. An initializer has its time; one that does not end, throws, or gives what cannot be used is refused with its module named.
import {
  type AgentDefinition,
  bundleDigest,
  type CodeBuild,
  type ConfigureAgent,
  type ConfiguredAgent,
  definitionDigest,
  inlineDefinitions,
  problemsOf,
  ReinsError,
  StoredDefinition,
  storedCode,
  storedSkills,
  type StoredSkills,
  type VariedVersion,
  type VaryVersion,
  workflowOfInline,
  workingIn,
} from '@reins/contracts'
import { parseBundle, parseProject, parseVersion } from '@reins/journal'
import type { Clock } from '@reins/service'
import { readSkillBundle, type SkillFile, type SkillFolders, writeSkillBundle } from '@reins/skills'
import type { Bundles, FreshBundle } from '../code/bundles.ts'
import { nameClashes } from '../code/tool-names.ts'
import type { RegistryLog } from '../registry-log.ts'
import { type KnownAgents, type KnownWorkflows, teamProblems } from '../team/team-problems.ts'
import { Configuration, definitionOf, effortOf, type Subagent, withMore } from './definition-of.ts'

/** Runs an initializer in a process of its own. */
export type RunInitializer = (asked: {
  readonly bundle: { readonly digest: string; readonly file: string }
  readonly agent: string
  readonly input: { readonly id: string; readonly payload?: unknown; readonly env?: Readonly<Record<string, string>> }
}) => Promise<InitializerEnd>

export type InitializerEnd =
  | { readonly kind: 'configuration'; readonly value: unknown }
  /** It threw, or gave what is wrong. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Nothing of it ran: no code can be run here now. */
  | { readonly kind: 'refused'; readonly message: string }

export interface ConfigurationsOptions {
  readonly log: RegistryLog
  readonly clock: Clock
  readonly bundles: Pick<Bundles, 'keep' | 'manifest' | 'removed'>
  /** Of what is kept. Absent: nothing can be read here. */
  readonly bytes?: ((digest: string) => Promise<Uint8Array | undefined>) | undefined
  /** What a subagent may name, as an agent or as its workflow. */
  known(): { readonly known: KnownAgents; readonly workflows: KnownWorkflows }
  /** The value of a config; undefined: there is none. */
  readonly config: (name: string) => Promise<unknown>
  /** Absent: no code is run here. */
  readonly run?: RunInitializer | undefined
}

/** Digests of versions that were seen in the log: all of one length, so 10,000 of them are about a megabyte. */
const mostSeen = 10_000

export class Configurations {
  readonly #options: ConfigurationsOptions
  readonly #seen = new Set<string>()

  constructor(options: ConfigurationsOptions) {
    this.#options = options
  }

  async configure({
    agent,
    id,
    payload,
    code,
    bundle: of,
    perPrompt = false,
    by,
  }: ConfigureAgent): Promise<{ value: ConfiguredAgent }> {
    if (id.trim() === '') throw new ReinsError('invalid_request', 'The id of an agent must not be blank.')
    const build = code ?? (of === undefined ? await this.#find(agent) : await this.#inline(agent, of))
    const { file } = build
    const { run } = this.#options
    if (!run) throw new ReinsError('unavailable', 'This registry runs no code, so no agent can be configured here.')
    const bundle = { digest: build.digest, file }
    const env = await this.#environment(agent, build)
    const end = await run({ bundle, agent, input: { id, ...(payload === undefined ? {} : { payload }), env } })
    if (end.kind === 'refused' && (await this.#options.bundles.removed(build.digest))) throw gone(agent, build)
    if (end.kind === 'refused')
      throw new ReinsError('unavailable', `The agent ${agent} cannot be configured here now: ${end.message}`)
    if (end.kind === 'failed') throw invalid(agent, [end.message])
    const [problem] = problemsOf(Configuration, end.value)
    const configuration = end.value as Configuration
    if (problem) throw invalid(agent, [`${file}: gives ${problem.path}, which ${problem.message}`])
    const skills = new Map<string, StoredSkills>()
    const fresh = [
      ...skillBundles(configuration, skills, file, (message) => {
        throw invalid(agent, [`${file}: ${message}`])
      }),
    ]
    const made = definitionOf(configuration, {
      ...{ bundle: { digest: build.digest, size: build.size }, file, skills },
      of: { instance: { agent, id, ...(payload === undefined ? {} : { payload }) } },
      ...{ name: agent, declared: declaredOf(build), perPrompt },
    })
    if (made.kind === 'problems')
      throw invalid(
        agent,
        made.problems.map((one) => `${file}: ${one}`),
      )
    const { definition } = made
    const { known, workflows } = this.#options.known()
    const team = await teamProblems(definition, new Map(), known, workflows)
    if (team.length > 0)
      throw invalid(
        agent,
        team.map(({ path, message }) => `${file}: ${path} ${message}`),
      )
    const digest = definitionDigest(definition)
    const written = await this.#keep(digest, definition, fresh, by)
    if (written && (await this.#options.bundles.removed(build.digest))) throw gone(agent, build) // CF6
    return { value: { agent, digest, definition, code: build } }
  }

  /** Rejects with invalid_agent. */
  async vary({ digest: from, model, thinkingLevel, place, more, by }: VaryVersion): Promise<{ value: VariedVersion }> {
    const kept = parseVersion((await this.#options.log.last('version', from))?.value)
    if (!kept) throw new ReinsError('agent_not_found', 'There is no version of an agent with this digest.')
    const { definition: old } = kept
    const fresh: FreshBundle[] = []
    const there = place === undefined ? old : workingIn(old, place)
    const { reasoning_effort: had, ...rest } = more === undefined ? there : await this.#withMore(there, more, fresh)
    const effort = thinkingLevel === undefined ? had : effortOf(thinkingLevel)
    const definition = {
      ...rest,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { reasoning_effort: effort }),
    }
    const problems = problemsOf(StoredDefinition, definition)
    if (problems.length > 0)
      throw invalid(
        rest.name,
        problems.map(({ path, message }) => `${path} ${message}`),
      )
    const digest = definitionDigest(definition)
    await this.#keep(digest, definition, fresh, by)
    return { value: { digest } }
  }

  /** What a run gives: checked as what an initializer gives is. `fresh` gets what is to be kept before. */
  async #withMore(
    definition: AgentDefinition,
    { given, digest, file, ...parts }: NonNullable<VaryVersion['more']>,
    fresh: FreshBundle[],
  ): Promise<AgentDefinition> {
    const { name } = definition
    const say = (message: string): never => {
      throw invalid(name, [`${file}: ${message}`])
    }
    const [problem] = problemsOf(Configuration, parts)
    if (problem) say(`gives ${problem.path}, which ${problem.message}`)
    const configuration = parts as Configuration
    const bundle = await this.#options.bundles.manifest(digest)
    if (!bundle) return say('is in no build that is kept here')
    const { env = [], secrets = [] } = bundle.manifest
    const skills = new Map<string, StoredSkills>()
    const kept = configuration.skills.length > 0 ? await this.#skillsOf(definition) : noSkills
    for (const one of configuration.skills)
      if (kept.has(one.name)) say(`gives the skill ${one.name}, and the agent has one of that name`)
    fresh.push(...skillBundles(configuration, skills, file, say, kept))
    const made = withMore(definition, configuration, {
      ...{ bundle: { digest, size: bundle.size }, file, skills, declared: { env, secrets } },
      of: { given },
    })
    if (made.kind === 'problems')
      throw invalid(
        name,
        made.problems.map((one) => `${file}: ${one}`),
      )
    const clashes = nameClashes(made.definition, storedCode(made.definition), () => undefined)
    if (clashes.length > 0)
      throw invalid(
        name,
        clashes.map(({ message }) => message),
      )
    const { known, workflows } = this.#options.known()
    const team = await teamProblems(made.definition, new Map(), known, workflows)
    if (team.length > 0)
      throw invalid(
        name,
        team.map(({ path, message }) => `${file}: ${path} ${message}`),
      )
    return made.definition
  }

  /** Those that a definition has already, with their files. */
  async #skillsOf(definition: AgentDefinition): Promise<SkillFolders> {
    const stored = storedSkills(definition)
    if (!stored) return noSkills
    const bytes = await this.#options.bytes?.(stored.digest)
    const read = bytes && readSkillBundle(Buffer.from(bytes).toString('utf8'))
    if (read?.kind === 'skills') return read.folders
    throw new ReinsError('unavailable', `The skills of the agent ${definition.name} cannot be read now.`)
  }

  /** CF1, CF2. False: it was there. */
  async #keep(
    digest: string,
    definition: ConfiguredAgent['definition'],
    fresh: readonly FreshBundle[],
    by: string,
  ): Promise<boolean> {
    const { log, clock, bundles } = this.#options
    if (this.#seen.has(digest)) return false
    const isNew = !(await log.last('version', digest))
    if (isNew) {
      const at = clock.now()
      await bundles.keep(fresh, by, at)
      for (const inside of inlineDefinitions(definition)) {
        const inner = definitionDigest(inside)
        await log.write('version', inner, { digest: inner, at, by, definition: inside }, 0)
      }
      await log.write('version', digest, { digest, at, by, definition }, 0) // refused: somebody wrote the same one
    }
    if (this.#seen.size >= mostSeen) this.#seen.clear()
    this.#seen.add(digest)
    return isNew
  }

  /** CF4. */
  async #environment(agent: string, build: CodeBuild): Promise<Readonly<Record<string, string>>> {
    const { env: names, secrets } = declaredOf(build)
    const env: Record<string, string> = {}
    for (const name of names) {
      const value = await this.#options.config(name)
      if (value === undefined)
        throw invalid(agent, [
          `reins.config.ts: the project declares the config ${name}, which is not set: reins config set ${name} VALUE`,
        ])
      env[name] = typeof value === 'string' ? value : JSON.stringify(value)
    }
    for (const name of secrets) env[name] = `secret:${name}`
    return env
  }

  /** Of a workflow's own file, in the bundle that its run goes by. */
  async #inline(agent: string, digest: string): Promise<CodeBuild> {
    const bundle = parseBundle((await this.#options.log.last('bundle', digest))?.value)
    const manifest = bundle?.project
    const module = manifest?.workflows.find(({ name }) => name === workflowOfInline(agent))
    if (!bundle || !manifest || !module)
      throw new ReinsError('agent_not_found', `The build has no agent ${JSON.stringify(agent.slice(0, 80))}.`)
    const { env, secrets } = manifest
    return {
      ...{ project: module.name, build: 1, digest, size: bundle.size, file: module.file },
      ...(env === undefined ? {} : { env }),
      ...(secrets === undefined ? {} : { secrets }),
    }
  }

  /** In the build that its project has now. */
  async #find(agent: string): Promise<CodeBuild> {
    for (const { value } of (await this.#options.log.all('project')).values()) {
      const project = parseProject(value)
      const module = project?.deleted === false && project.manifest.agents.find(({ name }) => name === agent)
      if (project && module) {
        const { name, version, digest, size, manifest } = project
        const { env, secrets } = manifest
        return {
          ...{ project: name, build: version, digest, size, file: module.file },
          ...(env === undefined ? {} : { env }),
          ...(secrets === undefined ? {} : { secrets }),
        }
      }
    }
    throw new ReinsError('agent_not_found', `No project has an agent ${JSON.stringify(agent.slice(0, 80))}.`)
  }
}

const noSkills: SkillFolders = new Map()

const declaredOf = ({ env = [], secrets = [] }: CodeBuild) => ({ env, secrets })

/** What is to be kept of skills; `stored` gets what definitions say of each. */
function* skillBundles(
  { skills, subagents }: Pick<Configuration, 'skills'> & { readonly subagents: readonly unknown[] },
  stored: Map<string, StoredSkills>,
  file: string,
  say: (message: string) => void,
  kept: SkillFolders = noSkills,
  path: readonly string[] = [],
): Generator<FreshBundle> {
  if (skills.length > 0) {
    const folders = new Map([...kept, ...skills.map(({ name, files }) => [name, filesOf(files)] as const)])
    const text = writeSkillBundle(folders)
    const read = readSkillBundle(text)
    if (read.kind === 'problems') say(`skills: ${read.problems.join('; ')}`)
    else {
      const bytes = Buffer.from(text)
      const bundle = { digest: bundleDigest(bytes), size: bytes.length, skills: [...read.skills] }
      stored.set(path.join('/'), { dir: file, ...bundle })
      yield { ...{ file, bytes, digest: bundle.digest }, tools: [], skills: bundle.skills }
    }
  }
  for (const one of subagents as readonly Subagent[])
    yield* skillBundles(one, stored, file, say, noSkills, [...path, one.name])
}

const filesOf = (files: Readonly<Record<string, unknown>>): ReadonlyMap<string, SkillFile> =>
  new Map(
    Object.entries(files).map(([name, content]) => {
      const { text, base64 } = (content ?? {}) as { readonly text?: unknown; readonly base64?: unknown }
      const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(text ?? ''))
      return [name, { bytes, executable: false }]
    }),
  )

const gone = (agent: string, { project, build }: CodeBuild): ReinsError =>
  new ReinsError(
    'invalid_agent',
    `The agent ${agent} cannot be configured by build ${build} of the project ${project}: it was one of reins dev that nothing needed any more, and was removed.`,
    { next: 'Go on with the build that the project has now: reins session upgrade <session>' },
  )

function invalid(agent: string, problems: readonly string[]): ReinsError {
  const lines = problems.map((problem) => `  ${problem}`).join('\n')
  return new ReinsError('invalid_agent', `The agent ${agent} cannot be configured:\n${lines}`, {
    details: { problems: problems.map((message) => ({ path: '', message })) },
  })
}
