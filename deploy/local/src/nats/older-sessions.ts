// At the start of `reins up`: where the data folder is of an older version, whose sessions lie in one stream, they are moved to several.
//   OS1. Whether there is one stream is seen in the folder of the server: no other start pays for it.
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import path from 'node:path'
import { connect } from '@nats-io/transport-node'
import { inboxOf, sessionStreamsOf } from '@reins/contracts'
import { pausePoints } from '@reins/service'
import type { Log } from '@reins/telemetry'
import { moveSessions } from './move-sessions.ts'
import type { NatsUser } from './nats-config.ts'

export interface OlderSessionsOptions {
  readonly dataDir: string
  /** Of the embedded server. */
  readonly url: string
  readonly mover: NatsUser
  readonly pauseAt: string | undefined
  readonly say: (line: string) => void
  readonly log: Log
}

/** Rejects where the move has begun and cannot go on now; the next start goes on with it. */
export async function moveOlderSessions({ dataDir, url, mover, pauseAt, say, log }: OlderSessionsOptions) {
  const [single = ''] = sessionStreamsOf(1).names
  if (!existsSync(path.join(dataDir, 'nats', 'jetstream', 'REINS', 'streams', single))) return // OS1
  say('The sessions of this data folder lie in one stream. They are moved to four, once.')
  const { user, password } = mover
  const nc = await connect({ servers: new URL(url).host, user, pass: password, inboxPrefix: inboxOf(user).own })
  const at = pausePoints(pauseAt, say)
  try {
    const { bavail, bsize } = await statfs(dataDir)
    const outcome = await moveSessions(nc, {
      room: bavail * bsize,
      step: async (name) => void (await at(`move.${name}`)),
    })
    log.info({ outcome }, 'moving the sessions of an older version')
    if (outcome.kind === 'moved')
      say(`${outcome.messages} frames of sessions were moved. Every session goes on as before.`)
    if (outcome.kind === 'stays') say(`warning: the sessions stay in one stream: ${outcome.why}. They go on as before.`)
  } finally {
    await nc.close()
  }
}
