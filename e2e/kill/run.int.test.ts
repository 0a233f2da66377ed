// Runs of workflows on real processes: their code prompts agents in sessions below them, takes steps, sleeps, and waits for what comes from
// outside; the executor is killed at each of these, and another one goes on where the log says that it was.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countOf } from './bench.ts'
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
      const first = await session.prompt('say one')
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
    const { waiting } = await bench.until(
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
    for (const id of [session, ...below]) expect(await bench.world.verdict(id)).toEqual([])
    await next.kill()
  },
  deadline,
)
