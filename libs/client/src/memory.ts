// Long-term memory as typed calls.
import type {
  ForgottenMemory,
  MemoryEntry,
  MemoryHistory,
  MemoryPage,
  MemoryPut,
  MemoryScopeInfo,
  MemoryScopes,
  MemorySearch,
  StoredMemory,
} from '@reins/contracts'
import { answers } from './answers.ts'
import { allPages } from './pages.ts'
import type { Transport } from './transport/transport.ts'

/** Which memory: of an agent, with its scope; or a place (`builtin`, `memory`, `sqlite:<file>`) and a scope. */
export interface MemoryAt {
  readonly agent?: string
  readonly store?: string
  readonly scope?: string
}

export interface MemoryCalls {
  /** All of them, by name. */
  scopes(at?: Omit<MemoryAt, 'scope'>): Promise<readonly MemoryScopeInfo[]>
  /** All of them, by key. */
  list(at: MemoryAt, query?: { readonly prefix?: string }): Promise<readonly MemoryEntry[]>
  search(at: MemoryAt, query: string, limit?: number): Promise<MemorySearch>
  get(at: MemoryAt, key: string): Promise<MemoryEntry>
  history(at: MemoryAt, key: string): Promise<MemoryHistory['records']>
  /** `ifVersion`: only where this is its version; 0: only where nothing is there. */
  put(at: MemoryAt, key: string, body: MemoryPut, options?: { readonly ifVersion?: number }): Promise<StoredMemory>
  forget(at: MemoryAt, key: string): Promise<void>
  /** Everything in the scope; how many entries that were. */
  clear(at: MemoryAt): Promise<ForgottenMemory & { readonly scope: string }>
}

const limit = 500

export function memoryCalls(transport: Transport): MemoryCalls {
  const entry = '/v1/memory/entry'
  const entries = '/v1/memory/entries'
  return {
    scopes: (at = {}) =>
      allPages(async (after) => {
        const query = { ...at, limit, after }
        const page = await transport.json<MemoryScopes>(
          { method: 'GET', path: '/v1/memory/scopes', query },
          answers.memoryScopes,
        )
        return { items: page.scopes, next: page.next }
      }),
    list: (at, { prefix } = {}) =>
      allPages(async (after) => {
        const query = { ...at, prefix, limit, after }
        const page = await transport.json<MemoryPage>({ method: 'GET', path: entries, query }, answers.memoryEntries)
        return { items: page.entries, next: page.next }
      }),
    search: (at, query, most) =>
      transport.json(
        { method: 'GET', path: '/v1/memory/search', query: { ...at, query, limit: most } },
        answers.memorySearch,
      ),
    get: async (at, key) =>
      (
        await transport.json<{ entry: MemoryEntry }>(
          { method: 'GET', path: entry, query: { ...at, key } },
          answers.memoryEntry,
        )
      ).entry,
    history: async (at, key) =>
      (
        await transport.json<MemoryHistory>(
          { method: 'GET', path: '/v1/memory/history', query: { ...at, key, limit } },
          answers.memoryHistory,
        )
      ).records,
    put: (at, key, body, { ifVersion } = {}) =>
      transport.json(
        { method: 'PUT', path: entry, query: { ...at, key }, body, headers: conditionOf(ifVersion) },
        answers.memoryEntry,
      ),
    async forget(at, key) {
      await transport.json({ method: 'DELETE', path: entry, query: { ...at, key } }, answers.anything)
    },
    clear: (at) =>
      transport.json({ method: 'DELETE', path: entries, query: { ...at, all: true } }, answers.memoryCleared),
  }
}

function conditionOf(ifVersion: number | undefined): Readonly<Record<string, string>> {
  if (ifVersion === undefined) return {}
  return ifVersion === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${ifVersion}"` }
}
