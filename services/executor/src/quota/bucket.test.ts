import { expect, test } from 'vitest'
import { Bucket } from './bucket.ts'

/** When calls begin, ms, where one begins as soon as it may; at most `most` of them. */
function begins(bucket: Bucket, { from = 0, until = 180_000, share = 1, most = 10_000 } = {}): readonly number[] {
  const at: number[] = []
  for (let now = from; now <= until && at.length < most; ) {
    const wait = bucket.waitMs(now, share)
    if (wait > 0) {
      now += wait
      continue
    }
    bucket.begin()
    at.push(now)
  }
  return at
}

const mostInAMinute = (at: readonly number[]): number =>
  Math.max(...at.map((first) => at.filter((one) => one >= first && one < first + 60_000).length))

test.each([1, 2, 3, 10, 60, 61, 1000])('in no minute do more than %i begin, and nearly as many do', (requests) => {
  const at = begins(new Bucket({ requests }, 0))
  expect(mostInAMinute(at)).toBeLessThanOrEqual(requests)
  expect(mostInAMinute(at)).toBeGreaterThanOrEqual(Math.min(requests, Math.floor(requests * 0.9)))
})

test('a tenth may begin at once, and what was not used comes back', () => {
  const bucket = new Bucket({ requests: 60 }, 0)
  expect(begins(bucket, { until: 0 })).toHaveLength(6)
  expect(begins(bucket, { from: 600_000, until: 600_000 })).toHaveLength(6)
})

test('nothing begins while a refused bucket is closed; then one, two, four each second', () => {
  const bucket = new Bucket({}, 0)
  expect(bucket.bounded(0)).toBe(false)
  bucket.refused(0, 20_000)
  bucket.refused(10, 3_000)
  expect(bucket.closedMs(1_000)).toBe(19_000)
  const at = begins(bucket, { until: 23_999 })
  expect(at[0]).toBe(20_000)
  const inSecond = (second: number) => at.filter((one) => Math.floor(one / 1000) === 20 + second).length
  expect([0, 1, 2, 3].map(inSecond)).toEqual([1, 2, 4, 8])
  expect(bucket.bounded(29_999)).toBe(true)
  expect(bucket.bounded(30_000)).toBe(false)
})

test('who is refused again waits again, and one that says nothing of how long is left alone for a second', () => {
  const bucket = new Bucket({}, 0)
  bucket.refused(0, 0)
  expect(bucket.waitMs(0)).toBe(1_000)
  begins(bucket, { from: 1_000, until: 3_999 })
  bucket.refused(4_000, 0)
  expect(begins(bucket, { from: 4_000, until: 5_999 })).toEqual([5_000])
})

test('tokens that were used beyond the limit are waited for', () => {
  const bucket = new Bucket({ tokens: 60_000 }, 0)
  expect(bucket.waitMs(0)).toBe(0)
  bucket.spent(24_000)
  // 6,000 may be used at once, and 900 come each second.
  expect(bucket.waitMs(0)).toBe(20_002)
  expect(bucket.waitMs(20_002)).toBe(0)
})

test('a share of it is a share of what comes', () => {
  const requests = 600
  const whole = begins(new Bucket({ requests }, 0), { until: 60_000 }).length
  const half = begins(new Bucket({ requests }, 0), { until: 60_000, share: 0.5 }).length
  expect(half).toBeLessThan(whole * 0.6)
})

test('of two limits the narrower one counts', () => {
  const bucket = new Bucket({ requests: 600 }, 0)
  bucket.narrow({ requests: 60, tokens: 1_000 })
  bucket.narrow({ requests: 100 })
  expect(bucket.limit).toEqual({ requests: 60, tokens: 1_000 })
  expect(bucket.level(0).requests).toBe(6)
})
