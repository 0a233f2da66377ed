// Answers that have to fit a schema, where the executor dies with an answer in its hands, or behind the word that one did not fit: each
// answer that is in the log is checked once, and the turn has its value. And a workspace that is looked at by a tool-runner that dies.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { type Bench, type Case, countOf, eventsOf } from '../bench.ts'

const schema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }

const asksAgain = (point: string, title: string): Case => ({
  slug: `result-${point.replaceAll('.', '-')}`,
  title: `an executor killed ${title} (${point}), where answers have to fit a schema: each is checked once, and the turn has its value`,
  async run(bench: Bench) {
    const victim = await bench.victim('executor', point)
    await bench.world.agent(bench.slug, { affinity: bench.labels, output_schema: schema, output_retries: 1 })
    const begun = await bench.untilPaused(victim, 'say {"total": "three"} && when refused say {"total": 3}')
    await victim.kill()
    for (const log of await bench.allSound(begun)) {
      const answers = eventsOf(log).filter(({ type }) => type === 'model-call.completed')
      expect(answers).toHaveLength(2)
      expect(countOf(log, 'output.checked')).toBe(2)
      expect(eventsOf(log).find(({ type }) => type === 'turn.completed')?.data).toMatchObject({ result: { total: 3 } })
    }
  },
})

const looksAt = (point: string, title: string): Case => ({
  slug: `workspace-${point.replaceAll('.', '-')}`,
  title: `a tool-runner killed ${title} (${point}): its words are in the log once, and the model is told them`,
  async run(bench: Bench) {
    // Beside the workspace of the other cases: what holds another agent's is refused.
    const folder = path.join(path.dirname(bench.world.workspace), bench.slug)
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'AGENTS.md'), 'Use tabs.')
    const victim = await bench.victim('tool-runner', point)
    await bench.world.agent(bench.slug, {
      ...{ affinity: bench.labels, workspace_context: true, tools: [{ files: { workspace: folder } }] },
    })
    const begun = await bench.untilPaused(victim, 'say hello')
    await victim.kill()
    await bench.allSound(begun)
    for (const { session } of begun) {
      const log = await bench.world.readLog(session)
      expect([countOf(log, 'toolset.resolved'), countOf(log, 'turn.completed')]).toEqual([1, 1])
      const { body } = await bench.world.api.once<{ system: string }>('GET', `/v1/sessions/${session}/prompt`)
      expect(body.system).toContain('Use tabs.')
    }
  },
})

export const resultCases: readonly Case[] = [
  asksAgain('executor.before-outcome', 'with an answer that is not recorded'),
  asksAgain('executor.after-append', 'when it has begun a call'),
  looksAt('tool-runner.before-toolset', 'that has looked at a workspace'),
  looksAt('tool-runner.after-toolset', 'that has said what is in a workspace'),
]
