import { describe, expect, test } from 'vitest'
import type { RunHistory, RunInput } from '../../messages.ts'
import { type ReplayPorts, RunReplay } from './replay.ts'

const limits = { valueChars: 1e6, stepMs: 1e5, mostStepMs: 1e6, sleepMs: 1e9, logLines: 10, logChars: 100 }

/** A list that counts how often it is looked into. */
function counted(history: readonly RunHistory[]): { readonly history: readonly RunHistory[]; looks(): number } {
  let looks = 0
  const watched = new Proxy(history, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1
      return Reflect.get(target, key, receiver)
    },
  })
  return { history: watched, looks: () => looks }
}

function replay(history: readonly RunHistory[], lines = 0, given: ReplayPorts['given'] = () => {}) {
  const requests: [string, unknown][] = []
  const printed: string[] = []
  const log = (message: string) => void printed.push(message)
  const input: RunInput = { agent: 'a', session: 's', history, lines, limits, workflow: { name: 'w' } }
  const run = new RunReplay(input, {
    request: async (what, value) => {
      requests.push([what, value])
      return { kind: 'open' }
    },
    log: { debug: log, info: log, warn: log, error: log },
    signal: new AbortController().signal,
    given,
    agents: {},
    inline: [],
  })
  return { run, requests, printed }
}

const step = (position: number): RunHistory => ({
  ...{ operation: 'step', name: 'add', order: position },
  result: { kind: 'value', value: position },
})

async function replayOf(operations: number): Promise<number> {
  const { history, looks } = counted(Array.from({ length: operations }, (_, position) => step(position)))
  const { run, requests } = replay(history)
  const end = await run.run(async (ctx) => {
    const { step: next } = ctx as { step(name: string, run: () => number): Promise<number> }
    let sum = 0
    for (let at = 0; at < operations; at++) sum += await next('add', () => 0)
    return sum
  })
  expect(end).toEqual({ kind: 'completed', output: (operations * (operations - 1)) / 2 })
  expect(requests).toEqual([])
  return looks() / operations
}

test.each([
  ['an option that it does not know', ['a', { cwd: '/' }], '"cwd" is no option of init(): say it in createAgent()'],
  ['a name that is none', ['a', { name: '' }], '"name" of init() is the name of the harness'],
  ['no agent', [7], 'init() takes what createAgent() gave'],
] as const)('init() refuses %s, and asks for nothing', async (_, args, message) => {
  const { run, requests } = replay([])
  const end = await run.run((ctx) => (ctx as { init(...given: readonly unknown[]): Promise<unknown> }).init(...args))
  expect([end, requests]).toEqual([
    { kind: 'failed', error: expect.objectContaining({ message: expect.stringContaining(message) }) },
    [],
  ])
})

describe('a replay', () => {
  test('of ten thousand operations looks at each of them as often as one of a thousand', async () => {
    expect(await replayOf(10_000)).toBeCloseTo(await replayOf(1_000), 1)
  })

  test('asks for a prompt that shows images once, and shows no more at the same time than its pipe takes', async () => {
    const prompt: RunHistory = { operation: 'prompt', name: 'default/default' }
    const init: RunHistory = {
      ...{ operation: 'init', name: 'default', order: 0 },
      result: { kind: 'value', value: { agent: 'a' } },
    }
    const image = (size: number) => ({
      ...{ type: 'image', mimeType: 'image/gif' },
      data: Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(size)]).toString('base64'),
    })
    const prompts = (sizes: readonly number[]) => async (ctx: unknown) => {
      type Session = { prompt(text: string, options: object): Promise<unknown> }
      const { init: begin } = ctx as { init(agent: string): Promise<{ session(name: string): Promise<Session> }> }
      const harness = await begin('a')
      await Promise.all(
        sizes.map(async (size, at) =>
          (await harness.session(at === 0 ? 'default' : `s${at}`)).prompt('see', { images: [image(size)] }),
        ),
      )
    }
    const recorded = replay([init, prompt])
    expect(await recorded.run.run(prompts([3_000_000]))).toEqual({ kind: 'suspended' })
    expect(recorded.requests).toEqual([])
    const fresh = replay([init])
    expect(await fresh.run.run(prompts([3_000_000, 9]))).toEqual({ kind: 'suspended' })
    expect(fresh.requests).toMatchObject([
      ['prompt', { position: 1, images: [image(3_000_000)] }],
      ['prompt', { position: 2, images: [image(9)] }],
    ])
    const many = replay([init])
    expect(await many.run.run(prompts(Array.from({ length: 5 }, () => 3_000_000)))).toMatchObject({
      ...{ kind: 'failed', error: { code: 'too-much', message: expect.stringContaining('wait for their answers') } },
    })
    expect(many.requests.length).toBe(4)
  })

  test('comes to where the code gave functions, and does nothing on the way there', async () => {
    const live = { tools: new Map(), subagents: new Map() }
    const configuration = { tools: [{ name: 'look' }], skills: [], subagents: [] }
    const reader = Symbol.for('reins.schemas')
    Object.assign(globalThis, { [reader]: { given: async () => ({ configuration, live }) } })
    const init: RunHistory = {
      ...{ operation: 'init', name: 'default', order: 0 },
      result: { kind: 'value', value: { agent: 'a' } },
    }
    const open: RunHistory = { operation: 'step', name: 'pay' }
    const prompt: RunHistory = { operation: 'prompt', name: 'default/default' }
    const found: unknown[] = []
    const { run, requests } = replay([init, open, prompt], 0, (position, functions) =>
      found.push([position, functions]),
    )
    let paid = 0
    const end = await run.run(async (ctx) => {
      const { init: begin, step: next } = ctx as {
        init(
          agent: string,
        ): Promise<{ session(): Promise<{ prompt(text: string, options: object): Promise<unknown> }> }>
        step(name: string, run: () => number): Promise<number>
      }
      const session = await (await begin('a')).session()
      await Promise.all([next('pay', () => ++paid), session.prompt('go', { tools: [{}] })])
    })
    Reflect.deleteProperty(globalThis, reader)
    expect([end, found, paid]).toEqual([{ kind: 'suspended' }, [[2, live]], 0])
    expect(requests.map(([what]) => what)).toEqual(['step'])
  })

  test('writes a line of the log once, and tells which lines are those of a step', async () => {
    const code = async (ctx: unknown) => {
      const { log, step: next } = ctx as {
        log: { info(text: string, attributes?: object): void }
        step(name: string, run: () => number): Promise<number>
      }
      log.info('begins')
      await next('add', () => 0)
      log.info('goes on', { cause: new Error('why') })
      await next('more', () => 0)
    }
    const { run, requests, printed } = replay([step(0)], 1)
    void run.run(code)
    await expect.poll(() => requests.length, { timeout: 60_000 }).toBe(2)
    expect(printed).toEqual(['goes on'])
    expect(requests[0]).toEqual([
      'log',
      { level: 'info', message: 'goes on', attributes: { cause: { name: 'Error', message: 'why' } } },
    ])
  })
})
