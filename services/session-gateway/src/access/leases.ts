// Who holds something open (a stream, a socket), for as long as the token that opened it is good.
//   LE1. A lease ends within two looks after its token expires, is revoked, or loses what it needs; whoever holds it is told why, once.
//   LE2. One timer for all. Leases of one credential are looked at together: ten thousand streams of one token are one question.
//   LE4. Who may no longer have what it holds open, though its token is good, loses that alone: each lease may say how that is found out.
//   LE3. Where the question cannot be answered now, a lease goes on until it can; its expiry needs no answer.
import { ReinsError } from '@reins/contracts'

export interface Credential {
  /** Equal for all that came with the same token. */
  readonly key: string
  readonly principal: string
  /** By Reins, or by an identity provider. */
  readonly issued: 'here' | 'elsewhere'
  /** epoch ms; undefined: it does not expire. */
  readonly expiresAt?: number
}

export interface LeasesOptions<C extends Credential> {
  /** Why the holder may not go on; undefined: it may. */
  standing(credential: C): Promise<ReinsError | undefined> | ReinsError | undefined
  /** epoch ms */
  now(): number
  readonly lookEveryMs: number
}

interface Held<C> {
  readonly credential: C
  readonly ends: Map<(why: ReinsError) => void, Still | undefined>
}

/** LE4: why the holder may not have this any more; undefined: it may. */
export type Still = () => ReinsError | undefined | Promise<ReinsError | undefined>

export class Leases<C extends Credential> {
  readonly #options: LeasesOptions<C>
  readonly #held = new Map<string, Held<C>>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(options: LeasesOptions<C>) {
    this.#options = options
  }

  get size(): number {
    return this.#held.size
  }

  /** `end` is called at most once, and never after the returned function. */
  hold(credential: C, end: (why: ReinsError) => void, still?: Still): () => void {
    const held = this.#held.get(credential.key) ?? { credential, ends: new Map() }
    this.#held.set(credential.key, held)
    held.ends.set(end, still)
    this.#timer ??= setInterval(() => void this.look(), this.#options.lookEveryMs).unref()
    return () => {
      held.ends.delete(end)
      if (held.ends.size === 0 && this.#held.get(credential.key) === held) this.#held.delete(credential.key)
    }
  }

  /** Resolves after a look at all; at once while another look goes on. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      for (const held of [...this.#held.values()]) {
        const why = await this.#why(held.credential)
        if (why) this.#end(held, why)
        else await this.#ask(held)
      }
    } finally {
      this.#looking = false
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#held.clear()
  }

  async #why(credential: C): Promise<ReinsError | undefined> {
    if (credential.expiresAt !== undefined && credential.expiresAt <= this.#options.now()) return expired()
    try {
      return await this.#options.standing(credential)
    } catch {
      return undefined // LE3
    }
  }

  /** LE4, LE3. */
  async #ask({ ends }: Held<C>): Promise<void> {
    for (const [end, still] of [...ends]) {
      if (!still) continue
      const why = await this.#lacking(still)
      if (why && ends.delete(end)) end(why)
    }
  }

  async #lacking(still: Still): Promise<ReinsError | undefined> {
    try {
      return await still()
    } catch {
      return undefined
    }
  }

  #end(held: Held<C>, why: ReinsError): void {
    this.#held.delete(held.credential.key)
    for (const end of [...held.ends.keys()]) end(why)
    held.ends.clear()
  }
}

export const expired = (): ReinsError =>
  new ReinsError('unauthorized', 'The token has expired.', {
    details: { reason: 'expired' },
    next: 'Connect again with a new token. With reins auth login the command line does that by itself.',
  })
