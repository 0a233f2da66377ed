import { expect, test } from 'vitest'
import { amountText, parseBudget, usdText } from './amounts.ts'
import { budgetLimits, narrowest } from './limits.ts'
import { usdOf, worstUsd } from './prices.ts'

test('a budget is read as people type it', () => {
  expect(parseBudget('tokens=200_000, usd=0.5,tool_calls=10,wall_time=2h')).toEqual({
    ...{ tokens: 200_000, usd: 0.5, tool_calls: 10, wall_time: '2h' },
  })
})

test.each([
  ['tokens', '"tokens" is no limit of a budget'],
  ['euros=3', '"euros=3" is no limit of a budget'],
  ['tokens=many', 'tokens=many is not valid: give a whole number of tokens'],
  ['tokens=', 'tokens= is not valid'],
  ['usd=0', 'usd=0 is not valid: give US dollars'],
  ['wall_time=2', 'wall_time=2 is not valid: give a time'],
])('%s is refused with what would be valid', (text, why) => expect(parseBudget(text)).toContain(why))

test('amounts are written as people read them', () => {
  expect([0, 0.00001234, 0.0123, 0.5, 12.345].map(usdText)).toEqual(['0.00', '0.000012', '0.012', '0.50', '12.35'])
  expect(amountText('tokens', 1_234_567)).toBe('1,234,567')
  expect([900, 90_000, 3_600_000, 5_400_000].map((ms) => amountText('wall_time', ms))).toEqual([
    ...['1s', '1m 30s', '1h', '1h 30m'],
  ])
})

test('of several budgets the smallest limit of each kind counts', () => {
  expect(narrowest(budgetLimits({ tokens: 5, wall_time: '1m' }), undefined, { tokens: 9, usd: 1 })).toEqual({
    ...{ tokens: 5, usd: 1, wallTime: 60_000 },
  })
})

test('what is read from a cache, and what the worst case is, have their prices', () => {
  const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 }
  const usage = { inputTokens: 1000, outputTokens: 100, cacheReadTokens: 600, cacheWriteTokens: 200 }
  expect(usdOf(price, usage)).toBe(0.00303)
  expect(worstUsd(price, 1000, 100)).toBe(0.00525)
})
