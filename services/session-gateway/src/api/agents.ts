// Agents: written through the registry service, read from the view of its stream, so reading works while it is away.
import {
  type Agent,
  type AgentList as AgentListSchema,
  type AgentModule,
  affinityOf,
  inlineDefinitions,
  isMapping,
  type McpTest,
  mcpServers,
  type Project,
  type PutAgent,
  type PutAgentResult,
  type PutCondition,
  poolKey,
  ReinsError,
  type Reply,
  registerPermission,
  serviceSubject,
  type TestMcp,
  testMcpVerb,
} from '@reins/contracts'
import type { Static } from 'typebox'
import type { GatewayConfig } from '../ports.ts'
import { namesOf } from './access/names.ts'
import { allowsAll } from './access/needs.ts'
import { allowedTo, authorize, authorizeSome, type Caller, forbidden, may } from './caller.ts'
import type { ModelBoard, NamedModels } from './operating/model-board.ts'
import { type Operation, operations } from './operations.ts'
import { listedWithinMs } from './reads/from-index.ts'

type AgentList = Static<typeof AgentListSchema>
type AgentPage = { readonly agents: readonly Agent[]; readonly next?: string }

/** ms to wait until this gateway has seen what it has just written. */
const seenWithinMs = 2000
/** ms in which the registry must have loaded the code that came with a definition. */
const codeWithinMs = (files: number): number => Math.min(15_000 + 5_000 * files, 50_000)

export type AgentParts = Pick<GatewayConfig, 'registry' | 'call' | 'admission'> & {
  /** Absent: nobody is warned of models. */
  readonly models?: Pick<ModelBoard, 'warningsOf'>
}

export class Agents {
  readonly #parts: AgentParts
  constructor(parts: AgentParts) {
    this.#parts = parts
  }

  /** Throws what the registry refuses with. `files`: contents of files that the definition names. */
  async put(
    caller: Caller,
    name: string,
    { source, files = [] }: Pick<PutAgent, 'source' | 'files'>,
    condition: PutCondition,
  ): Promise<PutAgentResult> {
    const now = this.#conditionFor(caller, name, condition)
    const mayRegister = may(caller, registerPermission)
    if (files.length > 0 && !mayRegister) throw forbidden(caller, registerPermission, ', which sending code needs')
    this.#mustBeWritable()
    const request: PutAgent = { name, source, condition: now, by: caller.by, mayRegister, ...secretsOf(caller) }
    const put = (): Promise<PutAgentResult> =>
      files.length === 0
        ? this.#ask('put', request)
        : this.#ask('put', { ...request, files }, codeWithinMs(files.length))
    const result = await put()
    const warnings = [...(result.warnings ?? []), ...this.#warningsOf([modelsOf(result.agent)])]
    return warnings.length === 0 ? result : { ...result, warnings }
  }

  #warningsOf(named: readonly NamedModels[]): readonly string[] {
    return this.#parts.models?.warningsOf(named) ?? []
  }

  /** Throws agent_not_found. */
  async show(caller: Caller, name: string): Promise<Agent> {
    authorize(caller, operations.showAgent, { agent: name })
    return this.#current(name)
  }

  async #current(name: string): Promise<Agent> {
    const { registry } = this.#parts
    const entry = registry.agent(name) ?? (await registry.agentFresh(name))
    if (!entry || entry.deleted) {
      const module = registry.codeAgent(name)
      if (!module) throw new ReinsError('agent_not_found', `There is no agent ${name}.`)
      const { project } = module
      throw new ReinsError(
        'agent_not_found',
        `The agent ${name} is a module of the project ${project.name}, and has no definition of its own.`,
        { next: `See what it is: reins project show ${project.name}. Talk to it: reins connect ${name}` },
      )
    }
    const version = await registry.version(entry.digest)
    if (!version) throw new ReinsError('unavailable', `The definition of ${name} cannot be read now.`)
    const { digest, version: number, createdAt, updatedAt } = entry
    return { name, digest, version: number, createdAt, updatedAt, definition: version.definition }
  }

  /** Connects through a tool-runner of the agent's pool. Throws agent_not_found, unavailable. */
  async testMcp(caller: Caller, name: string): Promise<McpTest> {
    authorize(caller, operations.testMcp, { agent: name })
    const { digest, definition } = await this.#current(name)
    const servers = mcpServers(definition)
    if (servers.length === 0) return { agent: name, servers: [] }
    const withinMs = Math.max(...servers.map(({ connectMs }) => connectMs)) * 2 + 5000
    const request: TestMcp = { digest, principal: caller.principal, pool: poolKey(affinityOf(definition)) }
    for (let tries = 1; ; tries++) {
      const reply = await this.#parts.call<Omit<McpTest, 'agent'>>(
        serviceSubject('tool-runner', testMcpVerb),
        request,
        withinMs,
      )
      if (reply.ok) return { agent: name, ...reply.value }
      const { code, message, next, details } = reply.error
      // One that serves other pools was asked; another one may answer.
      if (isMapping(details) && details.otherPool !== undefined && tries < 20) continue
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
  }

  /** `at`: only where the agent is at this digest. `force`: also where other agents list it. */
  async delete(
    caller: Caller,
    name: string,
    at: string | undefined,
    force = false,
  ): Promise<{ readonly name: string }> {
    authorize(caller, operations.deleteAgent, { agent: name })
    this.#mustBeWritable()
    const condition = at === undefined ? {} : { ifMatch: at }
    return this.#ask('delete', { name, ...condition, ...(force ? { force } : {}), by: caller.by })
  }

  /** `after`: the `next` of the page before. */
  async list(caller: Caller, limit: number, after: string | undefined): Promise<AgentList> {
    const only = namesOf(authorizeSome(caller, operations.listAgents), 'agent')
    const asked = { limit, ...(after === undefined ? {} : { after }), ...(only ? { only } : {}) }
    const page = await this.#ask<AgentPage>('list', asked, listedWithinMs)
    const agents = page.agents.map((agent) => ({ kind: 'yaml' as const, ...agent }))
    const modules = after === undefined ? this.#modules().filter(({ name }) => !only || only.includes(name)) : []
    const warnings = [...this.#warningsOf([...agents.map(modelsOf), ...modules.map(modelsOfModule)])]
    return {
      ...{ ...page, agents },
      ...(modules.length === 0 ? {} : { modules }),
      ...(warnings.length === 0 ? {} : { warnings }),
    }
  }

  /** Agents of projects. */
  #modules(): AgentModule[] {
    return this.#parts.registry
      .projects()
      .flatMap(({ name: project, version, updatedAt, manifest }) =>
        manifest.agents.map((one) => ({ kind: 'code' as const, ...one, project, version, updatedAt })),
      )
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /**
   * To make an agent and to change one are two permissions. Whoever has one of them alone is let do that alone, also where the agent is
   * made or deleted meanwhile.
   */
  #conditionFor(caller: Caller, agent: string, condition: PutCondition): PutCondition {
    const may = (operation: Operation) => allowsAll(allowedTo(caller, operation, { agent }))
    if (condition.kind === 'create') authorize(caller, operations.createAgent, { agent })
    if (condition.kind === 'update') authorize(caller, operations.updateAgent, { agent })
    if (condition.kind !== 'apply') return condition
    const [create, update] = [may(operations.createAgent), may(operations.updateAgent)]
    if (create && update) return condition
    const entry = this.#parts.registry.agent(agent)
    authorize(caller, entry ? operations.updateAgent : operations.createAgent, { agent })
    return entry ? { kind: 'update', digest: entry.digest } : { kind: 'create' }
  }

  #mustBeWritable(): void {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
  }

  async #ask<T>(verb: string, request: unknown, withinMs?: number): Promise<T> {
    const reply: Reply<T> = await this.#parts.call<T>(serviceSubject('registry', verb), request, withinMs)
    if (!reply.ok) {
      const { code, message, details, next } = reply.error
      throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
    }
    if (reply.seq !== undefined) await this.#parts.registry.waitFor(reply.seq, seenWithinMs)
    return reply.value
  }
}

/** Also of the agents that are written in place in it. */
const modelsOf = ({ name, definition }: Agent): NamedModels => ({
  agent: name,
  models: [definition, ...inlineDefinitions(definition)].flatMap(({ model, context }) => [
    model,
    ...(context?.summary_model === undefined ? [] : [context.summary_model]),
  ]),
})

const modelsOfModule = ({ name, model }: Pick<AgentModule, 'name' | 'model'>): NamedModels => ({
  agent: name,
  models: model === undefined ? [] : [model],
})

export const modelsOfProject = ({ manifest }: Pick<Project, 'manifest'>): readonly NamedModels[] =>
  manifest.agents.map(modelsOfModule)

/** The secrets that a definition or a project of this caller may name; nothing where it may name all. */
export function secretsOf(caller: Caller): { readonly maySecrets?: readonly string[] } {
  const names = namesOf(allowedTo(caller, operations.useSecret), 'secret')
  return names ? { maySecrets: names } : {}
}
