// The files of a session's sandbox in memory. They stand in the log, whole, in the frame of the latest call that changed them; a session
// knows which frame that is. FI1. A call begins with the files that the call before it left, so calls that change files run alone
// (call-order.ts). FI2. What a call left counts with its outcome, and not without: a call that was cut off has changed nothing.
import type { Meanings } from '../slice.ts'
import { isCurrent } from '../tool-call/tool-call.ts'

export const filesEvents: Meanings<'files.kept'> = {
  'files.kept': {
    effective: true,
    evolve: (session, { data: { call, attempt } }, origin) => {
      const state = session.turn?.calls.find((one) => one.call === call)?.state
      return origin.seq !== undefined && state && isCurrent(state, attempt, origin)
        ? { ...session, files: origin.seq }
        : session
    },
  },
}
