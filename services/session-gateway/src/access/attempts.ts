// How often somebody may try: tokens that are wrong, by address; requests that cost much, by principal.
//   AT1. What is counted is an attempt that failed, or one that costs much. Who works with a token that is good meets no limit.
//   AT2. An address that has failed too often is answered without a look at its token, unless that token was good before: one client
//        with a wrong token does not shut out the others behind the same proxy.
//   AT3. Memory is bounded: the names that were seen least lately are forgotten.
import { ReinsError } from '@reins/contracts'

export interface AttemptsOptions {
  /** In a minute, and at once; 0: no limit. */
  readonly perMinute: number
  /** ms */
  now(): number
}

interface Bucket {
  left: number
  at: number
}

const maxNames = 10_000

/** A bucket for each name: full at first, filled again by time. */
export class Attempts {
  readonly #options: AttemptsOptions
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** s until an attempt of this name is welcome again; 0: it is. */
  waitOf(name: string): number {
    const { perMinute } = this.#options
    if (perMinute === 0 || !this.#buckets.has(name)) return 0
    const { left } = this.#bucket(name)
    return left >= 1 ? 0 : Math.ceil(((1 - left) * 60) / perMinute)
  }

  count(name: string): void {
    if (this.#options.perMinute === 0) return
    const bucket = this.#bucket(name)
    bucket.left = Math.max(0, bucket.left - 1)
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > maxNames && oldest !== undefined) this.#buckets.delete(oldest) // AT3
  }

  #bucket(name: string): Bucket {
    const { perMinute, now } = this.#options
    const known = this.#buckets.get(name) ?? { left: perMinute, at: now() }
    const at = Math.max(now(), known.at)
    known.left = Math.min(perMinute, known.left + ((at - known.at) / 60_000) * perMinute)
    known.at = at
    return known
  }
}

/** Tokens that were good, by their hashes, for AT2. */
export class KnownGood {
  readonly #hashes = new Set<string>()

  has(hash: string): boolean {
    return this.#hashes.has(hash)
  }

  add(hash: string): void {
    this.#hashes.delete(hash)
    this.#hashes.add(hash)
    const [oldest] = this.#hashes
    if (this.#hashes.size > maxNames && oldest !== undefined) this.#hashes.delete(oldest)
  }

  forget(hash: string): void {
    this.#hashes.delete(hash)
  }
}

/** One name for all addresses that one subscriber of IPv6 has (/64). */
export function addressName(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)) return address.slice(7)
  if (!address.includes(':')) return address
  const [before = '', after] = address.toLowerCase().split('%')[0]?.split('::') ?? []
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const middle =
    after === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return `${[...head, ...middle, ...tail].slice(0, 4).join(':')}::/64`
}

export const tooMany = (seconds: number, what: string): ReinsError =>
  new ReinsError('too_many_requests', what, { details: { retryAfter: seconds } })
