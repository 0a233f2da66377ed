import { systemClock } from '@reins/service'
import { expect, test } from 'vitest'
import { runChaos } from './chaos.ts'
import { describe } from './report.ts'

test('a short run of chaos: nothing is lost, repeated, stuck, or against the rules', async () => {
  const report = await runChaos({ seconds: 15, seed: 7, now: systemClock.now, say: () => undefined })
  const { lost, repeated, stuck, violations } = report
  expect({ lost, repeated, stuck, violations }, describe(report)).toEqual({
    lost: [],
    repeated: [],
    stuck: [],
    violations: [],
  })
  expect(report.turns).toBeGreaterThan(0)
}, 240_000)
