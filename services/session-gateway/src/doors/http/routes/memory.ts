// Long-term memory over HTTP. Decode, call, encode. Scopes and keys are any text, so they stand in the query.
import {
  ForgottenMemory,
  MemoryEntry,
  MemoryHistory,
  MemoryKey,
  MemoryPage,
  MemoryPut,
  MemoryScope,
  MemoryScopes,
  MemorySearch,
  memoryLimits,
  ReinsError,
  StoredMemory,
} from '@reins/contracts'
import { Type } from 'typebox'
import type { Api } from '../../../api/api.ts'
import { memoryPage } from '../../../api/memories.ts'
import { operations } from '../../../api/operations.ts'
import { json, type Route, route } from '../route.ts'

const closed = { additionalProperties: false } as const
const at = {
  agent: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'An agent: its memory, and its scope with you as principal',
    }),
  ),
  store: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'builtin (default), memory or sqlite:<file>' }),
  ),
  scope: Type.Optional({ ...MemoryScope, description: 'Such as user:ann. Needed where no agent says it' }),
}
const limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: memoryPage.most, description: `Default ${memoryPage.default}` }),
)
const after = Type.Optional(Type.String({ maxLength: 4096, description: 'The "next" of the page before' }))
const key = Type.Object({ ...at, key: MemoryKey }, closed)

export function memoryRoutes({ memories }: Api): readonly Route[] {
  return [
    route({
      ...operations.listMemoryScopes,
      method: 'GET',
      path: '/v1/memory/scopes',
      query: Type.Object({ agent: at.agent, store: at.store, limit, after }, closed),
      answers: { 200: MemoryScopes },
      handle: async ({ query: { limit: most = memoryPage.default, after, ...place }, caller }) =>
        json(200, await memories.scopes(caller, place, { limit: most, after })),
    }),
    route({
      ...operations.listMemory,
      method: 'GET',
      path: '/v1/memory/entries',
      query: Type.Object({ ...at, prefix: Type.Optional(Type.String({ maxLength: 256 })), limit, after }, closed),
      answers: { 200: MemoryPage },
      handle: async ({ query: { limit: most = memoryPage.default, after, prefix, ...place }, caller }) =>
        json(200, await memories.list(caller, place, { limit: most, after, prefix })),
    }),
    route({
      ...operations.clearMemory,
      method: 'DELETE',
      path: '/v1/memory/entries',
      query: Type.Object(
        { ...at, all: Type.Literal('true', { description: 'true: everything of the scope is meant' }) },
        closed,
      ),
      answers: { 200: Type.Object({ scope: Type.String(), ...ForgottenMemory.properties }, closed) },
      handle: async ({ query: { all: _, ...place }, caller }) => json(200, await memories.clear(caller, place)),
    }),
    route({
      ...operations.searchMemory,
      method: 'GET',
      path: '/v1/memory/search',
      query: Type.Object(
        { ...at, query: Type.String({ minLength: 1, maxLength: memoryLimits.queryChars }), limit },
        closed,
      ),
      answers: { 200: MemorySearch },
      handle: async ({ query: { query, limit: most = 10, ...place }, caller }) =>
        json(200, await memories.search(caller, place, query, most)),
    }),
    route({
      ...operations.showMemory,
      method: 'GET',
      path: '/v1/memory/entry',
      query: key,
      answers: { 200: Type.Object({ entry: MemoryEntry }, closed) },
      handle: async ({ query: { key, ...place }, caller }) => {
        const entry = await memories.show(caller, place, key)
        return json(200, { entry }, { etag: `"${entry.version}"` })
      },
    }),
    route({
      ...operations.memoryHistory,
      method: 'GET',
      path: '/v1/memory/history',
      query: Type.Object({ ...at, key: MemoryKey, limit }, closed),
      answers: { 200: MemoryHistory },
      handle: async ({ query: { key, limit: most = memoryPage.default, ...place }, caller }) =>
        json(200, await memories.history(caller, place, key, most)),
    }),
    route({
      ...operations.putMemory,
      method: 'PUT',
      path: '/v1/memory/entry',
      query: key,
      body: MemoryPut,
      headers: {
        'If-Match': 'The version that is to be replaced: stores only where it is still there',
        'If-None-Match': '*: stores only where nothing is there',
      },
      answers: { 200: StoredMemory, 201: StoredMemory },
      handle: async ({ query: { key, ...place }, body, headers, caller }) => {
        const condition = versionOf(headers['if-none-match'], headers['if-match'])
        const answer = await memories.put(caller, place, key, body, condition)
        return json(answer.outcome === 'created' ? 201 : 200, answer, { etag: `"${answer.entry.version}"` })
      },
    }),
    route({
      ...operations.forgetMemory,
      method: 'DELETE',
      path: '/v1/memory/entry',
      query: key,
      answers: { 200: ForgottenMemory },
      handle: async ({ query: { key, ...place }, caller }) => json(200, await memories.forget(caller, place, key)),
    }),
  ]
}

/** 0: nothing may be there. undefined: whatever is there. */
function versionOf(ifNoneMatch: string | undefined, ifMatch: string | undefined): number | undefined {
  if (ifNoneMatch !== undefined && ifMatch !== undefined)
    throw new ReinsError('invalid_request', 'If-None-Match and If-Match exclude each other: send one of them.')
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return 0
    throw new ReinsError('invalid_request', 'If-None-Match is not valid: it must be *.')
  }
  if (ifMatch === undefined) return undefined
  const version = /^"?([1-9][0-9]{0,8})"?$/.exec(ifMatch.trim())?.[1]
  if (version === undefined)
    throw new ReinsError('invalid_request', 'If-Match is not valid: it must be one version, such as "3".')
  return Number(version)
}
