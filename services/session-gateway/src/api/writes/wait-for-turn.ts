// Waiting for the turn that holds a message, from just before the message.
import { encodeCursor, everyEvent, type TurnResult } from '@reins/contracts'
import type { Refused } from '../outcomes.ts'
import { type WatchParts, watchSession } from './session-watch.ts'
import { TurnWatch } from './turn-watch.ts'

export interface TurnWait {
  /**
   * Refused as a watch of a session is. The message stays accepted: where nothing has been seen of it yet, one reads on from
   * `cursor`.
   */
  ended(cursor: string, withinMs: number, signal: AbortSignal): Promise<TurnResult | Refused>
  /** Idempotent. The caller closes it, whatever came of it. */
  close(): void
}

/** Begin before the append, at the head that it is going to be conditional on: nothing is then read that came before. */
export function watchTurn(
  parts: WatchParts,
  session: string,
  fromSeq: number,
  message: string,
  /** The message is appended after this, on `fromSeq`: there is no history to read. */
  atHead: boolean,
): TurnWait {
  const watch = new TurnWatch(message)
  let last: string | undefined
  const following = watchSession<TurnResult>(
    parts,
    session,
    fromSeq,
    (frame) => {
      for (const [i, event] of everyEvent(frame).entries()) {
        last = encodeCursor({ of: session, tree: false, seq: frame.seq, n: frame.n, i })
        const turn = event.type === '?' ? undefined : watch.see(event)
        if (turn) return { turn, messageId: message, cursor: last }
      }
      return undefined
    },
    atHead,
  )
  return {
    ended(cursor, withinMs, signal) {
      const details = () => ({ messageId: message, cursor: last ?? cursor })
      const words = {
        late: () => ({
          message: `The turn had not ended after ${withinMs} ms; the message was accepted and goes on.`,
          details: details(),
        }),
        leaving: () => ({
          message: 'The gateway is shutting down; the message was accepted and goes on.',
          details: details(),
          next: 'Do not send the message again: read on from the cursor in the details.',
        }),
      }
      return following.seen(words, withinMs, signal)
    },
    close: following.close,
  }
}
