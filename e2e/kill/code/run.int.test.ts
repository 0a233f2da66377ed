// Runs of workflows on real processes: their code prompts agents in sessions below them, takes steps, sleeps, and waits for what comes from
// outside; the executor is killed at each of these, and another one goes on where the log says that it was.
import { instanceSessionId } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCode } from '../../harness/bundled-code.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { countOf, eventsOf } from '../bench.ts'
import { RunBench } from './run-bench.ts'

const deadline = 240_000
let bench: RunBench

beforeAll(async () => {
  bench = await RunBench.open()
  await bench.deploy('flows', {
    everything: `
      const tell = (name) => ({ idempotencyKey }) => fetch('${bench.counter.url}/' + encodeURIComponent(name + ' ' + idempotencyKey)).then((r) => r.text())
      const began = ctx.now()
      let charged = 'unknown'
      try {
        charged = await ctx.step('charge', tell('charge'))
      } catch (error) {
        if (error.code !== 'outcome-unknown') throw error
      }
      const harness = await ctx.init('helper')
      const session = await harness.session()
      const first = await session.prompt('say one', {
        images: [{ type: 'image', mimeType: 'image/png', data: Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(9_000)]).toString('base64') }],
      })
      await ctx.sleep(200)
      const [second, other] = await Promise.all([
        session.prompt('say two'),
        (await harness.session('other')).prompt('say {"total":3}', { result: { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] } }),
      ])
      const { ok } = await ctx.pause({ question: 'go on?' })
      const event = await ctx.waitFor('paid')
      return [ctx.id, ctx.payload.n, charged, first.text, second.text, other.data.total, ok, event, began > 0, ctx.uuid().length]`,
  })
}, deadline)
afterAll(() => bench?.close(), deadline)

/** Where an executor is killed, and what the code was told of the step that must not run twice. */
const points = [
  ['executor.after-operation', 'unknown'],
  ['executor.before-prompt-child', 'counted'],
  ['executor.after-prompt-child', 'counted'],
  ['executor.before-settle-parent', 'counted'],
  ['executor.after-settle-parent', 'counted'],
  ['executor.before-replay-outcome', 'counted'],
  ['executor.before-ack', 'counted'],
] as const

test.each(points)(
  'an executor killed at %s: another one goes on, and nothing is asked or done twice',
  async (point, charged) => {
    const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
    const victim = await bench.world.start('executor', { environment, pauseAt: point })
    const { run, session } = await bench.start('everything', { n: 7 })
    await bench.isPaused(victim)
    const next = await bench.world.start('executor', { environment })
    await victim.kill()
    const { waiting } = await bench.shown(
      session,
      (one) => one.waiting?.[0]?.event === undefined && one.waiting !== undefined,
    )
    expect(waiting).toMatchObject([{ name: 'pause', output: { question: 'go on?' } }])
    expect(await bench.deliver(run.runId, { event: 'paid', value: 5 })).toBe(202)
    expect(await bench.deliver(run.runId, { value: { ok: true } })).toBe(202)
    const ended = await bench.ended(session)
    expect(ended.result).toEqual([run.runId, 7, charged, 'one', 'two', 3, true, 5, true, 36])
    const log = await bench.world.readLog(session)
    expect(countOf(log, 'run.prompted')).toBe(3)
    const below = (await bench.tree(session)).filter((id) => id !== session)
    expect(below).toHaveLength(2)
    const turns = await Promise.all(below.map(async (id) => countOf(await bench.world.readLog(id), 'turn.completed')))
    expect(turns.toSorted()).toEqual([1, 2])
    const all = [log, ...(await Promise.all(below.map((id) => bench.world.readLog(id))))]
    const shown = all.map((one) =>
      eventsOf(one).flatMap(({ type, data }) => (type === 'images.attached' ? [data] : [])),
    )
    const image = { type: 'image', mimeType: 'image/png', ref: expect.stringContaining('sha256-'), bytes: 9_008 }
    expect(shown.toSorted((a, b) => a.length - b.length)).toEqual([
      [],
      ...[[{ message: expect.any(String), images: [image] }], [{ message: expect.any(String), images: [image] }]],
    ])
    expect(new Set(shown.flatMap((one) => one.map(({ message }) => message))).size).toBe(2)
    for (const id of [session, ...below]) expect(await bench.world.verdict(id)).toEqual([])
    await next.kill()
  },
  deadline,
)

describe('a run', () => {
  beforeAll(async () => {
    await bench.world.start('executor', { environment: { REINS_ALLOW_SHELL_NETWORK: '1' } })
    await bench.deploy('wide', {
      cleans: `
        const session = await (await ctx.init('helper')).session()
        let told = 'nothing'
        try {
          await session.prompt('stream 2000 every 50')
        } catch (error) {
          told = error.code
        } finally {
          await ctx.step('clean up', () => 'clean')
        }
        return [told, (await session.prompt('say after')).text]`,
      tries: `
        let busy
        const session = await (await ctx.init('helper')).session()
        const first = session.prompt('say first')
        await session.prompt('say second').catch((error) => { busy = error.name })
        const keys = []
        const done = await ctx.step('flaky', ({ idempotencyKey }) => {
          keys.push(idempotencyKey)
          if (globalThis.tries === undefined) globalThis.tries = 0
          if (++globalThis.tries < 3) throw new Error('not yet')
          return idempotencyKey
        }, { retries: 3, backoff: 50 })
        const late = await ctx.step('late', () => new Promise(() => {}), { timeout: 0.1 }).catch((error) => error.code)
        const twice = await ctx.init('helper').catch((error) => error.message)
        return [busy, (await first).text, done.split(':')[1], late, twice]`,
      leaves: `
        const session = await (await ctx.init('helper')).session()
        void session.prompt('stream 2000 every 50')
        await ctx.sleep(1000)
        return 'left'`,
      wanders: `
        const session = await (await ctx.init('helper')).session()
        await session.prompt('say one')
        await ctx.step(String(Math.random()), () => 1)
        await ctx.sleep(10)`,
      nobody: `await ctx.init('nobody')`,
      unfit: `
        const session = await (await ctx.init('helper')).session()
        const failed = await session.prompt('say no json', { result: { type: 'object' } }).catch((error) => error)
        const task = await session.task('say task')
        return [failed.name, failed.code, task.text, typeof task.usage.inputTokens, task.model]`,
    })
  }, deadline)

  test(
    'that is cancelled cleans up, and goes on with the session whose turn was stopped',
    async () => {
      const { session } = await bench.start('cleans')
      const [child = ''] = await bench.children(session, 1)
      await bench.until(child, (log) => countOf(log, 'model-call.started') > 0)
      await bench.world.api.once('POST', `/v1/sessions/${session}/cancel`, {})
      const { result } = await bench.ended(session)
      expect(result).toEqual(['cancelled', 'after'])
      const log = await bench.world.readLog(child)
      expect([countOf(log, 'turn.cancelled'), countOf(log, 'turn.completed')]).toEqual([1, 1])
      for (const id of [session, child]) expect(await bench.world.verdict(id)).toEqual([])
    },
    deadline,
  )

  test(
    'refuses a second prompt beside the first, and tries a step again with the key of its first attempt',
    async () => {
      const { session } = await bench.start('tries')
      const { result, error } = await bench.ended(session)
      expect([result, error]).toEqual([
        [
          ...['SessionBusyError', 'first', '2', 'timeout'],
          'init() has already been called with name "default" in this request.',
        ],
        undefined,
      ])
    },
    deadline,
  )

  test(
    'that ends before its prompts stops the sessions that it leaves behind',
    async () => {
      const { session } = await bench.start('leaves')
      expect(await bench.ended(session)).toMatchObject({ status: 'completed', result: 'left', isError: false })
      const [child = ''] = await bench.children(session, 1)
      await bench.until(child, (log) => countOf(log, 'turn.cancelled') === 1)
      expect(await bench.world.verdict(child)).toEqual([])
    },
    deadline,
  )

  test(
    'says why it failed: it diverged, its agent is not there; a failed answer is an error that it can catch',
    async () => {
      const runs = await Promise.all(['wanders', 'nobody', 'unfit'].map((name) => bench.start(name)))
      const [wanders, nobody, unfit] = await Promise.all(runs.map(({ session }) => bench.ended(session)))
      expect(wanders).toMatchObject({ status: 'errored', isError: true, error: { code: 'diverged' } })
      expect(nobody?.error).toMatchObject({ code: 'agent-not-found', message: expect.stringContaining('"nobody"') })
      expect(unfit?.result).toEqual(['ResultUnavailableError', 'no-result', 'task', 'number', 'scripted/assistant'])
      const { body } = await bench.world.api.once<{ runs: { runId: string }[] }>('GET', '/v1/runs?limit=50')
      expect(body.runs.map(({ runId }) => runId)).toEqual(expect.arrayContaining(runs.map(({ run }) => run.runId)))
      const log = await bench.world.readLog(runs[2]?.session ?? '')
      expect(eventsOf(log).filter(({ type }) => type === 'run.invoked')).toHaveLength(1)
    },
    deadline,
  )

  test(
    'keeps the code that it began with when another build is deployed while a thousand of them wait',
    async () => {
      const waits = (version: number) => `
        ${version === 1 ? '' : "await ctx.step('an operation of its own', () => 1)"}
        const value = await ctx.waitFor('go')
        return await ctx.step('says', () => 'version ${version} ' + value)`
      await bench.deploy('upgraded', { waits: waits(1) })
      const old = await inBatches(Array.from({ length: runs }), () => bench.start('waits'))
      await inBatches(old, ({ session }) => bench.shown(session, ({ waiting }) => waiting !== undefined))
      await bench.deploy('upgraded', { waits: waits(2) })
      const next = await bench.start('waits')
      await bench.shown(next.session, ({ waiting }) => waiting !== undefined)
      const all = [...old, next]
      const told = await inBatches(all, ({ run }) => bench.deliver(run.runId, { event: 'go', value: 7 }))
      expect(new Set(told)).toEqual(new Set([202]))
      const results = await inBatches(all, async ({ session }) => (await bench.ended(session)).result)
      expect(results).toEqual([...old.map(() => 'version 1 7'), 'version 2 7'])
    },
    deadline,
  )

  test(
    'runs where its workflow has its affinity, and says what it waits for where nobody has',
    async () => {
      const code = "return await ctx.step('one', () => 1)"
      await bench.deploy('placed', { placed: code }, { placed: { place: 'here' } })
      const { session } = await bench.start('placed')
      const message = 'waits for an executor with place=here; start one: reins service executor --label place=here'
      expect(await bench.unserved(session)).toMatchObject({ labels: { place: 'here' }, message })
      const early = await bench.start('placed')
      await bench.world.api.once('POST', `/v1/sessions/${early.session}/cancel`, {})
      const executor = await bench.world.start('executor', { labels: { place: 'here' } })
      expect(await bench.ended(early.session)).toMatchObject({ status: 'cancelled' })
      expect(countOf(await bench.world.readLog(early.session), 'run.replay-started')).toBe(0)
      expect(await bench.ended(session)).toMatchObject({ status: 'completed', result: 1 })
      const log = await bench.world.readLog(session)
      expect(eventsOf(log).find(({ type }) => type === 'run.replay-started')?.by).toBe(executor.instance())
    },
    deadline,
  )

  test(
    'goes on where each process that does a part of a dispatch, a command, a prompt or a compaction is killed in it',
    async () => {
      const labels = { killed: 'everywhere' }
      await bench.world.agent('worker', { affinity: labels, tools: ['shell'], max_tokens: 300 })
      await bench.deployBundle('killed', killedEverywhere(labels))
      const { world } = bench
      const start = (name: 'executor' | 'tool-runner', pauseAt?: string) =>
        world.start(name, { labels, ...(pauseAt === undefined ? {} : { pauseAt }) })
      let executor = await start('executor', 'executor.after-operation')
      /** The one that there is stands at its point; it is killed, and the next one has another point. */
      const executorAt = async (pauseAt?: string): Promise<void> => {
        await bench.isPaused(executor)
        await executor.kill()
        executor = await start('executor', pauseAt)
      }
      const replaceGateway = (pauseAt?: string) => {
        const [gateway] = world.gateways
        if (!gateway) throw new Error('there is no gateway')
        return gateway.kill().then(() => world.replaceGateway(gateway, pauseAt === undefined ? {} : { pauseAt }))
      }
      const gatewayKilled = async (gateway: ServiceProcess): Promise<void> => {
        await bench.isPaused(gateway)
        await replaceGateway()
      }
      const runner = await start('tool-runner', 'tool-runner.after-claim')
      const { session } = await bench.start('everywhere')

      // The dispatch: announced, accepted by a gateway that cannot say so any more, and with its receipt in the executor's hands.
      await bench.isPaused(executor)
      const accepts = await replaceGateway('gateway.after-append')
      await executorAt('executor.before-step-outcome')
      await gatewayKilled(accepts)
      await executorAt('executor.before-prompt-child')
      // The command: before its session is made, after it was begun, and when its outcome is told.
      await executorAt('executor.after-settle-parent')
      await bench.isPaused(runner)
      await start('tool-runner')
      await runner.kill()
      // The prompt to another model: its version is made and not recorded, and then it is told to its session.
      await executorAt('executor.before-replay-outcome')
      await executorAt('executor.after-prompt-child')
      // The compaction: asked for at a gateway that dies, in the middle of its model call, and with its outcome not recorded.
      await bench.isPaused(executor)
      const compacts = await replaceGateway('gateway.after-append')
      await executorAt('executor.in-summary')
      await gatewayKilled(compacts)
      await executorAt('executor.before-step-outcome')
      await executorAt()

      const { result, error } = await bench.ended(session)
      expect([result, error]).toEqual([
        ['string', ['ShellError', 'shell-unknown'], ['scripted/echo', 'two'], { compacted: true }, 'still here'],
        undefined,
      ])
      const desk = instanceSessionId('desk', 'd-1', 'default')
      const given = await bench.until(desk, (log) => countOf(log, 'turn.completed') > 0)
      expect(countOf(given, 'message.received')).toBe(1)
      const below = (await bench.tree(session)).filter((id) => id !== session)
      expect(below).toHaveLength(1)
      const [child = ''] = below
      const log = await world.readLog(child)
      const counts = ['turn.completed', 'tool-call.started', 'context.compacted'].map((type) => countOf(log, type))
      expect(counts).toEqual([6, 1, 1])
      for (const id of [session, child, desk]) expect(await world.verdict(id)).toEqual([])
    },
    deadline,
  )
})

const runs = 1_000
/** So many requests at once. */
async function inBatches<T, R>(all: readonly T[], each: (one: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  for (let at = 0; at < all.length; at += 50) answers.push(...(await Promise.all(all.slice(at, at + 50).map(each))))
  return answers
}

const killedEverywhere = (affinity: object): string =>
  bundledCode(`
    import { createAgent, dispatch } from '@reins/agent'
    import { defineProject } from '@reins/agent/project'
    const long = (word) => 'say ' + word.repeat(200)
    async function run(ctx) {
      const { dispatchId } = await dispatch({ agent: 'desk', id: 'd-1', input: { n: 1 } })
      const session = await (await ctx.init('worker')).session()
      const ran = await session.shell('echo ran').catch(({ name, code }) => [name, code])
      const first = await session.prompt(long('one'), { model: 'scripted/echo', thinkingLevel: 'low' })
      const second = await session.prompt('say two')
      for (const word of ['three', 'four']) await session.prompt(long(word))
      const compacted = await session.compact()
      return [typeof dispatchId, ran, [first.model, second.text], compacted, (await session.prompt('say still here')).text]
    }
    const desk = { module: { default: createAgent(() => ({ model: 'scripted/assistant' })) }, file: 'src/agents/desk.ts' }
    const everywhere = { module: { run, affinity: ${JSON.stringify(affinity)} }, file: 'src/workflows/everywhere.ts' }
    export default defineProject({ agents: { desk }, workflows: { everywhere }, channels: {} })`)
