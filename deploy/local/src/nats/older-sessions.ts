// At the start of `reins up`: where the sessions of the data folder lie in one stream, and several are wanted, they are moved.
//   OS1. Whether there is one stream is seen in the folder of the server: no other start pays for it.
//   OS2. A move that has begun is gone on with, whatever is wanted now: a file says so, from before the first step until after the last.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { connect } from '@nats-io/transport-node'
import { inboxOf, sessionStreamsOf } from '@reins/contracts'
import { pausePoints } from '@reins/service'
import type { Log } from '@reins/telemetry'
import { moveSessions } from './move-sessions.ts'
import type { NatsUser } from './nats-config.ts'

export interface OlderSessionsOptions {
  /** Whether several streams are to hold the sessions. */
  readonly wanted: boolean
  /** Whether sessions are to be archived there. */
  readonly archived?: boolean
  readonly dataDir: string
  /** Of the embedded server. */
  readonly url: string
  readonly mover: NatsUser
  readonly pauseAt: string | undefined
  readonly say: (line: string) => void
  readonly log: Log
}

/** Rejects where the move has begun and cannot go on now; the next start goes on with it. */
export async function moveOlderSessions(options: OlderSessionsOptions): Promise<void> {
  const { wanted, archived = false, dataDir, url, mover, pauseAt, say, log } = options
  const [single = ''] = sessionStreamsOf(1).names
  const moving = path.join(dataDir, 'sessions.moving') // OS2
  if (!wanted && !existsSync(moving)) return
  const isThere = existsSync(path.join(dataDir, 'nats', 'jetstream', 'REINS', 'streams', single))
  if (!isThere && !existsSync(moving)) return // OS1, OS2
  say('The sessions of this data folder lie in one stream. They are moved to four, once.')
  writeFileSync(moving, '', { mode: 0o600, flush: true })
  const { user, password } = mover
  const nc = await connect({ servers: new URL(url).host, user, pass: password, inboxPrefix: inboxOf(user).own })
  const at = pausePoints(pauseAt, say)
  try {
    const { bavail, bsize } = await statfs(dataDir)
    const outcome = await moveSessions(nc, {
      ...{ room: bavail * bsize, archived },
      step: async (name) => void (await at(`move.${name}`)),
    })
    log.info({ outcome }, 'moving the sessions of an older version')
    rmSync(moving, { force: true })
    if (outcome.kind === 'moved') say(`The sessions are moved (frames: ${outcome.frames}). Each goes on as before.`)
    if (outcome.kind === 'stays') say(`warning: the sessions stay in one stream: ${outcome.why}. They go on as before.`)
  } finally {
    await nc.close()
  }
}
