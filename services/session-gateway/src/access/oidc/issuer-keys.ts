// The keys that the issuer signs with: discovered, fetched, kept, and fetched anew when they change.
//   IK1. One fetch at a time, within one deadline, whoever waits for it.
//   IK2. Keys are fetched anew when they are old, and for a key that is not among them; for that at most once in a cool-down. A stranger
//        who invents keys costs the issuer no more than one request in that time.
//   IK3. While the issuer is away the keys that are known go on, for a day: then nobody knows whether it still trusts them.
//   IK4. The issuer's document must name this issuer, to the letter; its keys lie at an address that is as safe as the issuer's.
import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose'
import type { FetchDocument } from './fetch-document.ts'
import { isTrustedAddress } from './settings.ts'

export interface KnownKeys {
  readonly kind: 'known'
  readonly find: LocalJWKSet
  /** ms, when they were asked for. */
  readonly at: number
}
export type Keys = KnownKeys | { readonly kind: 'away'; readonly why: string }

export interface IssuerKeysOptions {
  readonly issuer: string
  readonly fetch: FetchDocument
  /** ms */
  now(): number
  readonly times?: Partial<Times>
  /** Told of each fetch. */
  fetched?(why: string | undefined): void
}

interface Times {
  readonly withinMs: number
  readonly oldAfterMs: number
  readonly coolDownMs: number
  readonly goneAfterMs: number
}

const usualTimes: Times = {
  withinMs: 5000,
  oldAfterMs: 10 * 60_000,
  coolDownMs: 10_000,
  goneAfterMs: 24 * 3_600_000,
}

const maxKeys = 100

export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  readonly #times: Times
  #known: KnownKeys | undefined
  /** Why the latest fetch failed; undefined: it did not. */
  #failure: string | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  constructor(options: IssuerKeysOptions) {
    this.#options = options
    this.#times = { ...usualTimes, ...options.times }
  }

  async keys(): Promise<Keys> {
    const { now } = this.#options
    const { oldAfterMs, goneAfterMs } = this.#times
    const age = this.#known ? now() - this.#known.at : Number.POSITIVE_INFINITY
    if (age > oldAfterMs && this.#mayTry()) {
      const fetching = this.#fetch()
      if (age > goneAfterMs) await fetching // Otherwise those that are known do until it is done.
    } else if (age > goneAfterMs) await this.#fetching
    return this.#answer()
  }

  /** After a key was not found in those of `than`: newer ones; undefined: there are none, and the issuer was asked not long ago. */
  async newerThan(than: KnownKeys): Promise<Keys | undefined> {
    if (this.#known === than) {
      if (this.#mayTry()) void this.#fetch()
      await this.#fetching
    }
    if (this.#known !== than) return this.#answer()
    return this.#failure === undefined ? undefined : { kind: 'away', why: this.#failure }
  }

  #answer(): Keys {
    const known = this.#known
    if (known && this.#options.now() - known.at <= this.#times.goneAfterMs) return known // IK3
    return { kind: 'away', why: this.#failure ?? 'was not asked yet' }
  }

  /** IK2 */
  #mayTry(): boolean {
    return this.#fetching === undefined && this.#options.now() - this.#triedAt >= this.#times.coolDownMs
  }

  #fetch(): Promise<void> {
    const at = this.#options.now()
    this.#triedAt = at
    this.#fetching = this.#load(at).finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  /** Never rejects. */
  async #load(at: number): Promise<void> {
    const loaded = await this.#loaded()
    if (typeof loaded === 'string') this.#failure = loaded
    else {
      this.#failure = undefined
      this.#known = { kind: 'known', find: loaded, at }
    }
    this.#options.fetched?.(this.#failure)
  }

  async #loaded(): Promise<LocalJWKSet | string> {
    const { issuer, fetch } = this.#options
    const signal = AbortSignal.timeout(this.#times.withinMs) // IK1
    const about = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal)
    if (about.kind === 'failed') return about.why
    const { issuer: named, jwks_uri: address } = (about.document ?? {}) as { issuer?: unknown; jwks_uri?: unknown }
    if (named !== issuer) return 'calls itself by another name than REINS_OIDC_ISSUER' // IK4
    if (typeof address !== 'string' || !isTrustedAddress(address)) return 'names no https address for its keys'
    if (address.startsWith('http:') && !issuer.startsWith('http:')) return 'names no https address for its keys'
    const answer = await fetch(address, signal)
    if (answer.kind === 'failed') return `${answer.why} when it was asked for its keys`
    const set = answer.document as JSONWebKeySet | null
    if (!Array.isArray(set?.keys) || set.keys.length > maxKeys) return 'sent no set of keys'
    try {
      return createLocalJWKSet(set)
    } catch {
      return 'sent keys that cannot be read'
    }
  }
}
