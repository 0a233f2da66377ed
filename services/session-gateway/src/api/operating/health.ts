// What `/health` says beside what the process itself knows: that sessions wait for a slot too long.
import type { Health } from '@reins/contracts'

/** ms that a session may wait for a slot before it is worth a word. */
const worthAWordMs = 5000

export function withQueues(
  health: Health,
  waiting: { readonly count: number; readonly since: number } | undefined,
  now: number,
): Health {
  if (!waiting || now - waiting.since < worthAWordMs) return health
  const seconds = Math.floor((now - waiting.since) / 1000)
  const sessions = waiting.count === 1 ? '1 session waits' : `${waiting.count} sessions wait`
  const words = `${sessions} for a slot for a model call, the first for ${seconds} s. Start another executor, or raise --waiting-calls.`
  return { ...health, status: 'degraded', parts: { ...health.parts, queue: words } }
}
