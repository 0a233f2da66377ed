// A task in a place of its folder: the registry keeps a version of the definition for it, and then the session below begins. An executor that
// is killed between the two leaves that to another one, and the task is done once.
import { instanceSessionId } from '@reins/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundledCode } from '../../harness/bundled-code.ts'
import { countOf, eventsOf } from '../bench.ts'
import { RunBench } from './run-bench.ts'

const deadline = 240_000
let bench: RunBench

beforeAll(async () => {
  bench = await RunBench.open()
  await bench.deployBundle(
    'teller',
    bundledCode(`
      import { createAgent } from '@reins/agent'
      import { defineProject } from '@reins/agent/project'
      const teller = createAgent(() => ({ model: 'scripted/assistant' }))
      export default defineProject({
        agents: { teller: { module: { default: teller }, file: 'src/agents/teller.ts' } },
        workflows: {},
        channels: {},
      })`),
  )
}, deadline)
afterAll(() => bench?.close(), deadline)

test.each(['executor.after-vary', 'executor.after-create-child'])(
  'an executor killed at %s: another one begins the session below in the same place, once',
  async (point) => {
    const { world } = bench
    const environment = { REINS_ALLOW_SHELL_NETWORK: '1' }
    const [victim, runner] = await Promise.all([
      world.start('executor', { pauseAt: point }),
      world.start('tool-runner', { environment }),
    ])
    const prompt = 'call shell {"command": "pwd; echo told >> log; wc -l < log"}'
    const at = instanceSessionId('teller', point.replaceAll('.', '-'), 'default')
    const { status, body } = await world.api.once('POST', '/v1/sessions', {
      ...{ agent: 'teller', instance: point.replaceAll('.', '-') },
      message: `call task ${JSON.stringify({ cwd: 'docs', prompt })}`,
    })
    expect([status, body]).toEqual([201, expect.anything()])
    await bench.isPaused(victim)
    const next = await world.start('executor')
    await victim.kill()
    const log = await bench.until(at, (now) => countOf(now, 'turn.completed') === 1)
    const below = await bench.children(at, 1)
    expect(below).toHaveLength(1)
    const told = await world.readLog(below[0])
    expect([countOf(told, 'session.started'), countOf(told, 'turn.completed')]).toEqual([1, 1])
    const outputs = eventsOf(told).flatMap((event) => (event.type === 'tool-call.completed' ? [event.data.output] : []))
    expect(outputs).toEqual([expect.stringContaining('/workspace/docs\\n1')])
    expect(countOf(log, 'delegation.settled')).toBe(1)
    for (const id of [at, ...below]) expect(await world.verdict(id)).toEqual([])
    await Promise.all([next.kill(), runner.kill()])
  },
  deadline,
)
