// What one principal may have of the product: requests that write, bytes, new sessions, open streams. So no token costs others more than its share.
//   Q1. Each share is a bucket that is full at first, and is filled again by time. What does not fit is refused with the seconds to wait.
//   Q2. Who may do everything (`*`) has no share: that is the operator, who could stop the product anyway.
//   Q3. Memory is bounded: principals that were seen least lately are forgotten, and begin with full shares again.
import type { Caller } from '../api/caller.ts'
import { tooMany } from './attempts.ts'

export interface QuotaLimits {
  /** Of one principal; 0: no limit. */
  readonly writesPerMinute: number
  readonly bytesPerMinute: number
  readonly sessionsPerMinute: number
  readonly streams: number
}

interface Share {
  left: number
  at: number
}

const maxPrincipals = 10_000

export class Quotas {
  readonly #limits: QuotaLimits
  readonly #now: () => number
  readonly #shares = new Map<string, Map<string, Share>>()
  readonly #streams = new Map<string, number>()

  /** `now`: ms. */
  constructor(limits: QuotaLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** A request that appends, or changes something. Throws too_many_requests. `bytes`: of what it says. */
  write(caller: Caller, bytes: number, opens: 'session' | 'nothing'): void {
    if (isOperator(caller)) return
    const { writesPerMinute, bytesPerMinute, sessionsPerMinute } = this.#limits
    const wanted = [
      ['requests that write', 1, writesPerMinute],
      ['bytes', bytes, bytesPerMinute],
      ['new sessions', opens === 'session' ? 1 : 0, sessionsPerMinute],
    ] as const
    for (const [what, amount, perMinute] of wanted) {
      if (perMinute === 0 || amount === 0) continue
      const { left } = this.#share(caller.principal, what, perMinute)
      // What is larger than the whole share passes when that is full: it would pass never else.
      const least = Math.min(amount, perMinute)
      if (left < least)
        throw tooMany(
          Math.max(1, Math.ceil(((least - left) * 60) / perMinute)),
          `${caller.principal} has used up its ${what}: ${perMinute} a minute.`,
        )
    }
    for (const [what, amount, perMinute] of wanted)
      if (perMinute > 0 && amount > 0) this.#share(caller.principal, what, perMinute).left -= amount
  }

  /** Before a stream is opened. Throws too_many_requests. */
  mayStream({ principal, permissions }: Caller): void {
    const { streams } = this.#limits
    const open = this.#streams.get(principal) ?? 0
    if (permissions.includes('*') || streams === 0 || open < streams) return
    throw tooMany(5, `${principal} has ${open} open streams, as many as it may.`)
  }

  /** A stream is open. Call what it gives when it has closed. */
  streamOpened({ principal }: Caller): () => void {
    this.#streams.set(principal, (this.#streams.get(principal) ?? 0) + 1)
    let closed = false
    return () => {
      if (closed) return
      closed = true
      const left = (this.#streams.get(principal) ?? 1) - 1
      if (left > 0) this.#streams.set(principal, left)
      else this.#streams.delete(principal)
    }
  }

  #share(principal: string, what: string, perMinute: number): Share {
    const shares = this.#shares.get(principal) ?? new Map<string, Share>()
    this.#shares.delete(principal)
    this.#shares.set(principal, shares)
    const [oldest] = this.#shares.keys()
    if (this.#shares.size > maxPrincipals && oldest !== undefined) this.#shares.delete(oldest) // Q3
    const now = this.#now()
    const share = shares.get(what) ?? { left: perMinute, at: now }
    const at = Math.max(now, share.at)
    share.left = Math.min(perMinute, share.left + ((at - share.at) / 60_000) * perMinute)
    share.at = at
    shares.set(what, share)
    return share
  }
}

/** Q2 */
const isOperator = ({ permissions }: Caller): boolean => permissions.includes('*')
