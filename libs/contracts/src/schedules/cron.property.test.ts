import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextOf, readCron } from './cron.ts'

const minuteMs = 60_000
const days = 3

const field = (from: number, to: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: fc.integer({ min: from, max: to }).map(String) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 15 }).map((step) => `*/${step}`) },
  )
const expression = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe')
const instant = fc.integer({ min: Date.UTC(2020, 0, 1) / minuteMs, max: Date.UTC(2035, 0, 1) / minuteMs })

const fits = (text: string, value: number, from: number): boolean => {
  const [range = '', step = '1'] = text.split('/')
  const [first, last] = range === '*' ? [from, 99] : [Number(range.split('-')[0]), Number(range.split('-').at(-1))]
  return value >= first && value <= last && (value - first) % Number(step) === 0
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** What the clocks of a zone show. */
function shown(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', month: 'numeric', day: 'numeric', weekday: 'short', hour: 'numeric' },
    ...{ minute: 'numeric', timeZoneName: 'longOffset' },
  })
  return (at: number) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const number = (name: string) => Number(parts[name])
    return {
      offset: parts.timeZoneName,
      values: [number('minute'), number('hour'), number('day'), number('month')],
      weekday: dayNames.indexOf(parts.weekday ?? ''),
    }
  }
}

test('a next time is the first minute whose clocks show what the expression says', () => {
  fc.assert(
    fc.property(expression, zone, instant, (fields, timeZone, minute) => {
      const read = readCron(fields.join(' '))
      if (read.kind === 'wrong') return
      const clock = shown(timeZone)
      const after = minute * minuteMs
      const until = after + days * 1_440 * minuteMs
      // What a jump of the clocks does is said by cron.test.ts.
      if (clock(after - 720 * minuteMs).offset !== clock(until + 720 * minuteMs).offset) return
      const [, , dayOfMonth, , dayOfWeek] = fields
      const either = !dayOfMonth.startsWith('*') && !dayOfWeek.startsWith('*')
      const isTime = (at: number): boolean => {
        const { values, weekday } = clock(at)
        const [m, h, , month] = [0, 1, 2, 3].map((place) =>
          fits(fields[place] ?? '', values[place] ?? -1, place < 2 ? 0 : 1),
        )
        const ofMonth = fits(dayOfMonth, values[2] ?? -1, 1)
        const ofWeek = fits(dayOfWeek, weekday, 0) || (weekday === 0 && fits(dayOfWeek, 7, 0))
        return Boolean(m && h && month) && (either ? ofMonth || ofWeek : ofMonth && ofWeek)
      }
      let first: number | undefined
      for (let at = after + minuteMs; at <= until && first === undefined; at += minuteMs) if (isTime(at)) first = at
      const next = nextOf(read.cron, timeZone, after)
      if (first === undefined) expect(next ?? Number.POSITIVE_INFINITY).toBeGreaterThan(until)
      else expect(next).toBe(first)
    }),
    { numRuns: 40 },
  )
})
