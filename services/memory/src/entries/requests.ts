// The questions about long-term memory: decode, call, encode. Their schemas stand in contracts.
import { type Handler, BrokerUnavailable } from '@reins/broker'
import {
  ClearMemory,
  ForgetMemory,
  formOf,
  ListMemory,
  ListScopes,
  MemoryHistoryOf,
  type MemoryQuestion,
  memoryVerb,
  problemsOf,
  RecallMemory,
  ReinsError,
  SearchMemory,
  StoreMemory,
} from '@reins/contracts'
import type { Static, TSchema } from 'typebox'
import type { Memories } from './memories.ts'

export function memoryRequests(memories: Memories): Readonly<Record<`entries.${MemoryQuestion}`, Handler>> {
  const handlers: Readonly<Record<MemoryQuestion, Handler>> = {
    recall: handle(RecallMemory, (request) => memories.recall(request)),
    list: handle(ListMemory, (request) => memories.list(request)),
    search: handle(SearchMemory, (request) => memories.search(request)),
    store: handle(StoreMemory, (request) => memories.store(request)),
    forget: handle(ForgetMemory, (request) => memories.forget(request)),
    clear: handle(ClearMemory, (request) => memories.clear(request)),
    history: handle(MemoryHistoryOf, (request) => memories.history(request)),
    scopes: handle(ListScopes, (request) => memories.scopes(request)),
  }
  return Object.fromEntries(
    Object.entries(handlers).map(([question, handler]) => [memoryVerb(question as MemoryQuestion), handler]),
  ) as Record<`entries.${MemoryQuestion}`, Handler>
}

function handle<S extends TSchema>(schema: S, run: (request: Static<S>) => Promise<unknown>): Handler {
  const fits = formOf(schema)
  return async (request) => {
    if (!fits(request)) {
      const [problem] = problemsOf(schema, request)
      const where = problem?.path ? `"${problem.path}"` : 'The request'
      throw new ReinsError('invalid_request', `${where} ${problem?.message ?? 'is not valid'}.`)
    }
    try {
      return { value: await run(request) }
    } catch (error) {
      if (error instanceof BrokerUnavailable)
        throw new ReinsError('unavailable', `The memory cannot reach its stream: ${error.message}.`)
      throw error
    }
  }
}
