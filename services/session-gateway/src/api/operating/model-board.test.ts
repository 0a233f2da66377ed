import { expect, test } from 'vitest'
import { ModelBoard } from './model-board.ts'

const keyless = [{ provider: 'anthropic', setting: 'ANTHROPIC_API_KEY' }]
const beat = (instance: string, callable: readonly string[]) => ({
  ...{ instance, pools: [], labels: {}, slots: 1, busy: 0 },
  models: { callable: [...callable], keyless },
})
const named = [
  { agent: 'ticket', models: ['anthropic/claude', 'scripted/assistant'] },
  { agent: 'report', models: ['anthropic/other', 'none/each-prompt-names-it'] },
]

test('a model that no executor can call is said, with whose it is and the setting', () => {
  const board = new ModelBoard(() => 0)
  expect(board.warningsOf(named)).toEqual([]) // Nobody knows.
  board.heard(beat('e1', ['scripted']))
  expect(board.warningsOf(named)).toEqual([
    'No executor has a key for anthropic, so the agents ticket, report cannot call anthropic/claude. Set ANTHROPIC_API_KEY where the executor runs, and start that again.',
  ])
  expect(board.warningsOf([{ agent: 'one', models: ['lab/llama'] }])).toEqual([
    'No executor has the provider lab, so the agent one cannot call lab/llama. Add it to REINS_MODEL_PROVIDERS where the executor runs, and start that again.',
  ])
  board.heard(beat('e2', ['scripted', 'anthropic']))
  expect(board.warningsOf(named)).toEqual([])
})

test('what an executor said is forgotten when it is gone; one of this process says it from the start', () => {
  let now = 0
  const board = new ModelBoard(() => now)
  board.heard(beat('e2', ['scripted', 'anthropic']))
  now = 10_000
  expect(board.warningsOf(named)).toEqual([])
  board.heard(beat('e1', ['scripted']))
  expect(board.warningsOf(named)).toHaveLength(1)
  expect(new ModelBoard(() => now, { callable: ['scripted'], keyless }).warningsOf(named)).toHaveLength(1)
})
