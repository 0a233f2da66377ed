// Times of a schedule, as cron writes them: `minute hour day-of-month month day-of-week`, in a time zone, with a second in front where there
// are six fields. Pure: what time it is, is an argument.
// It is our own: docs/decisions/039 says why it is not croner.
//   CR1. Where a day of the month and a day of the week are both named, either of them is enough; a field that begins with * is not named, as
//        in the cron of Vixie.
//   CR2. A time that the clocks jump over fires as much later as they jump. A time that they show twice fires at the first of the two; a
//        schedule of every hour fires in both.

export interface Cron {
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  /** CR1. */
  readonly eitherDay: boolean
}

export type ReadCron =
  | { readonly kind: 'cron'; readonly cron: Cron }
  | { readonly kind: 'wrong'; readonly message: string }

const shorthands: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly title: string
  readonly from: number
  readonly to: number
  readonly names?: readonly string[]
}

const fields = [
  { title: 'second', from: 0, to: 59 },
  { title: 'minute', from: 0, to: 59 },
  { title: 'hour', from: 0, to: 23 },
  { title: 'day of the month', from: 1, to: 31 },
  { title: 'month', from: 1, to: 12, names: monthNames },
  { title: 'day of the week', from: 0, to: 7, names: dayNames },
] as const satisfies readonly Field[]

export function readCron(text: string): ReadCron {
  const given = text.trim().toLowerCase()
  const named = (shorthands[given] ?? given).split(/\s+/)
  if (given === '' || (named.length !== 5 && named.length !== 6))
    return wrong(
      `has ${given === '' ? 0 : named.length} fields, and a schedule has five: minute, hour, day of the month, month, day of the week, such as "0 9 * * 1-5"; a sixth one in front is the second`,
    )
  const parts = named.length === 5 ? ['0', ...named] : named
  const values: (readonly number[])[] = []
  for (const [index, field] of fields.entries()) {
    const read = valuesOf(parts[index] ?? '', field)
    if (typeof read === 'string') return wrong(read)
    values.push(read)
  }
  const [seconds = [], minutes = [], hours = [], days = [], months = [], weekdays = []] = values
  const cron = {
    ...{ seconds, minutes, hours, days: new Set(days), months: new Set(months) },
    weekdays: new Set(weekdays.map((day) => day % 7)),
    eitherDay: !parts[3]?.startsWith('*') && !parts[5]?.startsWith('*'),
  }
  return nextOf(cron, 'UTC', 0) === undefined ? wrong('names no day that there is') : { kind: 'cron', cron }
}

const wrong = (message: string): ReadCron => ({ kind: 'wrong', message })

function valuesOf(text: string, field: Field): readonly number[] | string {
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/(\d{1,4}))?$/.exec(part) ?? []
    const [first, last = part.includes('/') ? field.to : first] =
      range === '*' ? [field.from, field.to] : range.split('-').map((one) => numberOf(one, field))
    const by = Number(step)
    if (range === '' || first === undefined || last === undefined || Number.isNaN(first) || Number.isNaN(last))
      return `has ${JSON.stringify(part.slice(0, 40))} as its ${field.title}, which is none`
    if (first < field.from || last > field.to || first > last || by < 1 || range.split('-').length > 2)
      return `has ${JSON.stringify(part.slice(0, 40))} as its ${field.title}; ${field.from} to ${field.to} are valid`
    for (let value = first; value <= last; value += by) found.add(value)
  }
  return [...found].sort((a, b) => a - b)
}

function numberOf(text: string, { names = [], from }: Field): number {
  const named = names.indexOf(text)
  if (named >= 0) return named + from
  return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 86_400_000
/** A 29th of February that is a certain day of the week comes within so many days. */
const mostDays = 366 * 40

/** The first time after `after` (epoch ms); undefined: there is none. */
export function nextOf(cron: Cron, timeZone: string, after: number): number | undefined {
  const clock = wallClock(timeZone)
  const now = after + clock.offset(after)
  const today = Math.floor(now / dayMs)
  for (let day = today - 1; day <= today + mostDays; day++) {
    const date = new Date(day * dayMs)
    if (!cron.months.has(date.getUTCMonth() + 1) || !dayFits(cron, date)) continue
    const first = firstOfDay(cron, clock, day * dayMs, after, now)
    if (first !== undefined) return first
  }
  return undefined
}

/** No clock jumps further. */
const jumpMs = 3 * 3_600_000

/** `midnight` and `now`: as the clocks show them. */
function firstOfDay(cron: Cron, clock: WallClock, midnight: number, after: number, now: number): number | undefined {
  // Where the clocks do not jump, what they show tells the order; near a jump everything around is looked at.
  const jumps = clock.offset(midnight - dayMs) !== clock.offset(midnight + 2 * dayMs)
  const slack = jumps ? jumpMs : 0
  let [first, shown] = [undefined as number | undefined, Number.POSITIVE_INFINITY]
  const passed = (from: number, ms: number) => from + ms <= now - slack
  for (const hour of cron.hours) {
    const atHour = midnight + hour * hourMs
    if (passed(atHour, hourMs)) continue
    if (atHour > shown + slack) break
    for (const minute of cron.minutes) {
      const atMinute = atHour + minute * minuteMs
      if (passed(atMinute, minuteMs)) continue
      if (atMinute > shown + slack) break
      for (const second of cron.seconds) {
        const wall = atMinute + second * 1_000
        if (wall > shown + slack) break
        for (const at of clock.instants(wall, cron.hours.length === 24))
          if (at > after && (first === undefined || at < first)) [first, shown] = [at, Math.min(shown, wall)]
      }
    }
  }
  return first
}

/** All times behind `after`, up to `until`, the earliest first; the last `most` of them. */
export function timesBetween(cron: Cron, timeZone: string, after: number, until: number, most: number): number[] {
  const times: number[] = []
  for (let at = nextOf(cron, timeZone, after); at !== undefined && at <= until; at = nextOf(cron, timeZone, at)) {
    times.push(at)
    if (times.length > most) times.shift()
  }
  return times
}

/** CR1. */
function dayFits({ days, weekdays, eitherDay }: Cron, date: Date): boolean {
  const [ofMonth, ofWeek] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())]
  return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
}

interface WallClock {
  /** ms that the zone is ahead of UTC at an instant. */
  offset(at: number): number
  /** CR2. The instants at which the clocks show this time, given as if it were UTC. */
  instants(wall: number, both: boolean): readonly number[]
}

const clocks = new Map<string, WallClock>()

function wallClock(timeZone: string): WallClock {
  const known = clocks.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  /** Offsets change at whole quarters of an hour. */
  const offsets = new Map<number, number>()
  const offset = (at: number): number => {
    const quarter = Math.floor(at / 900_000)
    const kept = offsets.get(quarter)
    if (kept !== undefined) return kept
    const parts = Object.fromEntries(
      format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    const found = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * 900_000
    if (offsets.size > 5_000) offsets.clear()
    offsets.set(quarter, found)
    return found
  }
  const clock: WallClock = {
    offset,
    instants: (wall, both) => {
      const [before, behind] = [offset(wall - dayMs), offset(wall + dayMs)]
      const right = [...new Set([wall - before, wall - behind])]
        .filter((at) => at + offset(at) === wall)
        .sort((a, b) => a - b)
      if (right.length === 0) return [wall - before]
      return both ? right : right.slice(0, 1)
    },
  }
  if (clocks.size > 200) clocks.clear()
  clocks.set(timeZone, clock)
  return clock
}
