// Long-term memory, as it is asked for over the broker: by tool-runners for the calls of agents, and by the gateway for people.
//   MM1. What is stored goes through `mask`: no value of a secret that is known here gets into a memory.
//   MM2. Who changed something, and when, is kept with the entry and said in the log of this service; the value never is.
import {
  type MemoryAnswer,
  type MemoryAsk,
  type MemoryStoreRef,
  memoryLimits,
  memoryStoreName,
  ReinsError,
} from '@reins/contracts'
import type { PausePoint } from '@reins/service'
import type { Log } from '@reins/telemetry'
import { entryOf, valueBytes } from './changes.ts'
import type { Applied, Change, EntryStore } from './store.ts'

/** `digest`: of the agent that names the secret of a database. Rejects with a ReinsError where there is no such place. */
export type StoreOf = (store: MemoryStoreRef, digest: string | undefined) => Promise<EntryStore>

export interface MemoriesOptions {
  readonly storeOf: StoreOf
  readonly now: () => number
  readonly mask: <T>(value: T) => T
  readonly log: Log
  readonly pauseAt?: PausePoint
}

export class Memories {
  readonly #options: MemoriesOptions

  constructor(options: MemoriesOptions) {
    this.#options = options
  }

  async recall({ store, digest, scope, key }: MemoryAsk['recall']): Promise<MemoryAnswer['recall']> {
    const entry = await (await this.#store(store, digest)).recall(scope, key, this.#options.now())
    return entry ? { entry } : {}
  }

  async list({ store, digest, scope, limit, after, prefix }: MemoryAsk['list']): Promise<MemoryAnswer['list']> {
    return (await this.#store(store, digest)).list(scope, { limit, after, prefix }, this.#options.now())
  }

  async search({ store, digest, scope, query, limit }: MemoryAsk['search']): Promise<MemoryAnswer['search']> {
    return (await this.#store(store, digest)).search(scope, query, limit, this.#options.now())
  }

  async history({ store, digest, scope, key, limit }: MemoryAsk['history']): Promise<MemoryAnswer['history']> {
    return { records: [...(await (await this.#store(store, digest)).history(scope, key, limit))] }
  }

  async scopes({ store, digest, limit, after, only }: MemoryAsk['scopes']): Promise<MemoryAnswer['scopes']> {
    return (await this.#store(store, digest)).scopes({ limit, after, only }, this.#options.now())
  }

  async store(request: MemoryAsk['store']): Promise<MemoryAnswer['store']> {
    const { scope, op, by, life, ifVersion } = request
    const { key, value } = this.#options.mask({ key: request.key, value: request.value ?? null }) // MM1
    const bytes = valueBytes(value)
    if (bytes > memoryLimits.valueBytes)
      throw new ReinsError(
        'memory_full',
        `The value has ${bytes} bytes as JSON; an entry has at most ${memoryLimits.valueBytes}.`,
      )
    const { record } = await this.#apply(request, {
      ...{ kind: 'store', scope, key, value, op, by, at: this.#options.now() },
      ...(life === undefined ? {} : { life }),
      ...(ifVersion === undefined ? {} : { ifVersion }),
    })
    if (record?.kind !== 'stored') throw anotherChange(op)
    return { entry: entryOf(record), outcome: record.created ? 'created' : 'updated' }
  }

  async forget(request: MemoryAsk['forget']): Promise<MemoryAnswer['forget']> {
    const { scope, key, op, by } = request
    const { record } = await this.#apply(request, { kind: 'forget', scope, key, op, by, at: this.#options.now() })
    if (record && record.kind !== 'forgotten') throw anotherChange(op)
    return { forgotten: record ? 1 : 0 }
  }

  async clear(request: MemoryAsk['clear']): Promise<MemoryAnswer['clear']> {
    const { scope, op, by } = request
    const { record } = await this.#apply(request, { kind: 'clear', scope, op, by, at: this.#options.now() })
    if (record && record.kind !== 'scope-forgotten') throw anotherChange(op)
    return { forgotten: record?.entries ?? 0 }
  }

  #store(store: MemoryStoreRef, digest: string | undefined): Promise<EntryStore> {
    return this.#options.storeOf(store, digest)
  }

  async #apply(
    { store, digest }: Pick<MemoryAsk['clear'], 'store' | 'digest'>,
    change: Change,
  ): Promise<{ readonly record?: Extract<Applied, { kind: 'recorded' }>['record'] }> {
    const { pauseAt } = this.#options
    await pauseAt?.('memory.before-change')
    const applied = await (await this.#store(store, digest)).apply(change)
    await pauseAt?.('memory.after-change')
    switch (applied.kind) {
      case 'recorded': {
        const { kind, scope, by, op } = applied.record
        const what = kind === 'scope-forgotten' ? {} : { key: applied.record.key, version: applied.record.version }
        this.#options.log.info({ store: memoryStoreName(store), scope, ...what, by, op }, `memory: ${kind}`) // MM2
        return { record: applied.record }
      }
      case 'nothing':
        return {}
      case 'other-version':
        throw new ReinsError(
          'memory_changed',
          applied.version === 0
            ? 'Nothing is stored under this key any more, or yet.'
            : `The entry has version ${applied.version} now.`,
        )
      case 'full':
        throw new ReinsError('memory_full', `The scope is full: ${applied.why}.`)
      default:
        return applied satisfies never
    }
  }
}

const anotherChange = (op: string): ReinsError =>
  new ReinsError('invalid_request', `The operation ${op.slice(0, 100)} was another change before.`)
