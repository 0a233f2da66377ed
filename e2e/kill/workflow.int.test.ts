// Sessions whose decisions come from a file of their owner, on real processes: the executor is killed at each operation of a workflow, and
// another one goes on where the log says that it was. What steps did outside is counted by a server that they tell.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countOf, eventsOf } from './bench.ts'
import { WorkflowBench } from './workflow-bench.ts'

const deadline = 240_000
let bench: WorkflowBench

beforeAll(async () => {
  bench = await WorkflowBench.open()
}, deadline)
afterAll(() => bench?.close(), deadline)

test(
  'a chat that code leads: it greets, answers by its agent, and says what it wants',
  async () => {
    await bench.world.start('executor', { labels: { chat: 'true' } })
    await bench.agent(
      'chat',
      `
      import { ChatResponseOutput } from '@reins/agent'
      export const affinity = { chat: 'true' }
      export default async function agent_chat(ctx) {
        let said = 'Welcome to ' + ctx.input.agent + '.'
        for (let turn = 0; ; turn++) {
          const { message } = await ctx.pause(new ChatResponseOutput({ content: said, turn }))
          const answer = await ctx.agent(message)
          said = answer.content + '!'
        }
      }`,
    )
    const { session } = await bench.world.api.create('chat', 'say one')
    const first = await bench.paused(session.id, 2)
    expect(bench.said(first)).toEqual(['Welcome to chat.', 'one!'])
    await bench.send(session.id, 'say two')
    const second = await bench.paused(session.id, 3)
    expect(bench.said(second)).toEqual(['Welcome to chat.', 'one!', 'two!'])
    expect(countOf(second, 'turn.completed')).toBe(2)
    expect(eventsOf(second).filter(({ type }) => type === 'run.declared')).toHaveLength(1)
  },
  deadline,
)

/** Every operation there is. Each step tells the counter; the first one must not run twice. */
const everything = (pool: string, counter: string): string => `
  export const affinity = { '${pool}': 'true' }
  const tell = (name) => ({ idempotencyKey }) => fetch('${counter}/' + encodeURIComponent(name + ' ' + idempotencyKey)).then((r) => r.text())
  export async function agent_chat(ctx) {
    const began = ctx.now()
    const id = ctx.uuid()
    let charged = 'unknown'
    try {
      charged = await ctx.step('charge', tell('charge'))
    } catch (error) {
      if (error.code !== 'outcome-unknown') throw error
    }
    await ctx.step('mail', tell('mail'), { replay: 'safe' })
    await ctx.sleep(300)
    const { name } = await ctx.getConfig('agent:' + ctx.input.agent)
    const { message } = await ctx.pause('first', { content: 'ready ' + name, turn: 0 })
    const answer = await ctx.agent(message)
    await ctx.pause('second', { content: [answer.content, charged, id, began, ctx.random()].join(' '), turn: 1 })
  }`

/** Where an executor is killed; and how often the step that must not run twice ran, and what the code was told of it. */
const points = [
  ['executor.before-append', 1, 'counted'],
  ['executor.in-replay', 1, 'counted'],
  ['executor.before-operation', 1, 'counted'],
  ['executor.after-operation', 0, 'unknown'],
  ['executor.before-step-outcome', 1, 'unknown'],
  ['executor.after-step-outcome', 1, 'counted'],
  ['executor.before-replay-outcome', 1, 'counted'],
  ['executor.before-ack', 1, 'counted'],
] as const

describe.concurrent('an executor killed', () => {
  test.each(points)(
    'at %s: another one goes on, and no step runs twice that must not',
    async (point, times, told) => {
      const pool = point.replaceAll('.', '-')
      const labels = { [pool]: 'true' }
      const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
      const victim = await bench.world.start('executor', { labels, environment, pauseAt: point })
      const workflow = { file: './chat.ts', network: true }
      await bench.agent(pool, everything(pool, bench.counter.url), { workflow_file: workflow })
      const { session } = await bench.world.api.create(pool, 'say done')
      await bench.isPaused(victim)
      await bench.world.start('executor', { labels, environment })
      await victim.kill()
      const log = await bench.paused(session.id, 2)
      expect(await bench.world.verdict(session.id)).toEqual([])
      const [ready, last = ''] = bench.said(log)
      expect([ready, last?.split(' ').slice(0, 2)]).toEqual([`ready ${pool}`, ['done', told]])
      expect(last?.split(' ')).toHaveLength(5)
      expect(bench.counter.times(`charge ${session.id}:2`)).toBe(times)
      expect(bench.counter.times(`mail ${session.id}:3`)).toBeGreaterThanOrEqual(1)
      expect([countOf(log, 'turn.completed'), countOf(log, 'run.called')]).toEqual([1, 1])
    },
    deadline,
  )
})
