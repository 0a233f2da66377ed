// Long-term memory, for people: kept by the memory service. A memory is named by an agent that has it, or by the place that it is kept in.
//   GM1. Of an agent, the scope is what its definition says, with the caller as its principal, unless the caller names another one.
//   GM3. Whoever may neither see nor start the agent, and may not read the scope that its definition names, is not told that it is there.
//   GM2. A database of a user's own is reached through an agent alone: its definition names the secret.
import {
  durationMs,
  type ForgottenMemory,
  type MemoryAnswer,
  type MemoryAsk,
  type MemoryEntry,
  type MemoryHistory,
  type MemoryPage,
  type MemoryPut,
  type MemoryQuestion,
  type MemoryScopes,
  type MemorySearch,
  memoryLimits,
  memoryScopeOf,
  memoryStoreOf,
  memoryVerb,
  parseMemoryStore,
  ReinsError,
  type Reply,
  type StoredMemory,
  serviceSubject,
} from '@reins/contracts'
import type { GatewayConfig } from '../ports.ts'
import { namesOf } from './access/names.ts'
import { allowsAll } from './access/needs.ts'
import { allowedTo, authorize, authorizeSome, type Caller } from './caller.ts'
import { type Operation, operations } from './operations.ts'

export interface MemoryParts extends Pick<GatewayConfig, 'registry' | 'call' | 'admission'> {
  /** Names a change that no call of a session makes. */
  readonly makeOp: () => string
}

/** `store`: as people write it. */
export interface MemoryAt {
  readonly agent?: string | undefined
  readonly store?: string | undefined
  readonly scope?: string | undefined
}

interface Page {
  readonly limit: number
  readonly after?: string | undefined
}

type Store = Pick<MemoryAsk['scopes'], 'store' | 'digest'>

export class Memories {
  readonly #parts: MemoryParts

  constructor(parts: MemoryParts) {
    this.#parts = parts
  }

  async scopes(caller: Caller, at: MemoryAt, { limit, after }: Page): Promise<MemoryScopes> {
    const only = namesOf(authorizeSome(caller, operations.listMemoryScopes), 'scope')
    const { store, digest } = await this.#place(caller, { ...at, scope: at.scope ?? 'any' })
    return this.#ask('scopes', {
      store,
      ...(digest === undefined ? {} : { digest }),
      limit,
      ...behind(after),
      ...(only ? { only: [...only] } : {}),
    })
  }

  async list(
    caller: Caller,
    at: MemoryAt,
    { limit, after, prefix }: Page & { readonly prefix?: string | undefined },
  ): Promise<MemoryPage> {
    const place = await this.#allowed(caller, operations.listMemory, at)
    const begins = prefix === undefined || prefix === '' ? {} : { prefix }
    return this.#ask('list', { ...place, limit, ...behind(after), ...begins })
  }

  async search(caller: Caller, at: MemoryAt, query: string, limit: number): Promise<MemorySearch> {
    return this.#ask('search', { ...(await this.#allowed(caller, operations.searchMemory, at)), query, limit })
  }

  async show(caller: Caller, at: MemoryAt, key: string): Promise<MemoryEntry> {
    const place = await this.#allowed(caller, operations.showMemory, at)
    const { entry } = await this.#ask('recall', { ...place, key })
    if (!entry) throw notFound(place.scope, key)
    return entry
  }

  async history(caller: Caller, at: MemoryAt, key: string, limit: number): Promise<MemoryHistory> {
    return this.#ask('history', { ...(await this.#allowed(caller, operations.memoryHistory, at)), key, limit })
  }

  /** `ifVersion`: only where this is its version; 0: only where there is none. */
  async put(
    caller: Caller,
    at: MemoryAt,
    key: string,
    { value, expires }: MemoryPut,
    ifVersion?: number,
  ): Promise<StoredMemory> {
    const place = await this.#allowed(caller, operations.putMemory, at)
    return this.#ask('store', {
      ...{ ...place, ...this.#change(caller), key, value },
      ...(expires === undefined ? {} : { life: durationMs(expires) }),
      ...(ifVersion === undefined ? {} : { ifVersion }),
    })
  }

  async forget(caller: Caller, at: MemoryAt, key: string): Promise<ForgottenMemory> {
    const place = await this.#allowed(caller, operations.forgetMemory, at)
    const answer = await this.#ask('forget', { ...place, ...this.#change(caller), key })
    if (answer.forgotten === 0) throw notFound(place.scope, key)
    return answer
  }

  async clear(caller: Caller, at: MemoryAt): Promise<ForgottenMemory & { readonly scope: string }> {
    const place = await this.#allowed(caller, operations.clearMemory, at)
    return { ...(await this.#ask('clear', { ...place, ...this.#change(caller) })), scope: place.scope }
  }

  async #allowed(caller: Caller, operation: Operation, at: MemoryAt) {
    authorizeSome(caller, operation, { scope: at.scope })
    const place = await this.#place(caller, at)
    authorize(caller, operation, { scope: place.scope })
    return place
  }

  #change({ principal }: Caller): Pick<MemoryAsk['clear'], 'op' | 'by'> {
    const obstacle = this.#parts.admission?.writes()
    if (obstacle) throw obstacle
    return { op: this.#parts.makeOp(), by: { principal } }
  }

  /** GM1, GM2. */
  async #place(caller: Caller, { agent, store, scope }: MemoryAt): Promise<Store & { readonly scope: string }> {
    if (agent === undefined) {
      const named = parseMemoryStore(store ?? 'builtin')
      if (!named)
        throw new ReinsError(
          'invalid_request',
          `"store" names a place that Reins does not know: ${JSON.stringify(store?.slice(0, 80))}.`,
          {
            next: 'Name builtin, memory, or a file such as sqlite:memory.db; name a database of your own by an agent that uses it ("agent").',
          },
        )
      if (scope === undefined)
        throw new ReinsError('invalid_request', '"scope" is missing.', {
          next: 'Name the scope, such as user:ann, or an agent, whose definition says it.',
        })
      return { store: named, scope }
    }
    if (store !== undefined)
      throw new ReinsError('invalid_request', '"agent" and "store" exclude each other: send one of them.')
    const { principal } = caller
    const { digest, memory } = await this.#memoryOf(caller, agent)
    if (scope === undefined && /\$session\b/.test(memory.scope ?? ''))
      throw new ReinsError('invalid_request', `Each session of ${agent} has a scope of its own: name it as "scope".`)
    return {
      ...{ store: memoryStoreOf(memory), digest },
      scope: scope ?? memoryScopeOf(memory, { agent, session: '', principal }),
    }
  }

  async #memoryOf(caller: Caller, agent: string) {
    const { registry } = this.#parts
    const entry = registry.agent(agent) ?? (await registry.agentFresh(agent))
    const none = new ReinsError('agent_not_found', `There is no agent ${agent}.`)
    const knows = ofAgents.some((operation) => allowsAll(allowedTo(caller, operation, { agent })))
    if (!entry || entry.deleted) throw none
    const version = await registry.version(entry.digest)
    if (!version) throw knows ? new ReinsError('unavailable', `The definition of ${agent} cannot be read now.`) : none
    const { long_term_memory: memory } = version.definition
    if (!knows && !(memory && this.#mayRead(caller, agent, memory))) throw none // GM3
    if (!memory)
      throw new ReinsError('invalid_request', `The agent ${agent} has no long-term memory.`, {
        next: 'Give it one: long_term_memory in its definition (docs/memory.md).',
      })
    return { digest: entry.digest, memory }
  }

  #mayRead(caller: Caller, agent: string, memory: Parameters<typeof memoryScopeOf>[0]): boolean {
    const scope = memoryScopeOf(memory, { agent, session: '', principal: caller.principal })
    return allowsAll(allowedTo(caller, operations.listMemory, { scope }))
  }

  async #ask<Q extends MemoryQuestion>(question: Q, request: MemoryAsk[Q]): Promise<MemoryAnswer[Q]> {
    const reply: Reply<MemoryAnswer[Q]> = await this.#parts.call(
      serviceSubject('memory', memoryVerb(question)),
      request,
    )
    if (reply.ok) return reply.value
    const { code, message, details, next } = reply.error
    throw new ReinsError(code, message, { details, ...(next === undefined ? {} : { next }) })
  }
}

/** Whoever may one of these knows of the agent. */
const ofAgents: readonly Operation[] = [operations.showAgent, operations.createSession, operations.updateAgent]

const behind = (after: string | undefined): { readonly after?: string } => (after === undefined ? {} : { after })

const notFound = (scope: string, key: string): ReinsError =>
  new ReinsError(
    'memory_not_found',
    `Nothing is remembered under ${JSON.stringify(key.slice(0, 80))} in the scope ${JSON.stringify(scope.slice(0, 200))}.`,
  )

/** Of a page, and of a search. */
export const memoryPage = { default: 100, most: memoryLimits.page }
