import { systemClock } from '@reins/service'
import { expect, test } from 'vitest'
import { describe } from '../chaos/report.ts'
import { runCluster } from './run-cluster.ts'

test('three nats-servers under load: the stream of sessions is split, and whoever does it is killed and begins again', async () => {
  const report = await runCluster({
    rounds: 1,
    kinds: ['split'],
    clients: 2,
    plain: true,
    seed: 12,
    now: systemClock.now,
    say: () => undefined,
  })
  const { lost, repeated, stuck, violations, untold, endedByThemselves } = report
  expect({ lost, repeated, stuck, violations, untold, endedByThemselves }, describe(report)).toEqual({
    ...{ lost: [], repeated: [], stuck: [], violations: [], untold: [], endedByThemselves: [] },
  })
  expect(report.followers).toBeGreaterThan(0)
}, 600_000)

test('three nats-servers under load: a leader is killed and an empty node takes its place, and every service is upgraded and back', async () => {
  const kinds = ['replaced', 'upgrade'] as const
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
  expect(report.outages).toHaveLength(kinds.length)
}, 360_000)
