// A part that follows the streams of sessions by their names, and keeps nothing that is not derived: once the one stream is split over four,
// it ends and starts again on them, in the process where it is.
import type { Journal } from '@reins/journal'
import type { Running } from '@reins/service'

export interface Restarted<R extends Running> extends Running {
  /** The one that runs now. */
  now(): R
}

const closeWithinMs = 5000

/** `failed`: it could not start again. The caller closes it, before the journal. */
export async function restartOnSplit<R extends Running>(
  journal: Pick<Journal, 'onSplit'>,
  start: () => Promise<R>,
  failed: (error: Error) => void,
): Promise<Restarted<R>> {
  let running: R | undefined
  let ending = false
  let changing: Promise<unknown> = start().then((one) => {
    running = one
  })
  const begun = changing
  // Listened to from before the start: a split while it starts is not missed.
  const listening = journal.onSplit(() => {
    changing = changing.then(async () => {
      if (ending) return
      await running?.close({ withinMs: closeWithinMs })
      running = await start()
    })
    changing.catch(failed)
  })
  await begun
  return {
    now: () => {
      if (!running) throw new Error('asked before it has started')
      return running
    },
    async close(options) {
      ending = true
      listening.close()
      await changing.catch(() => undefined)
      return running?.close(options) ?? { abandoned: [] }
    },
  }
}
