// Waiting for something that a session is going to say: a follower of its own, with a deadline, and with words for each way to be disappointed.
import { type Frame, headOf, ReinsError } from '@reins/contracts'
import { type FollowHandlers, follow, type SessionFeed, type SessionLog } from '@reins/journal'
import { type Refused, refused } from '../outcomes.ts'
import type { Appender } from './appender.ts'

export interface WatchParts {
  readonly sessions: SessionLog
  readonly feed: SessionFeed
  readonly appender: Appender
  readonly stopping: AbortSignal
  /** Whether all executors and tool-runners are in this process, as far as anybody knows. */
  readonly writersHere: () => boolean
}

/** What whoever waits in vain is told: asked for when it is needed, with what has been seen by then. */
export interface WatchWords {
  readonly late: () => { readonly message: string; readonly details?: Record<string, unknown>; readonly next?: string }
  readonly leaving: () => {
    readonly message: string
    readonly details?: Record<string, unknown>
    readonly next?: string
  }
}

export interface SessionWatch<Seen> {
  /** Refused: timed_out after `withinMs`, or when `signal` aborts (nobody waits any more); unavailable when the gateway stops. */
  seen(words: WatchWords, withinMs: number, signal: AbortSignal): Promise<Seen | Refused>
  /** Idempotent. The caller closes it, whatever came of it. */
  close(): void
}

/** Follows the session behind `fromSeq` until `see` gives something. `atHead`: there is no history to read. */
export function watchSession<Seen>(
  parts: WatchParts,
  session: string,
  fromSeq: number,
  see: (frame: Frame) => Seen | undefined,
  atHead: boolean,
): SessionWatch<Seen> {
  const result = Promise.withResolvers<Seen | Refused>()
  const unfollow = parts.appender.follows(session)
  const onFrames: FollowHandlers['onFrames'] = (frames) => {
    for (const { frame } of frames) {
      parts.appender.learn(session, headOf(frame))
      const seen = see(frame)
      if (seen !== undefined) result.resolve(seen)
    }
  }
  const options = { atHead, writersHere: parts.writersHere() }
  const following = follow(parts.sessions, parts.feed, session, fromSeq, { onFrames }, options)
  let closed = false
  return {
    async seen(words, withinMs, signal) {
      const refuse = (code: 'timed_out' | 'unavailable', { message, ...more }: ReturnType<WatchWords['late']>) =>
        result.resolve(refused(new ReinsError(code, message, more)))
      const gone = () => refuse('timed_out', words.late())
      const leave = () => refuse('unavailable', words.leaving())
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
