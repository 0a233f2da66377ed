import { expect, test } from 'vitest'
import { spread } from './numbers.ts'
import { compared, formatSideBySide, type Figures, type Round } from './side-by-side.ts'

const figures = (ms: number, perSecond: number): Figures => ({
  ...{ ms: spread([ms]), perSecond, cpuMs: 1 },
  ...{ machineCpuMs: 2, processors: 1.5 },
})
const round = (ours: Figures, theirs: Figures): Round => ({
  load: 0.2,
  measured: ['tool turn', 'workflow'].flatMap((what) =>
    [1, 16, 64].map((clients) => ({ what, clients, of: [ours, theirs] as const })),
  ),
})
const restarts = [
  { goingOnMs: [900, 1000], readyMs: [600, 700] },
  { goingOnMs: [600, 500], readyMs: [400, 300] },
] as const
const nothing = { goingOnMs: [], readyMs: [] }
const saidOf = (what: string, rounds: readonly Round[]) =>
  compared(rounds, restarts).find((one) => one.what.startsWith(what))

test.each([
  ['met', [4, 5], [8, 8]],
  ['MISSED', [7, 8], [8, 8]],
  ['too noisy to tell', [4, 8], [8, 8]],
])('an aim is %s where the rounds say so', (said, ours, theirs) => {
  const rounds = ours.map((ms, at) => round(figures(ms, 100), figures(theirs[at] ?? 0, 100)))
  expect(saidOf('tool turn, 1 client', rounds)?.said).toBe(said)
})

test('a ratio is that of one round: what slows both down does not count', () => {
  const rounds = [round(figures(4, 300), figures(8, 200)), round(figures(40, 30), figures(80, 20))]
  expect(saidOf('tool turn, 1 client', rounds)).toMatchObject({ ratio: { median: 0.5, least: 0.5, most: 0.5 } })
  expect(saidOf('tool turn, 16 clients: how many', rounds)).toMatchObject({ ratio: { median: 1.5 }, said: 'met' })
})

test('without an aim it says where the rounds do not agree; one round says nothing', () => {
  const rounds = [round(figures(4, 1), figures(8, 1)), round(figures(9, 1), figures(8, 1))]
  expect(saidOf('tool turn, 64', rounds)?.said).toBe('too noisy to tell')
  expect(saidOf('kill -9', rounds)).toMatchObject({
    of: [
      [900, 1000],
      [600, 500],
    ],
    said: '',
  })
  expect(saidOf('tool turn, 1 client', rounds.slice(1))?.said).toBe('one round')
})

test('what has no aim is compared without one', () => {
  const rounds = [round(figures(4, 1), figures(8, 1)), round(figures(4, 1), figures(8, 1))]
  expect(saidOf('workflow, 1 client', rounds)).toMatchObject({ ratio: { median: 0.5 }, said: '' })
  expect(saidOf('workflow, 1 client', rounds)).not.toHaveProperty('aim')
  expect(compared(rounds, [nothing, nothing]).some(({ what }) => what.startsWith('kill'))).toBe(false)
})

test('the table names both, the ratio with its spread, and the aim', () => {
  const text = formatSideBySide(
    ['Reins', 'Restate'],
    [round(figures(4, 3), figures(8, 2)), round(figures(6, 3), figures(8, 2))],
    restarts,
  )
  expect(text).toMatch(/Reins +Restate +ratio/)
  expect(text).toMatch(
    /tool turn, 1 client: p50 \[ms\] +6 \(4 to 6\) +8 +0\.75 +0\.50 to 0\.75 +≤ 0\.7 +too noisy to tell/,
  )
})
