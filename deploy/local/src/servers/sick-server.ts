// Tells an embedded nats-server that is sick from one that is away, and starts it anew when that helps.
//   SK1. Sick is what the server itself says: a stream that could not write takes no append any more, and does not recover by itself.
//   SK2. A new start helps only when its folder can be written again: a file is written and synced there first. Until then nothing is
//        started anew, and what is wrong stays said.
//   SK3. A server that does not answer is not sick: whoever watches its process deals with that.
import { open, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@reins/telemetry'

export interface Watched {
  sickness(): Promise<string | undefined>
}

export interface SickServerOptions {
  /** Where it writes. */
  readonly folder: string
  readonly current: () => Watched
  /** Ends the server; whoever watches its process starts it again. */
  readonly restart: () => Promise<unknown>
  readonly log: Log
  /** ms between two looks. Default 5000. */
  readonly everyMs?: number
}

export interface SickServer {
  /** `ok`, or what is wrong and what to do. */
  health(): string
  close(): Promise<void>
}

/** Of the disk, below which a server would fail again at once. */
const leastFree = 0.02
const probeBytes = 256 * 1024

/** The caller closes it before the server. */
export function watchForSickness(options: SickServerOptions): SickServer {
  const stop = new AbortController()
  const { signal } = stop
  let health = 'ok'

  async function look(): Promise<void> {
    const why = await options.current().sickness()
    if (signal.aborted) return
    if (why === undefined) {
      if (health !== 'ok') options.log.warn({ server: 'nats-server' }, 'the server is well again')
      health = 'ok'
      return
    }
    if (health === 'ok') options.log.error({ server: 'nats-server', err: why }, 'the server is sick')
    const obstacle = await obstacleTo(options.folder)
    health = obstacle === undefined ? `started anew, because it could not write: ${why}` : `${obstacle} (${why})`
    if (obstacle !== undefined || signal.aborted) return // SK2
    options.log.warn({ server: 'nats-server', err: why }, 'the server is started anew')
    await options.restart()
  }
  async function run(): Promise<void> {
    while (!signal.aborted) {
      await pause(options.everyMs ?? 5000, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await look().catch((error: unknown) => options.log.warn({ err: error }, 'the look failed'))
    }
  }
  const done = run()
  return {
    health: () => health,
    close: () => {
      stop.abort()
      return done
    },
  }
}

/** Why a server could not write there either; undefined: it could. */
export async function obstacleTo(folder: string): Promise<string | undefined> {
  const file = path.join(folder, '.writable')
  try {
    const { bavail, blocks } = await statfs(folder)
    if (bavail < blocks * leastFree) return `the disk of ${folder} is full: make room`
    const handle = await open(file, 'w', 0o600)
    try {
      await handle.writeFile(Buffer.alloc(probeBytes))
      await handle.sync()
    } finally {
      await handle.close()
    }
    return undefined
  } catch (error) {
    return `${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    await rm(file, { force: true }).catch(() => undefined)
  }
}
