import type { PlanStep } from '@reins/contracts'
import { expect, it } from 'vitest'
import { planLines } from './plan-lines.ts'
import { makeStyle } from './style.ts'

const plain = makeStyle(false)

const step = (name: string, status: PlanStep['status'], more: Partial<PlanStep> = {}): PlanStep => ({
  name,
  description: `Do ${name}.`,
  status,
  ...more,
})

it('a plan is a checklist, with what came of each step', () => {
  const steps = [
    step('look', 'completed', { result: 'Three files.' }),
    step('write', 'failed', { error: 'The disk\nis full.' }),
    step('test', 'in_progress'),
    step('ship', 'pending'),
  ]
  expect(planLines(steps, 60, plain)).toEqual([
    'Plan 1 of 4 done, 1 failed',
    '✓ look Three files.',
    '✗ write The disk is full.',
    '▸ test Do test.',
    '○ ship Do ship.',
  ])
})

it('where there is no room for all, the step that is being done is shown, and the others are counted', () => {
  const steps = Array.from({ length: 40 }, (_, index) => step(`s${index}`, index < 20 ? 'completed' : 'pending'))
  const lines = planLines(steps, 20, plain, 8)
  expect(lines).toHaveLength(8)
  expect(lines).toContain('○ s20 Do s20.')
  expect(lines.at(-1)).toBe('  … 34 more')
})

it('no line is wider than the terminal', () => {
  for (const line of planLines([step('look', 'pending', { description: 'x'.repeat(200) })], 12, plain))
    expect(line.length).toBeLessThanOrEqual(12)
})
