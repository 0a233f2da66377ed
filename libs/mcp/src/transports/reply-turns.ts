// Answers to what a server asks, on their way to it: each is a request over HTTP.
//   RT1. So many go out at once, and so many wait: a server that asks without end, and takes no answer, costs no connections and no memory.
import { limits } from '../limits.ts'

export interface ReplyTurns {
  /** Rejects as `work` does, and where too many wait: then that answer is not sent. */
  take(work: () => Promise<void>): Promise<void>
}

export function replyTurns(most = limits.repliesAtOnce, mostWaiting = limits.repliesWaiting): ReplyTurns {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    async take(work) {
      if (running >= most) {
        if (waiting.length >= mostWaiting) throw new Error('the server asks more than it lets be answered')
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
      } else running += 1
      try {
        await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    },
  }
}
