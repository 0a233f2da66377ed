import { expect, test } from 'vitest'
import { type Cron, isTimeZone, nextOf, readCron, timesBetween } from './cron.ts'

function cron(text: string): Cron {
  const read = readCron(text)
  if (read.kind === 'wrong') throw new Error(read.message)
  return read.cron
}
const at = (text: string): number => Date.parse(text)
/** The first `count` times behind `after`. */
function times(text: string, zone: string, after: string, count = 1): string[] {
  const found: string[] = []
  for (let from = at(after); found.length < count; ) {
    const next = nextOf(cron(text), zone, from)
    if (next === undefined) break
    found.push(new Date(next).toISOString().replace(':00.000Z', 'Z'))
    from = next
  }
  return found
}

test.each([
  ['*/15 * * * *', '2026-11-28T07:10:00Z', ['2026-11-28T07:15Z', '2026-11-28T07:30Z']],
  ['0 9 * * 1-5', '2026-11-27T09:00:00Z', ['2026-11-30T09:00Z', '2026-12-01T09:00Z']],
  ['0 9 * * mon,fri', '2026-11-27T08:59:59Z', ['2026-11-27T09:00Z', '2026-11-30T09:00Z']],
  ['30 0 31 * *', '2026-11-28T00:00:00Z', ['2026-12-31T00:30Z', '2027-01-31T00:30Z']],
  ['0 0 1,15 * 5', '2026-11-28T00:00:00Z', ['2026-12-01T00:00Z', '2026-12-04T00:00Z']],
  ['0 12 29 feb *', '2026-11-28T00:00:00Z', ['2028-02-29T12:00Z', '2032-02-29T12:00Z']],
  ['0 0 * * 7', '2026-11-28T00:00:00Z', ['2026-11-29T00:00Z', '2026-12-06T00:00Z']],
  ['@daily', '2026-11-28T23:59:59Z', ['2026-11-29T00:00Z', '2026-11-30T00:00Z']],
  ['*/20 30 4 * * *', '2026-11-28T04:30:20Z', ['2026-11-28T04:30:40.000Z', '2026-11-29T04:30Z']],
  ['10-20/5 4 * * *', '2026-11-28T04:10:00Z', ['2026-11-28T04:15Z', '2026-11-28T04:20Z']],
])('%s fires at the next times after %s', (text, after, expected) =>
  expect(times(text, 'UTC', after, 2)).toEqual(expected),
)

test('times are those of the zone, over the changes of its clocks', () => {
  expect(times('0 9 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 2)).toEqual([
    '2026-03-28T08:00Z',
    '2026-03-29T07:00Z',
  ])
  expect(times('0 9 * * *', 'Asia/Kolkata', '2026-03-28T00:00:00Z')).toEqual(['2026-03-28T03:30Z'])
})

test('a time that the clocks jump over fires later, and one that they show twice fires once', () => {
  // In Berlin, 02:00 to 03:00 is not there on 29 March, and twice there on 25 October.
  expect(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:30Z',
    '2026-03-30T00:30Z',
  ])
  expect(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30Z',
    '2026-10-26T01:30Z',
  ])
  expect(times('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 3)).toEqual([
    '2026-10-25T00:00Z',
    '2026-10-25T01:00Z',
    '2026-10-25T02:00Z',
  ])
})

test('the next times of every second are found at once, also where the clocks jump', () => {
  for (const [zone, jump] of [
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ] as const) {
    const found = timesBetween(cron('* * * * * *'), zone, at(jump) - 5_000, at(jump) + 5_000, 20)
    expect(found).toEqual(Array.from({ length: 10 }, (_, second) => at(jump) - 4_000 + second * 1_000))
  }
})

test('of many times between two, the last ones are given', () => {
  const [from, until] = [at('2026-11-28T00:00:00Z'), at('2026-11-28T12:00:00Z')]
  const last = timesBetween(cron('0 * * * *'), 'UTC', from, until, 2)
  expect(last).toEqual([at('2026-11-28T11:00:00Z'), until])
  expect(timesBetween(cron('0 * * * *'), 'UTC', until, until, 2)).toEqual([])
})

test.each([
  ['', 'has 0 fields'],
  ['* * * *', 'has 4 fields'],
  ['60 * * * *', '"60" as its minute; 0 to 59 are valid'],
  ['* * * foo *', '"foo" as its month, which is none'],
  ['5-1 * * * *', '"5-1" as its minute'],
  ['*/0 * * * *', '"*/0" as its minute'],
  ['0 0 31 2 *', 'names no day that there is'],
])('%j is refused', (text, message) =>
  expect(readCron(text)).toEqual({ kind: 'wrong', message: expect.stringContaining(message) }),
)

test('a time zone is one that the machine knows', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Olympus', ''].map(isTimeZone)).toEqual([true, true, false, false])
})
