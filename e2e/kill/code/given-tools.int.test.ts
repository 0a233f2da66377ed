// Tools that the code of a run gives a prompt, with the process killed that runs one: what may run again does, in another process, which finds
// the same function; what may not is run once, and its outcome is unknown.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCode } from '../../harness/bundled-code.ts'
import { eventually } from '../../harness/eventually.ts'
import { countOf } from '../bench.ts'
import { RunBench } from './run-bench.ts'

const deadline = 240_000
const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
let bench: RunBench

const kinds = ['safe', 'never'] as const
type Kind = (typeof kinds)[number]

/** The function reads what the run has drawn, and tells the counter. */
const projectOf = (kind: Kind): string =>
  bundledCode(`
    import { defineTool, Type } from '@reins/agent'
    import { defineProject } from '@reins/agent/project'
    async function run(ctx) {
      const drawn = ctx.uuid()
      const session = await (await ctx.init('${kind}-payer')).session()
      const pay = defineTool({
        name: 'pay',
        description: 'Pays.',
        parameters: Type.Object({}),
        replay: '${kind}',
        execute: async (_, { idempotencyKey }) => {
          await fetch(ctx.payload.url + '/' + encodeURIComponent(drawn + ' ' + idempotencyKey))
          return 'paid ' + drawn
        },
      })
      const { text } = await session.prompt('call pay {}', { tools: [pay] })
      return { drawn, text }
    }
    const workflow = { module: { run, affinity: { given: '${kind}' } }, file: 'src/workflows/${kind}-run.ts' }
    export default defineProject({ agents: {}, workflows: { '${kind}-run': workflow }, channels: {} })`)

beforeAll(async () => {
  bench = await RunBench.open()
  await Promise.all(
    kinds.map(async (kind) => {
      const labels = { given: kind }
      await bench.world.agent(`${kind}-payer`, { affinity: labels, tools: [] })
      await bench.deployBundle(kind, projectOf(kind))
      await bench.world.start('executor', { labels, environment })
    }),
  )
}, deadline)
afterAll(() => bench?.close(), deadline)

/** The tool-runner is killed when the function has told the counter, before anybody knows what came of it. */
async function killedInTheTool(kind: Kind) {
  const labels = { given: kind }
  const victim = await bench.world.start('tool-runner', { labels, environment, pauseAt: 'tool-runner.before-outcome' })
  const { session } = await bench.start(`${kind}-run`, { url: bench.counter.url })
  await eventually(async () => victim.isPaused(), { withinMs: 90_000, describe: () => victim.log().join('\n') })
  await victim.kill()
  await bench.world.start('tool-runner', { labels, environment })
  const { result, error } = await bench.ended(session)
  expect(error).toBeUndefined()
  const { drawn, text } = result as { readonly drawn: string; readonly text: string }
  const told = bench.counter.about(drawn)
  const logs = await Promise.all((await bench.tree(session)).map((id) => bench.world.readLog(id)))
  for (const id of await bench.tree(session)) expect(await bench.world.verdict(id)).toEqual([])
  return { drawn, text, told, unknown: countOf(logs.flat(), 'tool-call.outcome-unknown') }
}

describe.concurrent('a tool-runner that is killed in the function that a run gave', () => {
  test(
    'leaves one that is safe to another process, which finds the same function: it has the same key and the same run',
    async () => {
      const { drawn, text, told, unknown } = await killedInTheTool('safe')
      expect(text).toContain(`paid ${drawn}`)
      expect([told.length, new Set(told).size, unknown]).toEqual([2, 1, 0])
    },
    deadline,
  )

  test(
    'ends any other as unknown: it has run once',
    async () => {
      const { told, text, unknown } = await killedInTheTool('never')
      expect([told.length, unknown]).toEqual([1, 1])
      expect(text).not.toContain('paid')
    },
    deadline,
  )
})
