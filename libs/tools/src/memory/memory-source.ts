// Long-term memory as a source of tools: what a model calls becomes a question to the memory service. It keeps nothing itself.
//   MS1. Whose memory is meant follows from the session's definition and from whose session it is. No argument of a call can name another.
//   MS2. What is stored goes through `mask` first: no value of a secret gets into a memory.
//   MS3. The id of an operation is the call's, so an attempt that is made again changes nothing twice (MT1 of memory-tools.ts).
//   MS4. All is forgotten only where people have approved this very call. What says so is the log, by the frame that asks for the call.
import {
  definitionDigest,
  durationMs,
  type MemoryAnswer,
  type MemoryAsk,
  type MemoryEntry,
  memoryScopeOf,
  memoryStoreOf,
  type Reply,
} from '@reins/contracts'
import { fitting, succeeded, ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import { defaultSettings } from '../resolve.ts'
import type { AskedTools, CallContext, ToolCall, ToolCatalog, ToolListing, ToolSource } from '../source.ts'
import { parseArguments } from '../tool.ts'
import {
  forgetParameters,
  listParameters,
  memoryTools,
  recallParameters,
  searchParameters,
  storeParameters,
} from './memory-tools.ts'

/** Asks the memory service. Never rejects but when `signal` is aborted. */
export type AskMemory = <Q extends keyof MemoryAsk>(
  question: Q,
  request: MemoryAsk[Q],
  signal: AbortSignal,
) => Promise<Reply<MemoryAnswer[Q]>>

export interface MemorySourceOptions {
  readonly ask: AskMemory
  /** Masks secrets; the very same value where there is none in it. */
  readonly mask: <T>(value: T) => T
}

function list({ long_term_memory: memory }: AskedTools): ToolListing {
  return { kind: 'listed', tools: memory ? memoryTools : [] }
}

/** What there is, for those who run nothing. */
export const memoryCatalog: ToolCatalog & { list(definition: AskedTools): ToolListing } = { name: 'memory', list }

type Place = Pick<MemoryAsk['recall'], 'store' | 'scope' | 'digest'>

const maxChars = defaultSettings.maxOutputChars
/** What fits an answer, and a little more: the rest is told as a number. */
const most = 500

export function memorySource(options: MemorySourceOptions): ToolSource {
  return {
    ...memoryCatalog,
    run: (call, context) => new MemoryCall(options, call, context).run(),
    approval: async ({ name, arguments: args, definition }) => {
      if (name !== 'forget_memory' || parseArguments(forgetParameters, args).key) return { approval: 'auto' }
      return {
        approval: 'must',
        reason: `forget_memory without a key forgets everything that the agent ${definition.name} remembers here.`,
      }
    },
  }
}

class MemoryCall {
  readonly #options: MemorySourceOptions
  readonly #call: ToolCall
  readonly #context: CallContext
  readonly #scope: string

  constructor(options: MemorySourceOptions, call: ToolCall, context: CallContext) {
    const { definition } = call
    const { session, principal } = context
    this.#options = options
    this.#call = call
    this.#context = context
    // MS1.
    this.#scope = memoryScopeOf(definition.long_term_memory ?? {}, { agent: definition.name, session, principal })
  }

  async run(): Promise<ToolOutcome> {
    const { name, arguments: args } = this.#call
    switch (name) {
      case 'recall_memory':
        return this.#recall(parseArguments(recallParameters, args).key ?? '')
      case 'store_memory':
        return this.#store(parseArguments(storeParameters, args))
      case 'forget_memory':
        return this.#forget(parseArguments(forgetParameters, args).key ?? '')
      case 'list_memory_keys':
        return this.#keys(parseArguments(listParameters, args).prefix ?? '')
      case 'search_memory':
        return this.#search(parseArguments(searchParameters, args))
      default:
        throw new ToolFailure('not-found', `the agent has no tool "${name.slice(0, 100)}"`)
    }
  }

  async #recall(key: string): Promise<ToolOutcome> {
    if (key === '') {
      const { entries, total } = await this.#ask('list', { ...this.#place, limit: most })
      return fitting(entries, maxChars, (some) => ({
        entries: some.map(told),
        total,
        ...(some.length < total ? { truncated: true, note: notAll } : {}),
      }))
    }
    const { entry } = await this.#ask('recall', { ...this.#place, key })
    if (!entry) return succeeded({ key, found: false, note: `Nothing is remembered under this key. ${lookElsewhere}` })
    return succeeded({ found: true, ...told(entry) })
  }

  async #store({ key, value, expires }: { key: string; value: unknown; expires?: string }): Promise<ToolOutcome> {
    const kept = this.#options.mask({ key, value: value ?? null }) // MS2
    const masked = JSON.stringify(kept) !== JSON.stringify({ key, value: value ?? null })
    const { entry, outcome } = await this.#ask('store', {
      ...{ ...this.#place, ...this.#change, ...kept },
      ...(expires === undefined ? {} : { life: durationMs(expires) }),
    })
    return succeeded({
      ...{ key: entry.key, outcome, version: entry.version },
      ...(entry.expiresAt === undefined ? {} : { expires_at: new Date(entry.expiresAt).toISOString() }),
      ...(masked ? { note: 'It held a secret, which was masked before it was stored.' } : {}),
    })
  }

  async #forget(key: string): Promise<ToolOutcome> {
    if (key !== '') {
      const { forgotten } = await this.#ask('forget', { ...this.#place, ...this.#change, key })
      return succeeded({
        key,
        forgotten,
        ...(forgotten === 0 ? { note: 'Nothing was remembered under this key.' } : {}),
      })
    }
    // MS4.
    if (this.#context.approved !== true)
      throw new ToolFailure(
        'refused',
        'forgetting everything needs a person who approves this very call, and nobody was asked. Name the key to forget, or let a person use reins memory forget',
      )
    return succeeded({ ...(await this.#ask('clear', { ...this.#place, ...this.#change })) })
  }

  async #keys(prefix: string): Promise<ToolOutcome> {
    const asked = { ...this.#place, limit: most, ...(prefix === '' ? {} : { prefix }) }
    const { entries, total } = await this.#ask('list', asked)
    return fitting(
      entries.map(({ key }) => key),
      maxChars,
      (keys) => ({ keys, total, ...(keys.length < total ? { truncated: true, note: notAll } : {}) }),
    )
  }

  async #search({ query, limit = 10 }: { query: string; limit?: number }): Promise<ToolOutcome> {
    const { found } = await this.#ask('search', { ...this.#place, query, limit })
    return fitting(found, maxChars, (some) => ({
      found: some.map(({ entry }) => told(entry)),
      ...(some.length < found.length ? { truncated: true } : {}),
      ...(found.length === 0 ? { note: `Nothing fits. ${lookElsewhere}` } : {}),
    }))
  }

  get #place(): Place {
    const { definition } = this.#call
    const store = memoryStoreOf(definition.long_term_memory ?? {})
    const needsSecret = store.provider === 'postgresql'
    return { store, scope: this.#scope, ...(needsSecret ? { digest: definitionDigest(definition) } : {}) }
  }

  /** MS3. */
  get #change(): Pick<MemoryAsk['clear'], 'op' | 'by'> {
    const { session, principal = `session:${session}`, idempotencyKey } = this.#context
    const call = idempotencyKey.slice(session.length + 1)
    return { op: idempotencyKey, by: { principal, agent: this.#call.definition.name, session, call } }
  }

  async #ask<Q extends keyof MemoryAsk>(question: Q, request: MemoryAsk[Q]): Promise<MemoryAnswer[Q]> {
    const reply = await this.#options.ask(question, request, this.#context.signal)
    if (reply.ok) return reply.value
    const { code, message, next } = reply.error
    throw new ToolFailure(
      code === 'invalid_request' ? 'invalid-arguments' : 'failed',
      `the memory could not do this: ${message}${next === undefined ? '' : ` ${next}`}`,
    )
  }
}

const notAll = 'This is not everything. search_memory finds the rest.'
const lookElsewhere = 'list_memory_keys shows which keys there are.'

/** As the model reads it. */
const told = ({ key, value, version, updatedAt }: MemoryEntry): Readonly<Record<string, unknown>> => ({
  ...{ key, value, version },
  updated_at: new Date(updatedAt).toISOString(),
})
