// What one principal makes in a day of what is kept for ever: tokens, principals, roles, configs, secrets and webhooks. Each service holds them
// in memory, and reads them when it starts; one that was revoked or removed leaves its record. Pure.
import { maxMadeInADay, ReinsError } from '@reins/contracts'

export interface MadeBy {
  /** Who changed it last. */
  readonly by?: string | undefined
  /** epoch ms */
  readonly createdAt: number
}

const day = 86_400_000

/** Throws too_many_requests. `what`: in the plural. */
export function mustHaveRoom(what: string, all: Iterable<MadeBy>, by: string, now: number): void {
  let made = 0
  let oldest = now
  for (const one of all) {
    if (one.by !== by || one.createdAt <= now - day) continue
    made += 1
    oldest = Math.min(oldest, one.createdAt)
  }
  if (made < maxMadeInADay) return
  throw new ReinsError('too_many_requests', `${by.replace(/^user:/, '')} has made ${made} ${what} within a day.`, {
    details: { retryAfter: Math.max(1, Math.ceil((oldest + day - now) / 1000)) },
    next: 'Wait, or ask somebody who may do everything to make it. Use again what is there.',
  })
}
