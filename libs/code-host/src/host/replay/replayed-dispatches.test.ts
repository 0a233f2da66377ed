import { expect, test } from 'vitest'
import type { RunEnd, RunHistory, RunInput } from '../../messages.ts'
import { RunReplay } from './replay.ts'

type Ask = (what: string, value: unknown) => Promise<unknown>
interface Said {
  readonly what: string
  readonly value: Readonly<Record<string, unknown>>
}

const limits = {
  valueChars: 10_000,
  stepMs: 60_000,
  mostStepMs: 600_000,
  sleepMs: 600_000,
  logLines: 100,
  logChars: 1000,
}

/** Runs the code once, with this recorded; whoever runs it lets each step run, and answers dispatches with a number. */
async function replayed(
  code: (ctx: never, dispatch: (id: string, key?: string) => Promise<unknown>) => unknown,
  history: readonly RunHistory[] = [],
): Promise<{ readonly end: RunEnd; readonly said: readonly Said[] }> {
  const said: Said[] = []
  const request: Ask = async (what, value) => {
    said.push({ what, value: value as Said['value'] })
    if (what === 'step') return { kind: 'run', attempt: 1 }
    if (what === 'step-ended') return { kind: 'ok' }
    if (what === 'dispatch') return { dispatchId: `d${said.filter((one) => one.what === 'dispatch').length}` }
    return { kind: 'open' }
  }
  const input: RunInput = { agent: 'workflow:w', session: 's1', workflow: { name: 'w' }, history, lines: 0, limits }
  const signal = new AbortController().signal
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const replay = new RunReplay(input, { request, log, signal, agents: {}, inline: [] })
  const dispatch = (id: string, key?: string) =>
    replay.request('dispatch', { agent: 'a', id, input: 1, ...(key === undefined ? {} : { idempotencyKey: key }) })
  const end = await replay.run((ctx) => code(ctx as never, dispatch))
  return { end, said }
}

const keys = (said: readonly Said[]) =>
  said.filter(({ what }) => what === 'dispatch').map(({ value }) => value.idempotencyKey)

test('a dispatch of a workflow is a step of its own, with a key of its position', async () => {
  const { end, said } = await replayed(async (_, dispatch) => [await dispatch('one'), await dispatch('one')])
  expect(end).toEqual({ kind: 'completed', output: [{ dispatchId: 'd1' }, { dispatchId: 'd2' }] })
  expect(said.map(({ what, value }) => [what, value.name])).toEqual([
    ['step', 'dispatch a one'],
    ['dispatch', undefined],
    ['step-ended', undefined],
    ['step', 'dispatch a one'],
    ['dispatch', undefined],
    ['step-ended', undefined],
  ])
  expect(said[0]?.value).toMatchObject({ position: 0, replay: 'safe' })
  expect(new Set(keys(said)).size).toBe(2)
})

test('what is recorded of a dispatch is given to a replay, and nothing is sent again', async () => {
  const recorded: RunHistory = {
    ...{ operation: 'step', name: 'dispatch a one', order: 0 },
    result: { kind: 'value', value: { dispatchId: 'kept' } },
  }
  const { end, said } = await replayed(async (_, dispatch) => dispatch('one'), [recorded])
  expect([end, said]).toEqual([{ kind: 'completed', output: { dispatchId: 'kept' } }, []])
})

test('the dispatch that a crash cut off is sent again with the same key, unless the code gave one', async () => {
  const open: RunHistory = { operation: 'step', name: 'dispatch a one' }
  const first = await replayed(async (_, dispatch) => dispatch('one'))
  const second = await replayed(async (_, dispatch) => dispatch('one'), [open])
  expect(keys(second.said)).toEqual(keys(first.said))
  const own = await replayed(async (_, dispatch) => dispatch('one', 'mine'))
  expect(keys(own.said)).toEqual(['mine'])
})

test('a dispatch to another instance than the recorded one is a divergence', async () => {
  const { end } = await replayed(
    async (_, dispatch) => dispatch('two'),
    [{ operation: 'step', name: 'dispatch a one' }],
  )
  expect(end).toMatchObject({ kind: 'diverged', position: 0, found: { name: 'dispatch a two' } })
})

test('what the function of a step dispatches is a part of that step, whatever the order in which it asks', async () => {
  type Ctx = { step(name: string, run: () => Promise<unknown>): Promise<unknown> }
  const of = (ids: readonly string[]) =>
    replayed((ctx: Ctx, dispatch) => ctx.step('all', () => Promise.all(ids.map((id) => dispatch(id)))) as never)
  const { end, said } = await of(['x', 'y', 'x'])
  expect(end.kind).toBe('completed')
  expect(said.filter(({ what }) => what === 'step')).toHaveLength(1)
  expect(new Set(keys(said)).size).toBe(3)
  expect(new Set(keys((await of(['x', 'x', 'y'])).said))).toEqual(new Set(keys(said)))
})
