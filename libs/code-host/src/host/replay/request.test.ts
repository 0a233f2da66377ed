import { expect, test } from 'vitest'
import type { RunInput } from '../../messages.ts'
import { RunReplay } from './replay.ts'

const limits = { valueChars: 1e6, stepMs: 1e5, mostStepMs: 1e6, sleepMs: 1e9, logLines: 10, logChars: 100 }

interface Ctx {
  readonly req: Request | undefined
  step<T>(name: string, run: () => T | Promise<T>): Promise<T>
}

/** What the code gives back; every step runs. */
async function resultOf(
  request: NonNullable<RunInput['workflow']>['request'],
  code: (ctx: Ctx) => unknown,
): Promise<unknown> {
  const workflow = { name: 'w', ...(request ? { request } : {}) }
  const run = new RunReplay(
    { agent: 'a', session: 's', history: [], lines: 0, limits, workflow },
    {
      request: async (what) => (what === 'step' ? { kind: 'run', attempt: 1 } : { kind: 'open' }),
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      signal: new AbortController().signal,
      agents: {},
      inline: [],
    },
  )
  const end = await run.run((ctx) => code(ctx as Ctx))
  return end.kind === 'completed' ? end.output : end
}

const held = {
  kind: 'held' as const,
  request: {
    method: 'POST',
    url: 'http://reins.example/workflows/w?a=1',
    headers: { 'content-type': 'application/json', 'x-user': 'ada', 'no name': 'is dropped' },
    body: '{"n":1}',
  },
}

test('the request that began a run is a Request whose body is read once, in steps and between them', async () => {
  const seen = await resultOf(held, async (ctx) => {
    const { method, url, headers } = ctx.req ?? new Request('http://none')
    const body = await ctx.step('body', () => ctx.req?.json())
    return { method, url, user: headers.get('x-user'), body, used: ctx.req?.bodyUsed }
  })
  expect(seen).toEqual({ method: 'POST', url: held.request.url, user: 'ada', body: { n: 1 }, used: true })
})

test('one that is gone is undefined in a step, is there elsewhere as it was, and its use throws', async () => {
  const seen = await resultOf({ kind: 'gone' }, async (ctx) => {
    const inStep = await ctx.step('is there', () => ctx.req === undefined)
    const there = Boolean(ctx.req)
    return { inStep, there, isRequest: ctx.req instanceof Request, awaited: Boolean(await ctx.req) }
  })
  expect(seen).toEqual({ inStep: true, there: true, isRequest: true, awaited: true })
  expect(await resultOf({ kind: 'gone' }, (ctx) => ctx.req?.headers.get('x-user'))).toMatchObject({
    kind: 'failed',
    error: { code: 'request-gone', message: expect.stringContaining('Read ctx.req in a step') },
  })
})

test('a run that no request began has none', async () => {
  expect(await resultOf(undefined, async (ctx) => ctx.req === undefined)).toBe(true)
})
