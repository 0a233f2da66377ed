import { systemClock } from '@reins/service'
import { expect, test } from 'vitest'
import { describe } from '../chaos/report.ts'
import { runCluster } from './run-cluster.ts'

test('three nats-servers under load: a leader is killed, and an empty node takes its place', async () => {
  const kinds = ['replaced'] as const
  const report = await runCluster({
    rounds: 1,
    kinds,
    clients: 2,
    plain: true,
    seed: 7,
    now: systemClock.now,
    say: () => undefined,
  })
  const { lost, repeated, stuck, violations, untold, endedByThemselves } = report
  expect({ lost, repeated, stuck, violations, untold, endedByThemselves }, describe(report)).toEqual({
    ...{ lost: [], repeated: [], stuck: [], violations: [], untold: [], endedByThemselves: [] },
  })
  expect(report.outages).toHaveLength(1)
}, 240_000)
