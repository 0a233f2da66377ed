// Consumes the timers that fired, for as long as the service runs.
import type { Consumption } from '@reins/broker'
import type { Timers } from '@reins/journal'
import type { Log } from '@reins/telemetry'
import { appendFired, type FiredOptions } from './append-fired.ts'

export interface FiredTimers {
  /** `ok`, or what is wrong. */
  health(): string
  close(): Promise<void>
}

export interface FiredTimersOptions extends FiredOptions {
  readonly timers: Timers
  readonly log: Log
  /** Called for each timer that became an event. */
  readonly onAppended: () => void
}

const retryMs = 1000

/** Resolves when timers are consumed; the caller closes it. A consumer that ends by itself is opened again. */
export async function consumeFiredTimers(options: FiredTimersOptions): Promise<FiredTimers> {
  const { timers, log } = options
  const stop = new AbortController()
  let health = 'ok'
  let consumption: Consumption | undefined

  const on = async (session: string, timer: string, sure: boolean): Promise<void> => {
    try {
      if ((await appendFired(options, session, { timer, sure }, stop.signal)) === 'appended') options.onAppended()
    } catch (error) {
      if (!stop.signal.aborted) log.warn({ session, timer, err: messageOf(error) }, 'a fired timer is tried again')
      throw error // not acked: it comes again
    }
  }
  const open = async (): Promise<void> => {
    consumption = await timers.consumeFired(on, failed)
    health = 'ok'
    if (stop.signal.aborted) await consumption.close()
  }
  function failed(error: unknown): void {
    if (stop.signal.aborted) return
    health = `the consumer of fired timers ended: ${messageOf(error)}`
    log.error({ err: messageOf(error) }, 'the consumer of fired timers ended; it is opened again')
    setTimeout(() => {
      if (!stop.signal.aborted) open().catch(failed)
    }, retryMs)
  }

  await open()
  return {
    health: () => health,
    close: async () => {
      stop.abort()
      await consumption?.close()
    },
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
