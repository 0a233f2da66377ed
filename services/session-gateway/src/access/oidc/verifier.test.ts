// Tokens of an issuer whose keys this test makes: which are taken, and why the others are not.
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import type { FetchDocument } from './fetch-document.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { principalOf } from './roles.ts'
import type { OidcSettings } from './settings.ts'
import { OidcVerifier } from './verifier.ts'

const issuer = 'https://login.example.com'
const settings: OidcSettings = {
  ...{ issuer, audiences: ['reins'], clientId: 'cli', scopes: 'openid', loginParameters: {} },
  ...{ algorithms: ['RS256', 'ES256'], clockSkewMs: 3000, nameClaims: ['email', 'name'], rolesClaim: 'groups' },
  ...{ roles: { ops: ['operator'], everybody: ['viewer'] }, defaultRoles: [] },
}
const start = 1_700_000_000_000

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
let one: Pair
let other: Pair
beforeAll(async () => {
  const made = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')])
  one = made[0]
  other = made[1]
})

class Issuer {
  readonly keys: { readonly kid: string; readonly pair: Pair }[] = []
  away = false
  named = issuer
  fetches = 0
  readonly fetch: FetchDocument = async (url) => {
    this.fetches++
    if (this.away) return { kind: 'failed', why: 'cannot be reached (ECONNREFUSED)' }
    if (url.endsWith('openid-configuration'))
      return { kind: 'fetched', document: { issuer: this.named, jwks_uri: `${issuer}/jwks` } }
    const keys = this.keys.map(async ({ kid, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256' }))
    return { kind: 'fetched', document: { keys: await Promise.all(keys) } }
  }
}

function world() {
  const there = new Issuer()
  there.keys.push({ kid: 'k1', pair: one })
  const time = { now: start }
  const now = () => time.now
  const keys = new IssuerKeys({ issuer, fetch: there.fetch, now })
  return { there, time, verifier: new OidcVerifier({ settings, keys, now }) }
}

interface Asked {
  readonly claims?: Record<string, unknown>
  readonly header?: Record<string, unknown>
  readonly pair?: Pair
  readonly at?: number
}

const signed = ({ claims = {}, header = {}, pair = one, at = start }: Asked = {}): Promise<string> =>
  new SignJWT({
    ...{ iss: issuer, aud: 'reins', sub: 's-1', iat: at / 1000 - 10, exp: at / 1000 + 300 },
    ...(claims as JWTPayload),
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
    .sign(pair.privateKey)

test('a token of the issuer names its person, what they are called, and their roles', async () => {
  const { verifier } = world()
  const token = await signed({ claims: { email: 'ann@example.com', groups: ['ops', 'unknown', 'everybody'] } })
  expect(await verifier.verify(token)).toEqual({
    ...{ kind: 'verified', subject: 's-1', principal: principalOf(issuer, 's-1'), name: 'ann@example.com' },
    ...{ roles: ['operator', 'viewer'], expiresAt: start + 303_000, issuedAt: start - 10_000 },
  })
})

describe('a token is refused', () => {
  test.each<[string, Asked, string]>([
    ['of another issuer', { claims: { iss: `${issuer}/` } }, 'it is of another issuer'],
    ['for another audience', { claims: { aud: ['other'] } }, 'it is meant for another audience'],
    ['without a subject', { claims: { sub: undefined } }, 'it names no subject'],
    ['without an expiry', { claims: { exp: undefined } }, 'it does not say when it expires (exp)'],
    ['with an expiry that is a text', { claims: { exp: '9999999999' } }, 'it does not say when it expires (exp)'],
    ['without its time of issue', { claims: { iat: undefined } }, 'it does not say when it was issued (iat)'],
    ['that was issued in the future', { claims: { iat: start / 1000 + 60 } }, 'it was issued in the future'],
    ['that is not valid yet', { claims: { nbf: start / 1000 + 60 } }, 'it is not valid yet'],
    ['that has expired', { claims: { exp: start / 1000 - 60 } }, 'it has expired'],
    ['of another type', { header: { typ: 'logout+jwt' } }, 'it is of another type'],
    ['by a key that is not known', { header: { kid: 'k9' } }, 'no key of the issuer has the name that it gives'],
  ])('%s', async (_, asked, why) => {
    expect(await world().verifier.verify(await signed(asked))).toMatchObject({ kind: 'refused', why })
  })

  test('whose key is another than the one that it names', async () => {
    const { verifier } = world()
    expect(await verifier.verify(await signed({ pair: other }))).toMatchObject({
      why: 'the issuer did not sign it as it is',
    })
  })

  test('where two of its claims have one name', async () => {
    const { verifier } = world()
    const [header = '', , signature = ''] = (await signed()).split('.')
    const twice = Buffer.from('{"sub":"a","\\u0073ub":"b"}').toString('base64url')
    expect(await verifier.verify(`${header}.${twice}.${signature}`)).toMatchObject({
      why: 'its claims are not valid: the text names one thing twice',
    })
  })
})

test('the names of keys change: a token of a new key is taken, and strangers cost no more than one fetch', async () => {
  const { there, time, verifier } = world()
  await verifier.verify(await signed())
  expect(there.fetches).toBe(2)
  there.keys.push({ kid: 'k2', pair: other })
  time.now += 20_000
  expect(await verifier.verify(await signed({ pair: other, header: { kid: 'k2' } }))).toMatchObject({
    kind: 'verified',
  })
  expect(there.fetches).toBe(4)
  const strangers = Array.from({ length: 50 }, async (_, at) =>
    verifier.verify(await signed({ header: { kid: `x${at}` } })),
  )
  for (const verdict of await Promise.all(strangers)) expect(verdict).toMatchObject({ kind: 'refused' })
  expect(there.fetches).toBe(4)
})

test('while the issuer is away the keys that are known go on, for a day', async () => {
  const { there, time, verifier } = world()
  await verifier.verify(await signed())
  there.away = true
  time.now += 3_600_000
  expect(await verifier.verify(await signed({ at: time.now }))).toMatchObject({ kind: 'verified' })
  time.now += 24 * 3_600_000
  expect(await verifier.verify(await signed({ at: time.now }))).toEqual({
    ...{ kind: 'unavailable', why: 'The identity provider cannot be reached (ECONNREFUSED).' },
  })
  there.away = false
  time.now += 60_000
  expect(await verifier.verify(await signed({ at: time.now }))).toMatchObject({ kind: 'verified' })
})

test('an issuer that was never there, or calls itself otherwise, is an outage and no refusal', async () => {
  const { there, verifier } = world()
  there.named = 'https://evil.example'
  expect(await verifier.verify(await signed())).toEqual({
    ...{ kind: 'unavailable', why: 'The identity provider calls itself by another name than REINS_OIDC_ISSUER.' },
  })
})
