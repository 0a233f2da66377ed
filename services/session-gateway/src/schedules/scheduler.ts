// Fires the schedules of projects. Every gateway does so, and keeps nothing: what is to fire follows from the project and the time.
//   SD1. What fires at a time has a key of that schedule and that time. So it happens once, however many gateways fire it, and however
//        often one of them starts again.
//   SD2. A schedule begins when its project was deployed: earlier times are none of its own.
//   SD3. What is refused for a reason that passes is tried again; what is wrong with the request itself is said in the log, once.
import {
  errorTable,
  nextOf,
  type ProjectEntry,
  type ProjectSchedule,
  readCron,
  type ReinsError,
} from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import { dueTimes, type Timed } from './due-times.ts'

export interface SchedulerParts {
  readonly projects: () => readonly ProjectEntry[]
  /** undefined: it is stored. Never rejects. `key`: SD1. */
  readonly fire: (project: ProjectEntry, schedule: ProjectSchedule, key: string) => Promise<ReinsError | undefined>
  readonly now: () => number
  readonly log: Log
}

interface Kept {
  schedule: ProjectSchedule
  readonly timed: Timed
  readonly about: string
  settled: number
  /** When something may be due again. */
  next: number
  firing: boolean
}

const lookMs = 1000
const againMs = 5000

export class Scheduler {
  readonly #parts: SchedulerParts
  readonly #kept = new Map<string, Kept>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: SchedulerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.look().finally(() => {
        if (!this.#closed) this.start()
      })
    }, lookMs)
    this.#timer.unref()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Fires what is due now. Never rejects. */
  async look(): Promise<void> {
    const { now, projects } = this.#parts
    const there = new Set<string>()
    const firing: Promise<void>[] = []
    for (const project of projects())
      for (const schedule of project.manifest.schedules ?? []) {
        const name = nameOf(project, schedule)
        there.add(name)
        const kept = this.#keep(name, project, schedule)
        if (kept && !kept.firing && now() >= kept.next) firing.push(this.#fire(name, project, kept))
      }
    for (const name of this.#kept.keys()) if (!there.has(name)) this.#kept.delete(name)
    await Promise.all(firing)
  }

  #keep(name: string, project: ProjectEntry, schedule: ProjectSchedule): Kept | undefined {
    const about = JSON.stringify([schedule.cron, schedule.timeZone, schedule.missed])
    const known = this.#kept.get(name)
    if (known?.about === about) {
      known.schedule = schedule // A later build may say another payload.
      return known
    }
    const read = readCron(schedule.cron)
    if (read.kind === 'wrong') return undefined
    const { timeZone, missed } = schedule
    const kept = {
      ...{ schedule, about, timed: { cron: read.cron, timeZone, missed } },
      ...{ settled: project.updatedAt, next: 0, firing: false }, // SD2
    }
    this.#kept.set(name, kept)
    return kept
  }

  async #fire(name: string, project: ProjectEntry, kept: Kept): Promise<void> {
    const { now, log, fire } = this.#parts
    const { timed, schedule } = kept
    kept.firing = true
    try {
      const until = now()
      for (const at of dueTimes(timed, kept.settled, until)) {
        const about = {
          project: project.name,
          schedule: `${schedule.of} ${schedule.name}`,
          at: new Date(at).toISOString(),
        }
        const refused = await fire(project, schedule, `schedule/${name}/${at}`) // SD1
        if (refused && errorTable[refused.code].retry !== 'never') {
          log.warn({ ...about, why: refused.message }, 'a schedule could not fire; it will be tried again')
          kept.next = until + againMs
          return
        }
        if (refused)
          log.error({ ...about, why: refused.message }, 'a schedule cannot fire') // SD3
        else log.info(about, 'a schedule fired')
        kept.settled = Math.max(kept.settled, at)
      }
      kept.settled = Math.max(kept.settled, until)
      kept.next = nextOf(timed.cron, timed.timeZone, kept.settled) ?? Number.POSITIVE_INFINITY
    } finally {
      kept.firing = false
    }
  }
}

/** Of one schedule, over all builds of its project. */
const nameOf = ({ name }: ProjectEntry, { of, name: module, number }: ProjectSchedule): string =>
  `${name}/${of}/${module}/${number}`
