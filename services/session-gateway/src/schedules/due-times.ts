// Which times of a schedule are due: of the schedule, of what is settled, and of what time it is. Pure.
//   DT1. What was missed is bounded: nothing is made up for that lies longer back than `lookBackMs`, and at most `mostMissed` times.
import { type Cron, type MissedPolicy, timesBetween } from '@reins/contracts'

export const lookBackMs = 12 * 3_600_000
/** A time that is later than this was missed. */
export const graceMs = 60_000
export const mostMissed = 10

export interface Timed {
  readonly cron: Cron
  readonly timeZone: string
  readonly missed: MissedPolicy
}

/** The earliest first. `settled`: up to this time nothing is due any more (epoch ms). */
export function dueTimes({ cron, timeZone, missed }: Timed, settled: number, now: number): readonly number[] {
  const within = (ms: number, most: number) => timesBetween(cron, timeZone, Math.max(settled, now - ms), now, most)
  if (missed === 'skip') return within(graceMs, 1)
  // A schedule may have a time in each second: the long look back is for those that have few.
  const most = missed === 'all' ? mostMissed : 1
  for (const ms of [graceMs, 3_600_000]) {
    const recent = within(ms, most)
    if (recent.length === most) return recent
  }
  return within(lookBackMs, most)
}
