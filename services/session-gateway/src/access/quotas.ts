// What one principal may have of the product: requests that write, bytes, new sessions, requests that read, open streams. So no token costs
// others more than its share.
//   Q1. Each share is a bucket that is full at first, and is filled again by time. What does not fit is refused with the seconds to wait.
//   Q4. How much an answer is, is known when it is there: a large one counts for several requests that read, which the next ones wait for.
//   Q5. A few requests of one principal that read are answered at once, the others in their order: so nobody else waits behind all of them.
//   Q2. Who may do everything (`*`) has no share: that is the operator, who could stop the product anyway.
//   Q3. Memory is bounded: principals that were seen least lately are forgotten, and begin with full shares again.
import type { Caller } from '../api/caller.ts'
import { tooMany } from './attempts.ts'
import { PlacesOfEach } from './places-of-each.ts'

export interface QuotaLimits {
  /** Of one principal; 0: no limit. */
  readonly writesPerMinute: number
  readonly bytesPerMinute: number
  readonly sessionsPerMinute: number
  readonly readsPerMinute: number
  readonly readsAtOnce: number
  readonly streams: number
}

interface Share {
  left: number
  at: number
}

const maxPrincipals = 10_000
/** Q4: an answer of so many bytes is one more request. */
const bytesOfRead = 16_000
const reads = 'requests that read'

export class Quotas {
  readonly #limits: QuotaLimits
  readonly #now: () => number
  readonly #shares = new Map<string, Map<string, Share>>()
  readonly #streams = new Map<string, number>()
  readonly #places: PlacesOfEach

  /** `now`: ms. */
  constructor(limits: QuotaLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#places = new PlacesOfEach(limits.readsAtOnce)
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

  /** Q5. A request that reads, once it has a place: call what this gives when it is answered. Throws, or rejects with, too_many_requests. */
  reading(caller: Caller): (() => void) | Promise<() => void> {
    const { readsPerMinute, readsAtOnce } = this.#limits
    if (isOperator(caller)) return nothing
    if (readsPerMinute > 0) {
      const share = this.#share(caller.principal, reads, readsPerMinute)
      if (share.left < 1)
        throw tooMany(
          Math.max(1, Math.ceil(((1 - share.left) * 60) / readsPerMinute)),
          `${caller.principal} has used up its ${reads}: ${readsPerMinute} a minute, where a large answer counts for several.`,
        )
      share.left -= 1
    }
    return readsAtOnce === 0 ? nothing : this.#places.enter(caller.principal)
  }

  /** Q4. */
  read(caller: Caller, bytes: number): void {
    const { readsPerMinute } = this.#limits
    if (readsPerMinute === 0 || bytes < bytesOfRead || isOperator(caller)) return
    this.#share(caller.principal, reads, readsPerMinute).left -= Math.floor(bytes / bytesOfRead)
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

const nothing = (): void => undefined

/** Q2 */
const isOperator = ({ permissions }: Caller): boolean => permissions.includes('*')
