import type { AgentDefinition, MemoryAsk, Reply } from '@reins/contracts'
import { expect, it } from 'vitest'
import { noValues } from '../calls/named-values.ts'
import type { CallContext } from '../source.ts'
import { askedApproval, resolveToolset, runCall } from '../toolset.ts'
import { type AskMemory, memorySource } from './memory-source.ts'

const definition: AgentDefinition = {
  ...{ name: 'keeper', model: 'scripted/x', system_prompt: 'Remember.' },
  long_term_memory: { scope: 'user:$principal' },
}
const by = { principal: 'ann', agent: 'keeper', session: 's1', call: 'k1' }
const place = { store: { provider: 'builtin' }, scope: 'user:ann' }
const entry = { scope: 'user:ann', key: 'a', value: 1, version: 2, createdAt: 0, updatedAt: 0, by }

type Asked = readonly [question: string, request: unknown]

/** Each question with what it is answered. */
async function world(answers: Partial<Record<keyof MemoryAsk, Reply<unknown>>>, of: AgentDefinition = definition) {
  const asked: Asked[] = []
  const ask = (async (question, request) => {
    asked.push([question, request])
    return answers[question] ?? { ok: false, error: { code: 'unavailable', message: 'Nobody is there.', next: '' } }
  }) as AskMemory
  const mask = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('hunter2-secret', '[redacted]'))
  const toolset = await resolveToolset([memorySource({ ask, mask })], of)
  const tools = toolset.kind === 'resolved' ? toolset.tools : []
  const context: CallContext = {
    ...{ ...noValues, session: 's1', principal: 'ann', idempotencyKey: 's1/k1', signal: new AbortController().signal },
    ...{ progress: () => {}, keep: async () => ({ ref: undefined, dropped: 0 }) },
  }
  return {
    asked,
    names: tools.map(({ spec }) => spec.name),
    specs: tools.map(({ spec }) => spec),
    call: async (name: string, args: unknown, more: Partial<CallContext> = {}) => {
      const outcome = await runCall(tools, { name, arguments: args, definition: of }, { ...context, ...more })
      return { ...outcome, output: JSON.parse(outcome.output) }
    },
    approval: (name: string, args: unknown) => askedApproval(tools, { name, arguments: args, definition: of }, context),
  }
}

it('an agent has the tools where its definition has a memory', async () => {
  expect((await world({})).names).toEqual([
    ...['recall_memory', 'store_memory', 'forget_memory', 'list_memory_keys', 'search_memory'],
  ])
  const { long_term_memory: _, ...without } = definition
  expect((await world({}, without)).names).toEqual([])
})

it('all of them may run again, and those that only look say so', async () => {
  const { specs } = await world({})
  expect(specs.map(({ replay }) => replay)).toEqual(Array(5).fill('safe'))
  expect(specs.filter(({ risk }) => risk === 'read').map(({ name }) => name)).toEqual([
    ...['recall_memory', 'list_memory_keys', 'search_memory'],
  ])
})

it('what is stored names its call, whose it is, and how long it is kept', async () => {
  const { call, asked } = await world({ store: { ok: true, value: { entry, outcome: 'updated' } } })
  expect((await call('store_memory', { key: 'a', value: { x: 1 }, expires: '2d' })).output).toEqual({
    ...{ status: 'ok', key: 'a', outcome: 'updated', version: 2 },
  })
  expect(asked).toEqual([['store', { ...place, op: 's1/k1', by, key: 'a', value: { x: 1 }, life: 172_800_000 }]])
})

it('no argument names another scope', async () => {
  const { call, asked } = await world({})
  expect(await call('recall_memory', { key: 'a', scope: 'user:bob' })).toMatchObject({ code: 'invalid-arguments' })
  expect(asked).toEqual([])
})

it('a secret is masked before it leaves the runner', async () => {
  const { call, asked } = await world({ store: { ok: true, value: { entry, outcome: 'created' } } })
  const { output } = await call('store_memory', { key: 'pw', value: ['hunter2-secret'] })
  expect(asked[0]?.[1]).toMatchObject({ value: ['[redacted]'] })
  expect(output.note).toContain('masked')
})

it('everything is forgotten only where people have approved this very call', async () => {
  const { call, asked, approval } = await world({ clear: { ok: true, value: { forgotten: 3 } } })
  for (const args of [{}, { key: '' }, { key: null }]) {
    expect(await approval('forget_memory', args)).toMatchObject({ approval: 'must' })
    expect(await call('forget_memory', args)).toMatchObject({ status: 'error', code: 'refused' })
  }
  expect(await approval('forget_memory', { key: 'a' })).toEqual({ approval: 'auto' })
  expect(asked).toEqual([])
  expect((await call('forget_memory', {}, { approved: true })).output).toEqual({ status: 'ok', forgotten: 3 })
  expect(asked).toEqual([['clear', { ...place, op: 's1/k1', by }]])
})

it('more than fits an answer is cut, and says where the rest is', async () => {
  const entries = Array.from({ length: 300 }, (_, n) => ({ ...entry, key: `k${n}`, value: 'x'.repeat(1000) }))
  const { call } = await world({ list: { ok: true, value: { entries, total: 400 } } })
  const { output } = await call('recall_memory', {})
  expect(output).toMatchObject({ total: 400, truncated: true, note: expect.stringContaining('search_memory') })
  expect(output.entries.length).toBeLessThan(100)
})

it('a memory that is away, or full, is told in words', async () => {
  const { call } = await world({
    store: { ok: false, error: { code: 'memory_full', message: 'The scope is full.', next: 'Forget some.' } },
  })
  expect((await call('recall_memory', { key: 'a' })).output.error).toContain('Nobody is there.')
  expect((await call('store_memory', { key: 'a', value: 1 })).output.error).toContain('The scope is full. Forget some.')
})
