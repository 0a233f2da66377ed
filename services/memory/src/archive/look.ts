// A look at all that lies in the archive, again and again: what is damaged or gone there is found before somebody opens that session.
//   LK1. One session after the other, and half of the time none: whoever works goes first.
//   LK2. What cannot be read is named, and the look goes on with the others. What the broker does not answer is asked again.
//   LK3. What is said of a session was found when it was last looked at: one that was brought back is named until the next look at it.
import { setTimeout as pause } from 'node:timers/promises'
import { BrokerUnavailable } from '@reins/broker'
import type { ArchiveLook } from '@reins/contracts'
import type { Archivist, Room } from '@reins/journal'
import type { Clock } from '@reins/service'
import type { Log } from '@reins/telemetry'

export interface LookOptions {
  readonly archivist: Pick<Archivist, 'sessionsSaid' | 'look'>
  readonly clock: Clock
  readonly log: Log
  /** From the beginning of one to the beginning of the next. ms */
  readonly everyMs: number
  readonly room?: Room
  readonly on: (what: { readonly looked: string } | { readonly unreadable: number }) => void
}

export interface RunningLook {
  /** What the look that has ended last found; undefined: none has ended yet. */
  found(): ArchiveLook | undefined
  /** Also by the one that is under way. */
  unreadable(): readonly string[]
  close(): Promise<void>
}

const againMs = 1000
const leastMs = 2
/** Of those that are named: beyond that they are counted. */
const mostNamed = 1000

/** Runs until closed. */
export function runLook(options: LookOptions): RunningLook {
  const { clock, log, everyMs } = options
  const stop = new AbortController()
  const named = new Set<string>()
  let found: ArchiveLook | undefined
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const began = clock.now()
      try {
        const { sessions, unreadable } = await lookOnce(options, named, stop.signal)
        if (stop.signal.aborted) return
        found = { at: clock.now(), sessions, unreadable, named: [...named].sort() }
        options.on({ unreadable })
      } catch (error) {
        if (stop.signal.aborted) return
        log.warn({ err: String(error) }, 'a look at the archive ended early; the next one begins anew')
      }
      const left = Math.max(began + everyMs - clock.now(), againMs)
      await pause(left, undefined, { signal: stop.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    found: () => found,
    unreadable: () => [...named],
    close: async () => {
      stop.abort()
      await running
    },
  }
}

async function lookOnce(
  { archivist, log, room, on }: LookOptions,
  named: Set<string>,
  signal: AbortSignal,
): Promise<Pick<ArchiveLook, 'sessions' | 'unreadable'>> {
  let sessions = 0
  let unreadable = 0
  for await (const page of archivist.sessionsSaid())
    for (const session of page) {
      await room?.(signal)
      const began = performance.now()
      const why = await untilAnswered(() => archivist.look(session), signal)
      if (signal.aborted) return { sessions, unreadable }
      sessions++
      on({ looked: session })
      if (why === undefined) named.delete(session)
      else {
        unreadable++
        if (!named.has(session)) log.warn({ session, err: why }, 'a session in the archive cannot be read')
        if (named.size < mostNamed) named.add(session)
      }
      await pause(Math.max(performance.now() - began, leastMs), undefined, { signal }).catch(() => {}) // LK1
    }
  return { sessions, unreadable }
}

/** LK2. */
async function untilAnswered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted)
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error
      await pause(againMs, undefined, { signal }).catch(() => {})
    }
  return undefined
}
