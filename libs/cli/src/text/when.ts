// Times for people. `now` and the time zone are arguments.
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** `just now`, `12s ago`, `3m ago`, `5h ago`, `6d ago`, then the date. `at` and `now` in epoch ms. */
export function ago(at: number, now: number): string {
  const age = now - at
  if (age < second) return 'just now'
  if (age < minute) return `${Math.floor(age / second)}s ago`
  if (age < hour) return `${Math.floor(age / minute)}m ago`
  if (age < day) return `${Math.floor(age / hour)}h ago`
  if (age < 30 * day) return `${Math.floor(age / day)}d ago`
  return new Date(at).toISOString().slice(0, 10)
}

/** `0.1s`, `12s`, `2m 05s`, `1h 02m`, `3d 04h`. */
export function span(ms: number): string {
  const time = Math.max(0, ms)
  if (time < 9950) return `${(time / second).toFixed(1)}s`
  if (time < minute - 500) return `${Math.round(time / second)}s`
  const seconds = Math.round(time / second)
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
  if (seconds >= 48 * 3600) {
    const hours = Math.round(seconds / 3600)
    return `${Math.floor(hours / 24)}d ${String(hours % 24).padStart(2, '0')}h`
  }
  return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`
}

/** `14:03:09.123`, in the zone given (default: the machine's). */
export function clockTime(at: number, zone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    ...(zone === undefined ? {} : { timeZone: zone }),
  }).format(at)
}

/** `2026-11-20 14:03` */
export function dateTime(at: number, zone?: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'short',
    ...(zone === undefined ? {} : { timeZone: zone }),
  })
  return parts.format(at)
}
