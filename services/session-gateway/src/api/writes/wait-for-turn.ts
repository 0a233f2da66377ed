// Waiting for the turn that holds a message: a follower of its own, from just before the message, with a deadline.
import { encodeCursor, everyEvent, headOf, ReinsError, type TurnResult } from '@reins/contracts'
import { type FollowHandlers, follow, type SessionFeed, type SessionLog } from '@reins/journal'
import { type Refused, refused } from '../outcomes.ts'
import type { Appender } from './appender.ts'
import { TurnWatch } from './turn-watch.ts'

export interface TurnWait {
  /**
   * Refused: timed_out after `withinMs`, or when `signal` aborts (nobody waits any more); unavailable when the gateway stops.
   * The message stays accepted: where nothing has been seen of it yet, one reads on from `cursor`.
   */
  ended(cursor: string, withinMs: number, signal: AbortSignal): Promise<TurnResult | Refused>
  /** Idempotent. The caller closes it, whatever came of it. */
  close(): void
}

/** Begin before the append, at the head that it is going to be conditional on: nothing is then read that came before. */
export function watchTurn(
  parts: {
    readonly sessions: SessionLog
    readonly feed: SessionFeed
    readonly appender: Appender
    readonly stopping: AbortSignal
    /** Whether all executors and tool-runners are in this process, as far as anybody knows. */
    readonly writersHere: () => boolean
  },
  session: string,
  fromSeq: number,
  message: string,
  /** The message is appended after this, on `fromSeq`: there is no history to read. */
  atHead: boolean,
): TurnWait {
  const watch = new TurnWatch(message)
  const result = Promise.withResolvers<TurnResult | Refused>()
  let last: string | undefined
  const unfollow = parts.appender.follows(session)
  const handlers: FollowHandlers = {
    onFrames: (frames) => {
      for (const { frame } of frames) {
        parts.appender.learn(session, headOf(frame))
        for (const [i, event] of everyEvent(frame).entries()) {
          const cursor = encodeCursor({ of: session, tree: false, seq: frame.seq, n: frame.n, i })
          last = cursor
          const turn = event.type === '?' ? undefined : watch.see(event)
          if (turn) result.resolve({ turn, messageId: message, cursor })
        }
      }
    },
  }
  const following = follow(parts.sessions, parts.feed, session, fromSeq, handlers, {
    atHead,
    writersHere: parts.writersHere(),
  })
  let closed = false
  return {
    async ended(cursor, withinMs, signal) {
      const gone = () => result.resolve(notInTime(withinMs, message, last ?? cursor))
      const leave = () => result.resolve(leaving(message, last ?? cursor))
      const late = setTimeout(gone, withinMs)
      signal.addEventListener('abort', gone, { once: true })
      parts.stopping.addEventListener('abort', leave, { once: true })
      if (signal.aborted) gone()
      if (parts.stopping.aborted) leave()
      try {
        return await result.promise
      } finally {
        clearTimeout(late)
        signal.removeEventListener('abort', gone)
        parts.stopping.removeEventListener('abort', leave)
      }
    },
    close() {
      if (closed) return
      closed = true
      following.close()
      unfollow()
    },
  }
}

const notInTime = (withinMs: number, messageId: string, cursor: string): Refused =>
  refused(
    new ReinsError('timed_out', `The turn had not ended after ${withinMs} ms; the message was accepted and goes on.`, {
      details: { messageId, cursor },
    }),
  )

const leaving = (messageId: string, cursor: string): Refused =>
  refused(
    new ReinsError('unavailable', 'The gateway is shutting down; the message was accepted and goes on.', {
      details: { messageId, cursor },
      next: 'Do not send the message again: read on from the cursor in the details.',
    }),
  )
