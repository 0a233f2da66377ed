// A bearer JWT, checked against the issuer's keys: whose it is, or why it is refused.
//   OV1. Nothing of a token's text stands in an answer: a reason names the rule that it breaks, and at most an algorithm or a type.
//   OV2. What can be refused without a key is refused before one is looked for.
//   OV3. A token says which key signed it, and never where that key is (jku, jwk, x5u, x5c): keys come from the issuer alone.
import { errors, type JWTVerifyOptions, jwtVerify, type CryptoKey } from 'jose'
import type { IssuerKeys, KnownKeys } from './issuer-keys.ts'
import { type JwtText, readJwt } from './jwt-text.ts'
import { personOf, type Person } from './roles.ts'
import type { OidcSettings } from './settings.ts'

export interface Verified extends Person {
  readonly kind: 'verified'
  readonly subject: string
  /** epoch ms; the difference that clocks may have is in it. */
  readonly expiresAt: number
  /** epoch ms */
  readonly issuedAt: number
}
/** `expired`: somebody who signs in again, or refreshes, gets another. */
export type Verdict =
  | Verified
  | { readonly kind: 'refused'; readonly reason: 'invalid' | 'expired'; readonly why: string }
  | { readonly kind: 'unavailable'; readonly why: string }

export interface VerifierOptions {
  readonly settings: OidcSettings
  readonly keys: Pick<IssuerKeys, 'keys' | 'newerThan'>
  /** epoch ms */
  now(): number
}

const types: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/at+jwt']
const maxSubjectChars = 255
const maxKidChars = 256
/** Keys of one name, or without names, that are tried. */
const maxCandidates = 8

export class OidcVerifier {
  readonly #options: VerifierOptions

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async verify(text: string): Promise<Verdict> {
    const read = readJwt(text)
    if (read.kind === 'none') return refused(read.why)
    const wrong = this.#unsigned(read) // OV2
    if (wrong) return wrong
    const keys = await this.#options.keys.keys()
    if (keys.kind === 'away') return this.#away(keys.why)
    const first = await this.#signed(text, read, keys)
    if (first !== 'no-key') return first
    const newer = await this.#options.keys.newerThan(keys)
    if (newer?.kind === 'away') return this.#away(newer.why)
    const second = newer ? await this.#signed(text, read, newer) : 'no-key'
    return second === 'no-key' ? refused('no key of the issuer has the name that it gives') : second
  }

  #away(why: string): Verdict {
    return { kind: 'unavailable', why: `The identity provider ${why}.` }
  }

  /** Rules of what it says of itself. undefined: it breaks none. */
  #unsigned({ header, claims }: JwtText): Verdict | undefined {
    const { settings, now } = this.#options
    const { alg, typ, kid, crit, b64 } = header
    if (typeof alg !== 'string' || !settings.algorithms.includes(alg))
      return refused(`its algorithm is not one of ${settings.algorithms.join(', ')}`)
    if (!types.includes(typeof typ === 'string' ? typ.toLowerCase() : typ)) return refused('it is of another type')
    if (crit !== undefined || b64 !== undefined) return refused('its header asks for what Reins does not know')
    if (kid !== undefined && (typeof kid !== 'string' || kid.length > maxKidChars))
      return refused('the name of its key is not valid')
    if (claims.iss !== settings.issuer) return refused('it is of another issuer')
    const { aud } = claims
    const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
    if (!audiences.some((one) => settings.audiences.some((ours) => ours === one)))
      return refused('it is meant for another audience')
    const { sub } = claims
    if (typeof sub !== 'string' || sub === '' || sub.length > maxSubjectChars) return refused('it names no subject')
    if (!isTime(claims.exp)) return refused('it does not say when it expires (exp)')
    if (!isTime(claims.iat)) return refused('it does not say when it was issued (iat)')
    if (claims.nbf !== undefined && !isTime(claims.nbf)) return refused('its nbf is no time')
    const latest = now() + settings.clockSkewMs
    if (claims.iat * 1000 > latest) return refused('it was issued in the future')
    if (claims.nbf !== undefined && claims.nbf * 1000 > latest) return refused('it is not valid yet')
    return undefined
  }

  /** Whether a key of these signed it, and when it ends. */
  async #signed(text: string, { header, claims }: JwtText, keys: KnownKeys): Promise<Verdict | 'no-key'> {
    const { settings, now } = this.#options
    const checks: JWTVerifyOptions = {
      ...{ issuer: settings.issuer, audience: [...settings.audiences], algorithms: [...settings.algorithms] },
      ...{ clockTolerance: settings.clockSkewMs / 1000, currentDate: new Date(now()) },
      requiredClaims: ['iss', 'aud', 'sub', 'exp', 'iat'],
    }
    let why: unknown
    for (const key of await candidates(keys, header)) {
      try {
        const { payload } = await jwtVerify(text, key, checks)
        const subject = String(payload.sub)
        const expiresAt = Number(payload.exp) * 1000 + settings.clockSkewMs
        const issuedAt = Number(payload.iat) * 1000
        return { kind: 'verified', subject, expiresAt, issuedAt, ...personOf(claims, subject, settings) }
      } catch (error) {
        why = error
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break
      }
    }
    if (why === undefined) return 'no-key'
    if (why instanceof errors.JWTExpired) return { kind: 'refused', reason: 'expired', why: 'it has expired' }
    return refused(
      why instanceof errors.JWTClaimValidationFailed
        ? 'its claims do not allow it'
        : 'the issuer did not sign it as it is',
    )
  }
}

async function candidates(keys: KnownKeys, header: JwtText['header']): Promise<readonly CryptoKey[]> {
  const { alg, kid } = header
  const asked = { alg: String(alg), ...(typeof kid === 'string' ? { kid } : {}) } // OV3
  try {
    return [await keys.find(asked)]
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
    const several: CryptoKey[] = []
    for await (const key of error) {
      several.push(key)
      if (several.length === maxCandidates) break
    }
    return several
  }
}

const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e11

const refused = (why: string): Verdict => ({ kind: 'refused', reason: 'invalid', why })
