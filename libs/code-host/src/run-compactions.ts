// `session.compact()` of a workflow: a gateway has the session below compacted, and is asked until that is done.
import { setTimeout as pause } from 'node:timers/promises'
import { type CompactionState, compactVerb, type Reply, type RunCompaction, serviceSubject } from '@reins/contracts'

export type Compact = (asked: RunCompaction, signal: AbortSignal) => Promise<{ readonly compacted: boolean }>

/** A gateway that has died takes no answer with it for longer: with its key the request is the same at another one. */
const askMs = 3_000
const againMs = 250
/** While no gateway answers. */
const unavailableMs = 40_000

/** Rejects where it is refused, and where no summary could be made. */
export function runCompactions(
  call: (subject: string, request: RunCompaction, withinMs: number) => Promise<Reply<CompactionState>>,
): Compact {
  return async (asked, signal) => {
    let deadline = performance.now() + unavailableMs
    for (;;) {
      signal.throwIfAborted()
      const reply = await call(serviceSubject('session-gateway', compactVerb), asked, askMs)
      if (reply.ok) {
        deadline = performance.now() + unavailableMs
        const state = reply.value
        if (state.kind === 'nothing') return { compacted: false }
        if (state.kind === 'done' && state.how === 'summary') return { compacted: true }
        if (state.kind === 'done')
          throw Object.assign(new Error('no summary could be made: a note stands in the place of what was left out'), {
            code: 'compaction-failed',
          })
      } else if (reply.error.code !== 'unavailable' || performance.now() > deadline)
        throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
      await pause(againMs, undefined, { signal })
    }
  }
}
