// Identity providers that send what is no set of keys, or keys by which nobody may sign, and tokens that were signed with these: what of it
// makes somebody known here. The provider is a server over HTTP; fetching, keys and verifier are the gateway's own.
//   IS1. `got through` is a token that is taken, an address of somebody else that was asked, or more than one question for all that
//        strangers invent.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { fetchDocument } from '../src/access/oidc/fetch-document.ts'
import { IssuerKeys } from '../src/access/oidc/issuer-keys.ts'
import { OidcVerifier } from '../src/access/oidc/verifier.ts'

interface Provider {
  readonly about?: (url: string) => unknown
  readonly keys?: (jwk: Jwk, response: ServerResponse) => unknown
}
type Jwk = Record<string, unknown>

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits })
const good = rsa(2048)
const weak = rsa(1024)
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: KeyObject, more: Jwk = {}): Jwk => ({ ...key.export({ format: 'jwk' }), kid: 'k1', ...more })
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const secret = 'a secret that everybody reads in the set of keys'

const set = (...keys: Jwk[]) => ({ keys })
const send =
  (status: number, headers: Record<string, string>, body: string | Buffer = '') =>
  (_: Jwk, response: ServerResponse): undefined => {
    response.writeHead(status, headers).end(body)
  }

/** Whose signature a token has; and what the provider sends. */
const providers: Readonly<
  Record<string, Provider & { readonly by?: 'good' | 'weak' | 'curve' | 'secret'; readonly alg?: string }>
> = {
  'a shared secret among its keys': {
    keys: () => set({ kty: 'oct', kid: 'k1', k: Buffer.from(secret).toString('base64url'), alg: 'HS256' }),
    ...{ by: 'secret', alg: 'HS256' },
  },
  'a shared secret that calls itself RS256': {
    keys: () => set({ kty: 'oct', kid: 'k1', k: Buffer.from(secret).toString('base64url'), alg: 'RS256' }),
    ...{ by: 'secret', alg: 'RS256' },
  },
  'a key of 1024 bits': { keys: () => set(jwkOf(weak.publicKey)), by: 'weak' },
  'a key to encrypt with': { keys: (jwk) => set({ ...jwk, use: 'enc' }) },
  'a key that may only sign': { keys: (jwk) => set({ ...jwk, key_ops: ['sign'] }) },
  'a key for another algorithm': { keys: (jwk) => set({ ...jwk, alg: 'RS512' }) },
  'a key of another kind under the same name': { keys: () => set(jwkOf(curve.publicKey)) },
  'a private key': { keys: () => set(jwkOf(good.privateKey)) },
  'a hundred other keys of the same name': {
    keys: () => set(...Array.from({ length: 20 }, () => jwkOf(weak.publicKey))),
  },
  'more keys than there may be': { keys: (jwk) => set(...Array.from({ length: 101 }, () => jwk)) },
  'a set of a megabyte': { keys: (jwk) => ({ ...set(jwk), more: 'x'.repeat(1_000_000) }) },
  'a set of 100 MB in a small archive': {
    keys: send(200, { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(100_000_000, ' '))),
  },
  'a set without an end': {
    keys: (_, response) => {
      const more = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(more))
    },
  },
  'a set that is elsewhere': { keys: send(302, { location: '/evil/jwks' }) },
  'a set that is elsewhere for good': { keys: send(308, { location: '/evil/jwks' }) },
  'keys that are a mapping': { keys: (jwk) => ({ keys: { k1: jwk } }) },
  'keys that are null': { keys: () => ({ keys: null }) },
  'a list instead of a set': { keys: (jwk) => [jwk] },
  'keys below __proto__': {
    keys: (jwk, response) => void response.end(`{"__proto__":{"keys":[${JSON.stringify(jwk)}]}}`),
  },
  'a key of nulls': { keys: () => set({ kty: 'RSA', kid: 'k1', n: null, e: null }) },
  'a page': { keys: send(200, { 'content-type': 'text/html' }, '<h1>Sign in</h1>') },
  'an error with keys': { keys: (jwk, response) => void response.writeHead(500).end(JSON.stringify(set(jwk))) },
  'the name of another issuer': { about: (url) => ({ issuer: 'https://evil.example', jwks_uri: `${url}/jwks` }) },
  'its own name with a slash more': { about: (url) => ({ issuer: `${url}/`, jwks_uri: `${url}/jwks` }) },
  'no name': { about: (url) => ({ jwks_uri: `${url}/jwks` }) },
  'keys in a file': { about: (url) => ({ issuer: url, jwks_uri: 'file:///etc/passwd' }) },
  'keys in its address': {
    about: (url) => ({ issuer: url, jwks_uri: `data:application/json,${JSON.stringify(set(jwkOf(good.publicKey)))}` }),
  },
  'keys at an address with a password': {
    about: (url) => ({ issuer: url, jwks_uri: url.replace('http://', 'http://user:pass@').concat('/jwks') }),
  },
  'keys at an address without https': { about: (url) => ({ issuer: url, jwks_uri: 'http://192.0.2.1/jwks' }) },
  'keys at an address that is a list': { about: (url) => ({ issuer: url, jwks_uri: [`${url}/jwks`] }) },
}

/** `note`: what was tried, and whether it got through. For `e2e/attacks`. */
export async function tryIssuers(note: (what: string, through: boolean) => void): Promise<void> {
  for (const [what, { about, keys, by = 'good', alg = 'RS256' }] of Object.entries(providers)) {
    const at = await provider({ ...(about ? { about } : {}), ...(keys ? { keys } : {}) })
    try {
      const verdict = await at.verifier.verify(tokenOf(at.url, by, alg))
      if (verdict.kind === 'verified' || at.lured() > 0) console.log(what, JSON.stringify(verdict), at.lured())
      note(`send ${what}`, verdict.kind === 'verified' || at.lured() > 0)
    } finally {
      at.close()
    }
  }
  const well = await provider({})
  try {
    const known = await well.verifier.verify(tokenOf(well.url, 'good', 'RS256'))
    if (known.kind !== 'verified') throw new Error(`a token that is good is refused: ${JSON.stringify(known)}`)
    const before = well.asked()
    const invented = await Promise.all(
      Array.from({ length: 300 }, (_, at) =>
        well.verifier.verify(tokenOf(well.url, 'weak', 'RS256', `invented-${at}`)),
      ),
    )
    note('be asked for 300 keys that strangers invent', well.asked() - before > 2)
    note(
      'know somebody by a key that was invented',
      invented.some(({ kind }) => kind === 'verified'),
    )
  } finally {
    well.close()
  }
}

function tokenOf(issuer: string, by: string, alg: string, kid = 'k1'): string {
  const now = Math.floor(Date.now() / 1000)
  const text = `${encoded({ alg, kid })}.${encoded({ iss: issuer, aud: 'reins', sub: 's', iat: now, exp: now + 600 })}`
  const pair = { good, weak, curve }[by]
  const signature = pair
    ? sign('sha256', Buffer.from(text), pair.privateKey).toString('base64url')
    : createHmac('sha256', secret).update(text).digest('base64url')
  return `${text}.${signature}`
}

async function provider({ about, keys }: Provider) {
  let [asked, lured] = [0, 0]
  const server = createServer(({ url: target = '' }, response) => {
    response.on('error', () => {})
    asked += 1
    if (target.startsWith('/evil')) lured += 1
    const jwk = jwkOf(good.publicKey, { use: 'sig' })
    const said = target.startsWith('/.well-known')
      ? (about?.(url) ?? { issuer: url, jwks_uri: `${url}/jwks` })
      : keys
        ? keys(jwk, response)
        : set(jwk)
    if (said !== undefined) response.end(JSON.stringify(said))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const now = (): number => Date.now()
  const settings = {
    ...{ issuer: url, audiences: ['reins'], clientId: undefined, scopes: 'openid', loginParameters: {} },
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
    ...{ clockSkewMs: 3000, nameClaims: [], rolesClaim: 'groups', roles: {}, defaultRoles: [] },
  }
  const issuerKeys = new IssuerKeys({ issuer: url, fetch: fetchDocument, now, times: { withinMs: 2000 } })
  return {
    url,
    verifier: new OidcVerifier({ settings, keys: issuerKeys, now }),
    asked: () => asked,
    lured: () => lured,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
