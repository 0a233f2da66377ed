// Pause points around a service's appends, for services that have none of their own: `gateway.before-append`, `memory.after-append`.
import type { SessionLog } from '@reins/journal'
import type { PausePoint } from '@reins/service'

/** Without a pause point (`at` is undefined) the log itself, so that production pays nothing. */
export function pausingAppends(log: SessionLog, at: string | undefined, pauseAt: PausePoint, who: string): SessionLog {
  if (at === undefined) return log
  return {
    head: (of, options) => log.head(of, options),
    read: (session, options) => log.read(session, options),
    readTree: (root, options) => log.readTree(root, options),
    frameAt: (session, seq) => log.frameAt(session, seq),
    forkOf: (session) => log.forkOf(session),
    async append(...frame) {
      await pauseAt(`${who}.before-append`)
      const outcome = await log.append(...frame)
      await pauseAt(`${who}.after-append`)
      return outcome
    },
  }
}
