// `reins rebuild-index`: asks the memory service to read all frames again into a new list of sessions, and shows how far it is.
//   B1. It takes as long as it takes. Given up is only a service that does not answer, or that has not come on for a minute.
import { setTimeout as pause } from 'node:timers/promises'
import { callService, connectBroker } from '@reins/broker'
import { type RebuildProgress, serviceSubject } from '@reins/contracts'
import type { LocalConfig } from '../config.ts'
import { serversOf } from './service-command.ts'

const lookMs = 500
const stuckMs = 60_000

/** Rejects with an Error that says what is missing. `frames`: how many were read. `say` hears of each step, at most twice a second. */
export async function rebuildIndex(
  config: LocalConfig,
  say: (progress: Extract<RebuildProgress, { kind: 'running' }>) => void,
): Promise<{ readonly frames: number }> {
  // The gateway's user may ask services; that is all this needs.
  const { natsUrl } = serversOf(config, 'session-gateway')
  const broker = await connectBroker({ url: natsUrl, name: 'reins rebuild-index' })
  const ask = async (verb: 'rebuild' | 'rebuild.progress'): Promise<RebuildProgress> => {
    const reply = await callService<RebuildProgress>(broker, serviceSubject('memory', verb), {})
    if (!reply.ok) throw new Error(`${reply.error.message} ${reply.error.next ?? ''}`)
    return reply.value
  }
  try {
    let came = performance.now()
    let frames = -1
    for (let progress = await ask('rebuild'); ; progress = await ask('rebuild.progress')) {
      if (progress.kind === 'done') return { frames: progress.frames }
      if (progress.kind === 'none')
        throw new Error('The memory service restarted and forgot the rebuild. Run the command again.')
      if (progress.frames !== frames) {
        frames = progress.frames
        came = performance.now()
        say(progress)
      } else if (performance.now() - came > stuckMs)
        throw new Error(
          `The rebuild has made no progress for a minute${progress.waiting === undefined ? '' : ` (${progress.waiting})`}. The lists are as they were. Look at the log of the memory service, and run the command again.`,
        )
      await pause(lookMs)
    }
  } finally {
    await broker.close()
  }
}
