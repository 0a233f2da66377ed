// What may be asked of a provider, as one process knows it. Pure but for its counters: time comes in, in ms of any clock that goes on.
//   BK1. In no minute more begins than the limit says: a tenth of it may begin at once, and the rest comes evenly over the minute.
//   BK2. While the provider asks to be left alone nothing begins. Afterwards few begin at first and twice as many in each second, until
//        nobody has been refused for ten: a thousand sessions that waited are not refused all at once again.
//   BK3. Tokens are counted when they were used, since nobody knows them before: a bucket that is overdrawn waits until it is not.
import type { QuotaLimit } from '@reins/contracts'

const minuteMs = 60_000
const openingMs = 10_000
/** How long a refused bucket is closed where the provider does not say. */
const leastClosedMs = 1_000
/** The longest that is believed: a provider that says more is asked again. */
const mostClosedMs = 3_600_000

export interface Level {
  readonly requests: number
  readonly tokens: number
}

/** Of what is left, and of what comes in one ms. */
interface Flow {
  readonly most: number
  readonly perMs: number
}

/** BK1: `most` at once and the rest over a minute make the limit. */
function flowOf(limit: number | undefined): Flow | undefined {
  if (limit === undefined) return undefined
  const most = Math.max(1, Math.floor(limit / 10))
  return { most, perMs: Math.max(limit - most, 0.5) / minuteMs }
}

export class Bucket {
  #requests: Flow | undefined
  #tokens: Flow | undefined
  #limit: QuotaLimit
  #level: { requests: number; tokens: number }
  #at: number
  #closedUntil = Number.NEGATIVE_INFINITY
  /** Begun since it was opened again. */
  #begun = 0

  constructor(limit: QuotaLimit, now: number) {
    this.#limit = limit
    this.#requests = flowOf(limit.requests)
    this.#tokens = flowOf(limit.tokens)
    this.#level = { requests: this.#requests?.most ?? 0, tokens: this.#tokens?.most ?? 0 }
    this.#at = now
  }

  get limit(): QuotaLimit {
    return this.#limit
  }

  /** The narrower of what two processes were told counts. */
  narrow({ requests, tokens }: QuotaLimit): void {
    const limit = {
      ...least('requests', this.#limit.requests, requests),
      ...least('tokens', this.#limit.tokens, tokens),
    }
    if (limit.requests === this.#limit.requests && limit.tokens === this.#limit.tokens) return
    this.#limit = limit
    this.#requests = flowOf(limit.requests)
    this.#tokens = flowOf(limit.tokens)
    this.#level.requests = Math.min(this.#level.requests, this.#requests?.most ?? 0)
    this.#level.tokens = Math.min(this.#level.tokens, this.#tokens?.most ?? 0)
  }

  /** Whether anybody has to ask before a call begins. */
  bounded(now: number): boolean {
    return this.#requests !== undefined || this.#tokens !== undefined || now < this.#closedUntil + openingMs
  }

  /** ms for which the provider has asked; 0: it takes calls. */
  closedMs(now: number): number {
    return Math.max(0, this.#closedUntil - now)
  }

  /** ms until one more may begin; 0: now. `share` of the whole that this process may have. */
  waitMs(now: number, share = 1): number {
    this.#flow(now, share)
    return Math.max(
      this.closedMs(now),
      this.#openingMs(now, share),
      this.#requests ? missing(1 - this.#level.requests, this.#requests.perMs * share) : 0,
      // BK3.
      this.#tokens ? missing(1 - this.#level.tokens, this.#tokens.perMs * share) : 0,
    )
  }

  /** One begins here. */
  begin(): void {
    this.#begun++
    if (this.#requests) this.#level.requests--
  }

  spent(tokens: number): void {
    if (this.#tokens) this.#level.tokens -= tokens
  }

  refused(now: number, askedMs: number): void {
    const ms = Math.min(Math.max(askedMs, leastClosedMs), mostClosedMs)
    this.#closedUntil = Math.max(this.#closedUntil, now + ms)
    this.#begun = 0
  }

  level(now: number): Level {
    this.#flow(now, 1)
    return { ...this.#level }
  }

  /** As its owner says it: so many have begun, and so much is left. */
  learn(begun: number, { requests, tokens }: Level, now: number): void {
    this.#begun += begun
    this.#at = now
    this.#level = { requests, tokens }
  }

  #flow(now: number, share: number): void {
    const ms = Math.max(0, now - this.#at)
    this.#at = Math.max(now, this.#at)
    this.#level.requests = filled(this.#level.requests, ms * share, this.#requests)
    this.#level.tokens = filled(this.#level.tokens, ms * share, this.#tokens)
  }

  /** BK2. */
  #openingMs(now: number, share: number): number {
    const since = now - this.#closedUntil
    if (since < 0 || since >= openingMs) return 0
    const second = Math.floor(since / 1000)
    const may = Math.max(1, Math.floor((2 ** (second + 1) - 1) * share))
    return this.#begun < may ? 0 : (second + 1) * 1000 - since
  }
}

const missing = (amount: number, perMs: number): number => (amount <= 0 ? 0 : Math.ceil(amount / perMs))

const filled = (level: number, ms: number, flow: Flow | undefined): number =>
  flow ? Math.min(flow.most, level + ms * flow.perMs) : 0

function least<K extends string>(key: K, a: number | undefined, b: number | undefined): { [P in K]?: number } {
  const value = a === undefined ? b : b === undefined ? a : Math.min(a, b)
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: number }
}
