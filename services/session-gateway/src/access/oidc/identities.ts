// People who come with a JWT of the identity provider, as the gateway asks for them (api/access/identities.ts).
//   OI1. What has the form of a JWT is the provider's affair alone: no other party is asked for it.
//   OI3. A JWT gives no more than the newest one of the same person that came here (newest-words.ts).
//   OI2. A JWT that is good twice gives the same object twice, unless something of it has changed: what it permits is worked out once.
import { createHash } from 'node:crypto'
import { ReinsError, tokenIdOf } from '@reins/contracts'
import type { Clock } from '@reins/service'
import type { Log } from '@reins/telemetry'
import type { Identities, Identity } from '../../api/access/identities.ts'
import { expired } from '../leases.ts'
import { fetchDocument } from './fetch-document.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { looksLikeJwt } from './jwt-text.ts'
import { NewestWords } from './newest-words.ts'
import type { OidcSettings } from './settings.ts'
import { OidcVerifier, type Verified } from './verifier.ts'

const maxKept = 2000

/** []: there is no identity provider. */
export function oidcIdentities(parts: {
  readonly oidc?: OidcSettings | undefined
  readonly clock: Clock
  readonly log: Log
}): readonly Identities[] {
  const { oidc, clock, log } = parts
  if (!oidc) return []
  const now = (): number => clock.now()
  const fetched = (why: string | undefined): void => {
    if (why !== undefined) log.warn({ issuer: oidc.issuer, why }, 'the keys of the identity provider were not fetched')
  }
  const keys = new IssuerKeys({ issuer: oidc.issuer, fetch: fetchDocument, now, fetched })
  return [peopleOf(new OidcVerifier({ settings: oidc, keys, now }))]
}

export function peopleOf(verifier: Pick<OidcVerifier, 'verify'>): Identities {
  const kept: Kept = { identities: new Map(), words: new NewestWords() }
  return (bearer) => (looksLikeJwt(bearer) ? identityOf(verifier, bearer, kept) : undefined)
}

interface Kept {
  readonly identities: Map<string, Identity>
  readonly words: NewestWords
}

async function identityOf(verifier: Pick<OidcVerifier, 'verify'>, bearer: string, kept: Kept): Promise<Identity> {
  const verdict = await verifier.verify(bearer)
  switch (verdict.kind) {
    case 'verified':
      return keptIdentity(verdict, createHash('sha256').update(bearer).digest('hex'), kept)
    case 'unavailable':
      throw new ReinsError('unavailable', `The token cannot be checked now. ${verdict.why}`)
    case 'refused':
      if (verdict.reason === 'expired') throw expired()
      throw new ReinsError('unauthorized', `The bearer token is not accepted: ${verdict.why}.`)
    default:
      return verdict satisfies never
  }
}

/** OI2 */
function keptIdentity(
  { principal, name, roles, expiresAt, issuedAt }: Verified,
  hash: string,
  { identities: kept, words }: Kept,
): Identity {
  words.heard(principal, issuedAt, roles) // OI3
  const before = kept.get(hash)
  if (before) return before
  const identity: Identity = {
    ...{ principal, kind: 'person', roles, permissions: [], expiresAt, token: tokenIdOf(hash) },
    ...{ issuedAt, rolesNow: words.leftOf(principal, issuedAt, roles) },
    ...(name === '' ? {} : { name }),
  }
  kept.set(hash, identity)
  const [oldest] = kept.keys()
  if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
  return identity
}
