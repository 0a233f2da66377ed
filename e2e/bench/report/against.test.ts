import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { compare, formatComparison, savedVisits } from './against.ts'
import { spread } from './numbers.ts'
import type { Visit } from './visit.ts'

const flat = (ms: number) => spread([ms])

/** One round, with so many turns a second, on a machine that gives so many publishes. */
const round = (turnsPerSecond: number, publishes = 6000, more: Partial<Visit> = {}): Visit => ({
  ...{ round: 1, durability: 'fsync', processes: 'one', loadAverage: 0.5, failed: {} },
  raw: {
    ...{ httpMs: flat(0.1), fsyncMs: flat(0.1), publishMs: flat(0.3), modelMs: flat(0.2) },
    publishesPerSecond: { 1: 3000, 16: publishes, 64: publishes },
  },
  toolLoad: [{ clients: 64, turnsPerSecond, ms: flat(1), cpuPerTurn: {} }],
  ...more,
})
const rowOf = (now: readonly Visit[], then: readonly Visit[]) =>
  compare(now, then).find(({ what }) => what === 'tool turns/s, 64 clients [/s]')

test.each([
  ['better', [300, 310], [200, 210]],
  ['worse', [200, 210], [300, 310]],
  ['within the spread', [200, 310], [300, 320]],
  ['one round each', [300], [200]],
])('is %s', (said, now, then) => {
  const compared = rowOf(
    now.map((one) => round(one)),
    then.map((one) => round(one)),
  )
  expect(compared?.said).toBe(said)
})

test('the ratio is that of the medians, with the spread of both, and the machine beside it', () => {
  const compared = rowOf([round(300, 3000), round(330, 3000), round(290, 3000)], [round(150), round(100), round(200)])
  expect(compared).toMatchObject({ ratio: 2, machine: 0.5, before: { median: 150, least: 100, most: 200, count: 3 } })
})

test('a configuration or a row that only one of the runs has is not compared', () => {
  expect(compare([round(1)], [round(1, 6000, { processes: 'five' })])).toEqual([])
  expect(formatComparison([], 'before.json')).toContain('nothing to compare')
})

test('the text says where the rounds cannot tell, and where the machine was another one', () => {
  const text = formatComparison(compare([round(200, 3000), round(310, 3000)], [round(300), round(320)]), 'before.json')
  expect(text).toMatch(/tool turns\/s, 64 clients.*\(300 to 320\).*\(200 to 310\).*within the spread/)
  expect(text).toContain('too noisy to tell a difference')
  expect(text).toContain('differs by more than a tenth')
})

test('a file that holds no rounds is refused, with what to give', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'reins-against-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'a.json')
  expect(() => savedVisits(file)).toThrow('cannot be read')
  for (const [text, why] of [
    ['{', 'cannot be read'],
    ['{}', 'holds no rounds'],
    ['{"visits":[]}', 'Give a file that npm run bench wrote'],
  ] as const) {
    writeFileSync(file, text)
    expect(() => savedVisits(file)).toThrow(why)
  }
  writeFileSync(file, JSON.stringify({ visits: [round(1)] }))
  expect(savedVisits(file)).toHaveLength(1)
})
