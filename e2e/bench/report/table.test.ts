import { expect, test } from 'vitest'
import { spread } from './numbers.ts'
import { parseOptions } from '../options.ts'
import { rows } from './rows.ts'
import { cellOf, formatTable } from './table.ts'
import type { Visit } from './visit.ts'

const flat = (ms: number) => spread([ms])

const visit = (round: number, toolMs: number, more: Partial<Visit> = {}): Visit => ({
  ...{ round, durability: 'fsync', processes: 'one', loadAverage: 0.5, failed: {} },
  raw: {
    ...{ httpMs: flat(0.1), fsyncMs: flat(0.1), publishMs: flat(0.3), modelMs: flat(0.2) },
    publishesPerSecond: { 1: 3000, 16: 6000, 64: 6000 },
  },
  turns: {
    ...{ plainFresh: flat(2), plainContinuing: flat(2), neverTool: flat(4) },
    ...{ toolFresh: flat(toolMs), toolContinuing: flat(toolMs) },
  },
  ...more,
})

const row = (what: string) => {
  const found = rows.find((one) => one.what === what)
  if (!found) throw new Error(`no row ${what}`)
  return found
}

test('a figure is the median of the rounds, judged by its budget, with the best round beside it', () => {
  const cell = cellOf(row('turn with one tool, new session'), [visit(1, 3.2), visit(2, 9), visit(3, 3.5)])
  expect(cell).toEqual({ figures: [3.5, 3.5, 3.5], best: 3.2, limit: 3.6, raw: 2.3, verdict: 'met' })
})

test('a budget of synced appends judges no run without', () => {
  const cell = cellOf(row('turn with one tool, new session'), [visit(1, 9, { durability: 'interval' })])
  expect(cell?.verdict).toBeUndefined()
})

test('turns a second are held against the raw ceiling of the same round', () => {
  const load = (turnsPerSecond: number) => [{ clients: 16, turnsPerSecond, ms: flat(1), cpuPerTurn: {} }]
  const what = row('tool turns/s, 16 clients')
  expect(cellOf(what, [visit(1, 3, { toolLoad: load(849) })])).toMatchObject({ limit: 850, verdict: 'missed' })
  expect(cellOf(what, [visit(1, 3, { toolLoad: load(850) })])).toMatchObject({ verdict: 'met' })
})

test('tokens that come in lumps miss the budget, however quick they are', () => {
  const tokens = (delta: number) => ({ ms: flat(0.4), tokens: 250, alone: { delta, read: 1 } })
  const what = row('a token, model → client, at 50/s')
  expect(cellOf(what, [visit(1, 3, { tokens: tokens(1) })])?.verdict).toBe('met')
  expect(cellOf(what, [visit(1, 3, { tokens: tokens(0.5) })])?.verdict).toBe('missed')
})

test('the table has a column for each configuration and a line for what was measured', () => {
  const table = formatTable([visit(1, 3), visit(1, 9, { processes: 'five' })])
  const lines = table.split('\n')
  expect(lines[0]).toMatch(/budget +raw +fsync, one +fsync, five$/)
  expect(lines.find((line) => line.startsWith('turn with one tool, new session'))).toMatch(/ met +9 .* MISSED, 3\.6$/)
  expect(table).not.toContain('open streams')
})

test('options say what is wrong and what is valid', () => {
  expect(parseOptions(['--quick', '--only', 'turns,disk', '--processes', 'five'])).toEqual({
    kind: 'ok',
    options: {
      ...{ quick: true, only: ['turns', 'disk'], durabilities: ['fsync', 'interval'], processes: ['five'], rounds: 1 },
      ...{ out: undefined, profile: undefined },
    },
  })
  const message = (...args: string[]) => {
    const parsed = parseOptions(args)
    return parsed.kind === 'wrong' ? parsed.message : parsed.kind
  }
  expect(message('--only', 'speed')).toMatch(/^--only: there is no "speed"\n\nnpm run bench/)
  expect(message('--durability', 'none')).toMatch(/^--durability is "none"; it must be fsync, interval or both/)
  expect(message('--rounds', '0')).toMatch(/^--rounds is "0"/)
  expect(message('--beside', 'temporal')).toMatch(/^--beside is "temporal"; it must be restate or flue/)
  expect(message('--beside', 'flue', '--only', 'turns')).toMatch(/^--beside and --only cannot be given together/)
  expect(message('--fast')).toContain('--fast')
  expect(message('--help')).toBe('help')
})
