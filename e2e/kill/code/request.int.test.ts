// `ctx.req` on real processes: the request that began a run by its route, with the executor and the gateway killed, and no byte of its headers
// in anything that is stored.
import { sessionOfRun } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCode } from '../../harness/bundled-code.ts'
import { filesWith } from '../../harness/files-with.ts'
import { RunBench } from './run-bench.ts'

const deadline = 240_000
const secret = 'hush-7f3a9c'
let bench: RunBench

/** Between steps too, `asks` reads the request; `careful` in steps alone. */
const project = () =>
  bundledCode(`
    import { defineProject } from '@reins/agent/project'
    const route = (c, next) => next()
    const read = (ctx) => ctx.step('request', async () => ctx.req && {
      method: ctx.req.method,
      place: new URL(ctx.req.url).pathname + new URL(ctx.req.url).search,
      user: ctx.req.headers.get('x-user'),
      allowed: ctx.req.headers.get('authorization') === 'Bearer ' + ${JSON.stringify([...secret])}.join(''),
      body: await ctx.req.json(),
    }, { replay: 'safe' })
    async function asks(ctx) {
      const user = ctx.req?.headers.get('x-user')
      const seen = await read(ctx)
      await ctx.pause({ question: 'go on?' })
      return { user, seen, later: ctx.req?.headers.get('x-user') }
    }
    async function careful(ctx) {
      const seen = await read(ctx)
      await ctx.pause({ question: 'go on?' })
      return { seen, later: await ctx.step('later', () => ctx.req?.headers.get('x-user') ?? null) }
    }
    const module = (run, file) => ({ module: { run, route }, file })
    export default defineProject({
      agents: {},
      workflows: { asks: module(asks, 'src/workflows/asks.ts'), careful: module(careful, 'src/workflows/careful.ts') },
      channels: {},
    })`)

beforeAll(async () => {
  bench = await RunBench.open()
  await bench.deployBundle('requests', project())
}, deadline)
afterAll(() => bench?.close(), deadline)

const there = { method: 'POST', place: '/workflows/asks?from=here', user: 'ada', allowed: true, body: { n: 7 } }

async function post(workflow: string): Promise<{ readonly runId: string; readonly session: string }> {
  const gateway = bench.world.gateways.find((one) => one.alive())
  const answer = await fetch(`${gateway?.url}/workflows/${workflow}?from=here`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'x-user': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify({ n: 7 }),
  })
  const { runId } = (await answer.json()) as { readonly runId: string }
  expect(answer.status).toBe(202)
  return { runId, session: sessionOfRun(runId) }
}

const waits = (session: string) => bench.shown(session, ({ waiting }) => waiting !== undefined)

/** Of all that the servers and the services have written. */
const writtenWith = (text: string): readonly string[] => filesWith(bench.world.servers.folder, text)

describe('the request that began a run by its route', () => {
  test(
    'is there in each replay, also in those of another executor after kill -9, and in nothing that is stored',
    async () => {
      const victim = await bench.world.start('executor', { pauseAt: 'executor.after-operation' })
      const { runId, session } = await post('asks')
      await bench.isPaused(victim)
      await bench.world.start('executor')
      await victim.kill()
      await waits(session)
      expect(await bench.deliver(runId, { value: null })).toBe(202)
      const { result } = await bench.ended(session)
      expect(result).toEqual({ user: 'ada', seen: there, later: 'ada' })
      expect(writtenWith(secret)).toEqual([])
      // The search finds what is stored.
      expect(writtenWith(runId.slice('run_'.length))).not.toEqual([])
      expect(await bench.world.verdict(session)).toEqual([])
    },
    deadline,
  )

  test(
    'is gone with its gateway: steps find none, and a run that uses it elsewhere fails and says what to do',
    async () => {
      const [asks, careful] = await Promise.all([post('asks'), post('careful')])
      await Promise.all([waits(asks.session), waits(careful.session)])
      const [gateway] = bench.world.gateways
      if (!gateway) throw new Error('the world has no gateway')
      await gateway.kill()
      await bench.world.replaceGateway(gateway)
      for (const { runId } of [asks, careful]) expect(await bench.deliver(runId, { value: null })).toBe(202)
      const [failed, completed] = await Promise.all([bench.ended(asks.session), bench.ended(careful.session)])
      expect(completed.result).toEqual({ seen: { ...there, place: '/workflows/careful?from=here' }, later: null })
      expect(failed).toMatchObject({ status: 'errored', error: { code: 'request-gone' } })
      expect(failed.error?.message).toContain('Read ctx.req in a step')
    },
    deadline,
  )

  test(
    'is undefined in a run that was begun by another door',
    async () => {
      const { run, session } = await bench.start('careful', {})
      await waits(session)
      expect(await bench.deliver(run.runId, { value: null })).toBe(202)
      expect((await bench.ended(session)).result).toEqual({ later: null })
    },
    deadline,
  )
})
