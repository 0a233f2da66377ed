import { expect, test } from 'vitest'
import { gatherMs, underLoadMs } from './gathering.ts'

test('the first frame after a rest is written soon', () => {
  expect(gatherMs(Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(50)
  expect(gatherMs(underLoadMs)).toBeLessThanOrEqual(50)
})

test('while frames keep coming there are some batches a second, whatever the load', () => {
  for (let since = 0; since < underLoadMs; since++) {
    const waits = gatherMs(since)
    expect(since + waits).toBeGreaterThanOrEqual(underLoadMs)
    expect(waits).toBeLessThanOrEqual(underLoadMs)
  }
})
