// Putting and deleting agents: which events follow from a request, given what REG says now.
//   A1. A version is immutable and known by its digest: it is written once, behind the code that it names and before the agent that
//       names it.
//   A2. An agent's state changes only from the state that was decided on: a refused write is decided again.
//   A4. A new agent goes in where nothing was written since its name was found free: no project can take it meanwhile.
//   A3. `version` counts up for ever, also over a deletion.
import {
  type Agent,
  type AgentDefinition,
  type AgentEntry,
  definitionDigest,
  inlineDefinitions,
  isAgentName,
  type Problem,
  type PutAgentResult,
  type PutCondition,
  ReinsError,
  type SentFile,
  type VersionEntry,
} from '@reins/contracts'
import { parseAgent, parseVersion } from '@reins/journal'
import { type Clock, noPausePoints, type PausePoint } from '@reins/service'
import type { Bundles, FreshBundle } from './code/bundles.ts'
import { type DefinitionSource, parseDefinition, problemsText, sizeProblem } from './definition/definition-source.ts'
import { mustHaveCommands } from './definition/mcp-commands.ts'
import { type KnownValues, missingValues } from './definition/missing-values.ts'
import { mustHaveSecrets } from './definition/named-secrets.ts'
import { outputProblems } from './definition/output-problems.ts'
import type { Projects } from './projects/projects.ts'
import type { RegistryLog } from './registry-log.ts'
import { type KnownAgents, type KnownWorkflows, listedBy, teamProblems } from './team/team-problems.ts'

export interface AgentsOptions {
  readonly log: RegistryLog
  readonly clock: Clock
  readonly bundles: Bundles
  /** Absent: there are none. */
  readonly projects?: Pick<Projects, 'withAgent' | 'withWorkflow' | 'workflowNames'>
  /** For tests, which stop the process there. */
  readonly pauseAt?: PausePoint
  readonly knownProviders?: readonly string[]
  /** Absent: nobody is warned of secrets and configs that are not there. */
  readonly values?: KnownValues
}

export interface PutRequest {
  readonly name: string
  readonly source: DefinitionSource
  readonly condition: PutCondition
  readonly by: string
  readonly files?: readonly SentFile[]
  readonly mayRegister?: boolean
  /** The secrets that its definition may name beside those that it names already. Absent: all. */
  readonly maySecrets?: readonly string[]
}

interface Current {
  /** 0: there never was one. */
  readonly seq: number
  readonly entry: AgentEntry | undefined
}

type Decision =
  | { readonly kind: 'keep'; readonly entry: AgentEntry }
  | { readonly kind: 'write'; readonly entry: AgentEntry; readonly outcome: 'created' | 'updated' }

const attempts = 20

export class Agents {
  readonly #log: RegistryLog
  readonly #clock: Clock
  readonly #bundles: Bundles
  readonly #projects: AgentsOptions['projects']
  readonly #pauseAt: PausePoint
  readonly #knownProviders: readonly string[] | undefined
  readonly #values: KnownValues | undefined

  constructor({ log, clock, bundles, projects, pauseAt = noPausePoints, knownProviders, values }: AgentsOptions) {
    this.#projects = projects
    this.#values = values
    this.#log = log
    this.#clock = clock
    this.#bundles = bundles
    this.#pauseAt = pauseAt
    this.#knownProviders = knownProviders
  }

  async put(request: PutRequest): Promise<{ value: PutAgentResult; seq: number }> {
    const { value, seq } = await this.#put(request)
    const warnings = this.#values ? await missingValues(value.agent.definition, this.#values) : []
    return { value: warnings.length === 0 ? value : { ...value, warnings }, seq }
  }

  async #put(request: PutRequest): Promise<{ value: PutAgentResult; seq: number }> {
    const { name, condition, by } = request
    const { definition, fresh } = await this.#resolve(request)
    const digest = definitionDigest(definition)
    let versionWritten = false
    for (let attempt = 1; attempt <= attempts; attempt++) {
      // What is written on the way to it is the log's end too.
      const end = versionWritten ? await this.#log.end() : undefined
      const current = await this.#current(name, true)
      const decision = decide(current.entry, { name, digest, by, at: this.#clock.now() }, condition)
      if (decision.kind === 'keep')
        return { value: { agent: agentOf(decision.entry, definition), outcome: 'unchanged' }, seq: current.seq }
      const created = current.entry?.deleted !== false
      if (!versionWritten) await this.#writeVersion({ digest, at: decision.entry.updatedAt, by, definition }, fresh) // A1
      const decidedBefore = !versionWritten
      versionWritten = true
      if (created && decidedBefore) continue
      if (created) await this.#mustBeFree(name) // A4
      const written = await this.#log.write('agent', name, decision.entry, current.seq, created ? end : undefined)
      if (written.kind === 'written')
        return { value: { agent: agentOf(decision.entry, definition), outcome: decision.outcome }, seq: written.seq }
    }
    throw busy(name)
  }

  /** The definition as it is going to be stored. Throws what is wrong with it. No code is loaded for a put that is refused anyway. */
  async #resolve({ name, source, condition, by, files = [], mayRegister = false, maySecrets }: PutRequest) {
    const { definition, places } = this.#parse(name, source)
    const { entry } = await this.#current(name)
    decide(entry, { name, digest: '', by, at: this.#clock.now() }, condition)
    const current = entry?.deleted === false ? await this.#definition(entry.digest) : undefined
    if (!current) await this.#mustBeFree(name)
    if (!mayRegister) mustHaveCommands(definition, current)
    const team = await teamProblems(definition, places, this.known, this.workflows)
    if (team.length > 0) throw invalid('invalid_agent', name, team)
    const output = await outputProblems(definition, places)
    if (output.length > 0) throw invalid('invalid_agent', name, output)
    const code = await this.#bundles.resolve({ definition, places, files, mayRegister, current })
    if (code.kind === 'problems') throw invalid('invalid_agent', name, code.problems)
    const size = sizeProblem(code.definition)
    if (size) throw invalid('invalid_agent', name, [size])
    if (maySecrets) mustHaveSecrets(code.definition, current, maySecrets)
    return code
  }

  /** Agents in YAML and agents of projects have one namespace. */
  async #mustBeFree(name: string): Promise<void> {
    const project = await this.#projects?.withAgent(name)
    if (project !== undefined) throw inProject(name, project)
  }

  async #definition(digest: string): Promise<AgentDefinition | undefined> {
    return parseVersion((await this.#log.last('version', digest))?.value)?.definition
  }

  /** `force`: also where others list it. */
  async delete(
    name: string,
    ifMatch: string | undefined,
    by: string,
    force = false,
  ): Promise<{ value: { name: string }; seq: number }> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { seq, entry } = await this.#current(name)
      if (!entry || entry.deleted) throw notFound(name)
      if (ifMatch !== undefined && ifMatch !== entry.digest) throw changed(name, entry.digest, ifMatch)
      const others = force ? [] : listedBy(name, await this.#all())
      if (others.length > 0) throw listed(name, others)
      const written = await this.#log.write(
        'agent',
        name,
        { ...entry, deleted: true, updatedAt: this.#clock.now(), by },
        seq,
      )
      if (written.kind === 'written') return { value: { name }, seq: written.seq }
    }
    throw busy(name)
  }

  /** What entries of `agents` may name. */
  readonly known: KnownAgents = {
    definition: async (name) => {
      const { entry } = await this.#current(name)
      return entry?.deleted === false ? this.#definition(entry.digest) : undefined
    },
    names: async () => (await this.#entries()).map(({ name }) => name).sort(),
  }

  /** What entries of `agents` may name as their workflow. */
  readonly workflows: KnownWorkflows = {
    definition: (name) => this.known.definition(name),
    project: async (name) => this.#projects?.withWorkflow(name),
    names: async () => [...(await this.known.names()), ...((await this.#projects?.workflowNames()) ?? [])].sort(),
  }

  /** Those that were not deleted. */
  async #entries(): Promise<readonly AgentEntry[]> {
    const records = await this.#log.all('agent')
    return [...records.values()].flatMap(({ value }) => {
      const entry = parseAgent(value)
      return entry && !entry.deleted ? [entry] : []
    })
  }

  async #all(): Promise<readonly AgentDefinition[]> {
    const found: AgentDefinition[] = []
    for (const { digest } of await this.#entries()) {
      const definition = await this.#definition(digest)
      if (definition) found.push(definition)
    }
    return found
  }

  #parse(name: string, source: DefinitionSource) {
    if (!isAgentName(name))
      throw new ReinsError(
        'invalid_agent',
        `${JSON.stringify(name.slice(0, 80))} is no name for an agent: lower-case letters, digits and single hyphens, at most 64 characters.`,
        {
          details: {
            problems: [{ path: 'name', message: 'lower-case letters, digits and single hyphens, at most 64' }],
          },
        },
      )
    const parsed = parseDefinition(source, {
      name,
      ...(this.#knownProviders === undefined ? {} : { knownProviders: this.#knownProviders }),
    })
    if (parsed.kind === 'valid') return parsed
    throw invalid(parsed.code, name, parsed.problems)
  }

  async #current(name: string, leader = false): Promise<Current> {
    if (!isAgentName(name)) throw notFound(name)
    const record = await this.#log.last('agent', name, { leader })
    if (!record) return { seq: 0, entry: undefined }
    const entry = parseAgent(record.value)
    if (!entry) throw new Error(`the record of the agent ${name} (sequence ${record.seq} of REG) is damaged`)
    return { seq: record.seq, entry }
  }

  /** With the code that it names, which comes first. */
  async #writeVersion(version: VersionEntry, fresh: readonly FreshBundle[]): Promise<void> {
    if (await this.#log.last('version', version.digest)) return
    await this.#bundles.keep(fresh, version.by, version.at)
    await this.#pauseAt('registry.code-kept')
    for (const definition of inlineDefinitions(version.definition)) {
      const digest = definitionDigest(definition)
      await this.#log.write('version', digest, { ...version, digest, definition }, 0)
    }
    await this.#log.write('version', version.digest, version, 0) // refused: somebody wrote the same one
    await this.#pauseAt('registry.version-written')
  }
}

/** Pure: what a put comes to. Throws the refusal. */
export function decide(
  entry: AgentEntry | undefined,
  next: { readonly name: string; readonly digest: string; readonly by: string; readonly at: number },
  condition: PutCondition,
): Decision {
  const { name, digest, by, at } = next
  const alive = entry?.deleted === false ? entry : undefined
  switch (condition.kind) {
    case 'create':
      if (alive)
        throw new ReinsError(
          'agent_exists',
          `There is an agent ${name} already (version ${alive.version}, digest ${alive.digest}).`,
        )
      break
    case 'update':
      if (!alive) throw notFound(name)
      if (alive.digest !== condition.digest) throw changed(name, alive.digest, condition.digest)
      break
    case 'apply':
      break
    default:
      condition satisfies never
  }
  if (alive?.digest === digest) return { kind: 'keep', entry: alive }
  return {
    kind: 'write',
    outcome: alive ? 'updated' : 'created',
    entry: {
      name,
      digest,
      version: (entry?.version ?? 0) + 1, // A3
      deleted: false,
      createdAt: alive?.createdAt ?? at,
      updatedAt: at,
      by,
    },
  }
}

const agentOf = ({ name, digest, version, createdAt, updatedAt }: AgentEntry, definition: AgentDefinition): Agent => ({
  name,
  digest,
  version,
  createdAt,
  updatedAt,
  definition,
})

const invalid = (code: 'invalid_agent' | 'model_not_found', name: string, problems: readonly Problem[]) =>
  new ReinsError(code, `The definition of the agent ${name} is not valid:\n${problemsText(problems)}`, {
    details: { problems },
  })
const notFound = (name: string) =>
  new ReinsError('agent_not_found', `There is no agent ${JSON.stringify(name.slice(0, 80))}.`)
const changed = (name: string, digest: string, asked: string) =>
  new ReinsError('agent_changed', `The agent ${name} is at the digest ${digest}, not at ${asked.slice(0, 80)}.`, {
    details: { digest },
  })
const listed = (name: string, others: readonly string[]) =>
  new ReinsError(
    'agent_in_use',
    `The agent ${name} is listed by ${others.slice(0, 20).join(', ')}${others.length > 20 ? ` and ${others.length - 20} more` : ''}, which may delegate to it. Take it out of their "agents" first, or delete it with force: then delegations to it fail.`,
    { details: { agents: others } },
  )
const inProject = (name: string, project: string) =>
  new ReinsError('name_taken', `The agent ${name} is written as code, in the project ${project}.`, {
    next: 'Change its module and deploy the project again (reins deploy), or choose another name.',
  })
const busy = (name: string) =>
  new ReinsError('unavailable', `The agent ${name} was changed by others ${attempts} times while this was tried.`)
