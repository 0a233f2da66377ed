// Putting and deleting agents: which events follow from a request, given what REG says now.
//   A1. A version is immutable and known by its digest: it is written once, before the agent that names it.
//   A2. An agent's state changes only from the state that was decided on: a refused write is decided again.
//   A3. `version` counts up for ever, also over a deletion.
import {
  type Agent,
  type AgentDefinition,
  type AgentEntry,
  definitionDigest,
  isAgentName,
  type PutAgentResult,
  type PutCondition,
  ReinsError,
  type VersionEntry,
} from '@reins/contracts'
import { parseAgent } from '@reins/journal'
import type { Clock } from '@reins/service'
import { type DefinitionSource, parseDefinition, problemsText } from './definition-source.ts'
import type { RegistryLog } from './registry-log.ts'

export interface AgentsOptions {
  readonly log: RegistryLog
  readonly clock: Clock
  readonly knownProviders?: readonly string[]
}

export interface PutRequest {
  readonly name: string
  readonly source: DefinitionSource
  readonly condition: PutCondition
  readonly by: string
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
  readonly #knownProviders: readonly string[] | undefined

  constructor({ log, clock, knownProviders }: AgentsOptions) {
    this.#log = log
    this.#clock = clock
    this.#knownProviders = knownProviders
  }

  async put({ name, source, condition, by }: PutRequest): Promise<{ value: PutAgentResult; seq: number }> {
    const definition = this.#parse(name, source)
    const digest = definitionDigest(definition)
    let versionWritten = false
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const current = await this.#current(name)
      const decision = decide(current.entry, { name, digest, by, at: this.#clock.now() }, condition)
      if (decision.kind === 'keep')
        return { value: { agent: agentOf(decision.entry, definition), outcome: 'unchanged' }, seq: current.seq }
      if (!versionWritten) await this.#writeVersion({ digest, at: decision.entry.updatedAt, by, definition }) // A1
      versionWritten = true
      const written = await this.#log.write('agent', name, decision.entry, current.seq)
      if (written.kind === 'written')
        return { value: { agent: agentOf(decision.entry, definition), outcome: decision.outcome }, seq: written.seq }
    }
    throw busy(name)
  }

  async delete(
    name: string,
    ifMatch: string | undefined,
    by: string,
  ): Promise<{ value: { name: string }; seq: number }> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const { seq, entry } = await this.#current(name)
      if (!entry || entry.deleted) throw notFound(name)
      if (ifMatch !== undefined && ifMatch !== entry.digest) throw changed(name, entry.digest, ifMatch)
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

  #parse(name: string, source: DefinitionSource): AgentDefinition {
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
    if (parsed.kind === 'valid') return parsed.definition
    const { code, problems } = parsed
    throw new ReinsError(code, `The definition of the agent ${name} is not valid:\n${problemsText(problems)}`, {
      details: { problems },
    })
  }

  async #current(name: string): Promise<Current> {
    if (!isAgentName(name)) throw notFound(name)
    const record = await this.#log.last('agent', name)
    if (!record) return { seq: 0, entry: undefined }
    const entry = parseAgent(record.value)
    if (!entry) throw new Error(`the record of the agent ${name} (sequence ${record.seq} of REG) is damaged`)
    return { seq: record.seq, entry }
  }

  async #writeVersion(version: VersionEntry): Promise<void> {
    if (await this.#log.last('version', version.digest)) return
    await this.#log.write('version', version.digest, version, 0) // refused: somebody wrote the same one
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

const notFound = (name: string) =>
  new ReinsError('agent_not_found', `There is no agent ${JSON.stringify(name.slice(0, 80))}.`)
const changed = (name: string, digest: string, asked: string) =>
  new ReinsError('agent_changed', `The agent ${name} is at the digest ${digest}, not at ${asked.slice(0, 80)}.`, {
    details: { digest },
  })
const busy = (name: string) =>
  new ReinsError('unavailable', `The agent ${name} was changed by others ${attempts} times while this was tried.`)
