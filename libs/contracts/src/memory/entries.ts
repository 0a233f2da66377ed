// What long-term memory keeps, and what services ask the memory service about it.
//   ME1. An entry is a key with a JSON value in a scope. Each value that was stored has a version, counted from 1, and says who stored it.
//   ME2. What changes an entry has the id of its operation (`op`): the same id again changes nothing, and is answered as at first.
import { type Static, Type } from 'typebox'
import { maxKeyChars } from './settings.ts'

const closed = { additionalProperties: false } as const

export const memoryLimits = {
  /** Of a value, as JSON. */
  valueBytes: 64 * 1024,
  entriesOfScope: 10_000,
  /** Of all values of a scope, as JSON. */
  bytesOfScope: 32 * 1024 * 1024,
  page: 500,
  queryChars: 500,
} as const

const noControls = '^[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u0020\\u007f][^\\u0000-\\u001f\\u007f]*$'
export const MemoryKey = Type.String({ minLength: 1, maxLength: maxKeyChars, pattern: noControls })
export const MemoryScope = Type.String({ minLength: 1, maxLength: 4_096, pattern: noControls })

/** Who changed something: a person, or a call of a session. */
export const MemoryAuthor = Type.Object(
  {
    principal: Type.String({ maxLength: 200 }),
    agent: Type.Optional(Type.String({ maxLength: 64 })),
    session: Type.Optional(Type.String({ maxLength: 200 })),
    call: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
)
export type MemoryAuthor = Static<typeof MemoryAuthor>

export const MemoryEntry = Type.Object(
  {
    scope: Type.String(),
    key: Type.String(),
    value: Type.Unknown({ description: 'Any JSON value' }),
    version: Type.Integer({ minimum: 1 }),
    createdAt: Type.Integer({ description: 'epoch ms' }),
    updatedAt: Type.Integer({ description: 'epoch ms' }),
    expiresAt: Type.Optional(Type.Integer({ description: 'epoch ms: when it is no longer there' })),
    by: MemoryAuthor,
  },
  closed,
)
export type MemoryEntry = Static<typeof MemoryEntry>

/** What happened to an entry, or to a whole scope: what `history` tells, and what the built-in provider keeps in its stream. */
export const MemoryRecord = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('stored'),
      ...{ op: Type.String(), scope: Type.String(), key: Type.String(), value: Type.Unknown() },
      version: Type.Integer({ minimum: 1 }),
      /** Whether nothing was there before. */
      created: Type.Boolean(),
      createdAt: Type.Integer(),
      at: Type.Integer(),
      expiresAt: Type.Optional(Type.Integer()),
      by: MemoryAuthor,
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('forgotten'),
      ...{ op: Type.String(), scope: Type.String(), key: Type.String() },
      /** Of the value that was forgotten. */
      version: Type.Integer({ minimum: 1 }),
      at: Type.Integer(),
      by: MemoryAuthor,
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('scope-forgotten'),
      ...{ op: Type.String(), scope: Type.String() },
      /** How many were there, as far as was known. */
      entries: Type.Integer({ minimum: 0 }),
      at: Type.Integer(),
      by: MemoryAuthor,
    },
    closed,
  ),
])
export type MemoryRecord = Static<typeof MemoryRecord>

const Store = Type.Union([
  Type.Object({ provider: Type.Union([Type.Literal('builtin'), Type.Literal('memory')]) }, closed),
  Type.Object({ provider: Type.Literal('sqlite'), file: Type.String({ maxLength: 200 }) }, closed),
  Type.Object({ provider: Type.Literal('postgresql'), secret: Type.String({ maxLength: 128 }) }, closed),
])
/** `digest`: of the version of an agent that names the secret; the registry gives its value for no other. */
const place = { store: Store, scope: MemoryScope, digest: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32}$' })) }
const op = Type.String({ minLength: 1, maxLength: 512 })
const limit = Type.Integer({ minimum: 1, maximum: memoryLimits.page })
const after = Type.Optional(Type.String({ maxLength: 4_096 }))

export const RecallMemory = Type.Object({ ...place, key: MemoryKey }, closed)
export const ListMemory = Type.Object({ ...place, limit, after, prefix: Type.Optional(MemoryKey) }, closed)
export const SearchMemory = Type.Object(
  { ...place, query: Type.String({ minLength: 1, maxLength: memoryLimits.queryChars }), limit },
  closed,
)
export const StoreMemory = Type.Object(
  {
    ...place,
    key: MemoryKey,
    value: Type.Unknown(),
    /** ms that it is kept. */
    life: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_700 * 86_400_000 })),
    /** Only where this is its version; 0: only where there is none. */
    ifVersion: Type.Optional(Type.Integer({ minimum: 0 })),
    op,
    by: MemoryAuthor,
  },
  closed,
)
export const ForgetMemory = Type.Object({ ...place, key: MemoryKey, op, by: MemoryAuthor }, closed)
export const ClearMemory = Type.Object({ ...place, op, by: MemoryAuthor }, closed)
export const MemoryHistoryOf = Type.Object({ ...place, key: MemoryKey, limit }, closed)
export const ListScopes = Type.Object(
  {
    ...{ store: Store, digest: place.digest, limit, after },
    only: Type.Optional(Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 2000 })),
  },
  closed,
)

export type MemoryAsk = {
  readonly recall: Static<typeof RecallMemory>
  readonly list: Static<typeof ListMemory>
  readonly search: Static<typeof SearchMemory>
  readonly store: Static<typeof StoreMemory>
  readonly forget: Static<typeof ForgetMemory>
  readonly clear: Static<typeof ClearMemory>
  readonly history: Static<typeof MemoryHistoryOf>
  readonly scopes: Static<typeof ListScopes>
}

export const MemoryPage = Type.Object(
  { entries: Type.Array(MemoryEntry), next: Type.Optional(Type.String()), total: Type.Integer({ minimum: 0 }) },
  closed,
)
export type MemoryPage = Static<typeof MemoryPage>
export const FoundMemory = Type.Object(
  {
    entry: MemoryEntry,
    score: Type.Number({ description: 'The higher, the nearer; good for comparing within one answer alone' }),
  },
  closed,
)
export type FoundMemory = Static<typeof FoundMemory>
export const MemorySearch = Type.Object(
  {
    found: Type.Array(FoundMemory),
    how: Type.String({ description: 'What was searched with: words, trigrams' }),
  },
  closed,
)
export type MemorySearch = Static<typeof MemorySearch>
export const StoredMemory = Type.Object(
  { entry: MemoryEntry, outcome: Type.Union([Type.Literal('created'), Type.Literal('updated')]) },
  closed,
)
export type StoredMemory = Static<typeof StoredMemory>
export const ForgottenMemory = Type.Object({ forgotten: Type.Integer({ minimum: 0 }) }, closed)
export type ForgottenMemory = Static<typeof ForgottenMemory>
export const MemoryHistory = Type.Object({ records: Type.Array(MemoryRecord) }, closed)
export type MemoryHistory = Static<typeof MemoryHistory>
export const MemoryScopeInfo = Type.Object(
  {
    scope: Type.String(),
    entries: Type.Integer({ minimum: 0 }),
    bytes: Type.Integer({ minimum: 0, description: 'Of the values, as JSON' }),
    updatedAt: Type.Integer({ description: 'epoch ms' }),
  },
  closed,
)
export type MemoryScopeInfo = Static<typeof MemoryScopeInfo>
export const MemoryScopes = Type.Object(
  { scopes: Type.Array(MemoryScopeInfo), next: Type.Optional(Type.String()) },
  closed,
)
export type MemoryScopes = Static<typeof MemoryScopes>

export type MemoryAnswer = {
  readonly recall: { readonly entry?: MemoryEntry }
  readonly list: MemoryPage
  readonly search: MemorySearch
  readonly store: StoredMemory
  readonly forget: ForgottenMemory
  readonly clear: ForgottenMemory
  readonly history: MemoryHistory
  readonly scopes: MemoryScopes
}

export type MemoryQuestion = keyof MemoryAsk

/** What people store. */
export const MemoryPut = Type.Object(
  {
    value: Type.Unknown({ description: `Any JSON value of at most ${memoryLimits.valueBytes} bytes` }),
    expires: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,3}(m|h|d)$',
        description: 'How long it is kept: 30m, 12h, 90d. Default: for ever',
      }),
    ),
  },
  closed,
)
export type MemoryPut = Static<typeof MemoryPut>

/** Asked of the memory service: `svc.memory.<verb>`. */
export const memoryVerb = (question: MemoryQuestion): string => `entries.${question}`
/** What a tool-runner may ask, for the calls of agents. */
export const memoryToolQuestions = ['recall', 'list', 'search', 'store', 'forget', 'clear'] as const
