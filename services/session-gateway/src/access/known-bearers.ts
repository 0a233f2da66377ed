// Who comes with a bearer token, for whoever has not tried too many; and whether what a token has opened may stay open.
//   KB1. Whoever gives a token that is not known, or one that was revoked, is answered alike, and as quickly.
//   KB2. Tokens are known by their hashes. No text of a token is compared with another, so no time tells how much of it is right.
//   KB3. An address that gave many wrong tokens waits (attempts.ts). What has expired was good once, and is not counted.
import { hash as hashOf } from 'node:crypto'
import { ReinsError } from '@reins/contracts'
import type { AccessRegistry } from '../api/access/identities.ts'
import { asOfNow, type Caller } from '../api/caller.ts'
import { Attempts, addressName, KnownGood, tooMany } from './attempts.ts'
import type { Credential } from './leases.ts'

export interface KnownBearersOptions {
  /** Rejects with unauthorized, or unavailable. */
  authenticate(bearer: string | undefined): Promise<Caller>
  readonly registry: Pick<AccessRegistry, 'token' | 'principal'>
  readonly wrongTokensPerMinute: number
  /** ms */
  now(): number
}

export class KnownBearers {
  readonly #options: KnownBearersOptions
  readonly #wrong: Attempts
  readonly #good = new KnownGood()

  constructor(options: KnownBearersOptions) {
    this.#options = options
    this.#wrong = new Attempts({ perMinute: options.wrongTokensPerMinute, now: options.now })
  }

  /** `bearer`: undefined where the request has none. Rejects with unauthorized, too_many_requests, or unavailable. */
  async caller(bearer: string | undefined, address: string | undefined): Promise<Caller> {
    if (bearer === undefined) return this.#options.authenticate(bearer)
    const hash = hashOf('sha256', bearer, 'hex')
    const from = addressName(address)
    const wait = this.#wrong.waitOf(from)
    if (wait > 0 && !this.#good.has(hash)) throw tooMany(wait, 'Too many wrong tokens came from this address.')
    try {
      const caller = await this.#options.authenticate(bearer)
      this.#good.add(hash)
      const { principal, expiresAt } = caller
      const credential: Credential = {
        ...{ key: hash, principal, issued: this.#options.registry.token(hash) ? 'here' : 'elsewhere' },
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      return this.#held(caller, credential)
    } catch (error) {
      if (isWrong(error)) {
        this.#wrong.count(from)
        this.#good.forget(hash)
      }
      throw error
    }
  }

  #held(caller: Caller, credential: Credential): Caller {
    const again = (): Caller => {
      const why = this.standing(credential)
      if (why) throw why
      return this.#held(asOfNow(caller), credential)
    }
    return { ...caller, credential, again }
  }

  /** Why what the token opened has to end; undefined: it may go on. */
  standing({ key, principal, issued }: Credential): ReinsError | undefined {
    const { registry } = this.#options
    if (registry.principal(principal)?.banned)
      return new ReinsError('unauthorized', `The principal ${principal} is banned.`, { details: { reason: 'banned' } })
    if (issued === 'elsewhere' || registry.token(key)) return undefined
    return new ReinsError('unauthorized', 'The bearer token is not known, or was revoked.')
  }
}

/** KB3 */
const isWrong = (error: unknown): boolean =>
  error instanceof ReinsError && error.code === 'unauthorized' && reasonOf(error) !== 'expired'

const reasonOf = ({ details }: ReinsError): unknown =>
  typeof details === 'object' && details !== null && 'reason' in details ? details.reason : undefined
