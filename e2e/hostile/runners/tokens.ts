// An issuer of JWTs, a stranger who would like to be one, and the tokens of both. Whoever starts it closes it.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TokenTrick } from '../cases/doors/hostile-tokens.ts'

const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const encoded = (text: string): string => Buffer.from(text).toString('base64url')

export class TokenIssuer {
  readonly url: string
  readonly #server: Server
  readonly #own: ReturnType<typeof pair>
  readonly #stranger = pair()
  /** Addresses of the stranger that somebody has asked for: none may. */
  readonly lured: string[] = []

  private constructor(server: Server, own: ReturnType<typeof pair>) {
    this.#server = server
    this.#own = own
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(): Promise<TokenIssuer> {
    const own = pair()
    const jwk = { ...own.publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig' }
    const holder: { one?: TokenIssuer } = {}
    const server = createServer(({ url = '' }, response) => {
      const one = holder.one
      if (url.startsWith('/evil')) one?.lured.push(url)
      const about = { issuer: one?.url, jwks_uri: `${one?.url}/jwks` }
      const document = url === '/jwks' ? { keys: [jwk] } : about
      response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
    })
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const one = new TokenIssuer(server, own)
    holder.one = one
    return one
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Without a trick: a token that is good for ten minutes. */
  token({ header = {}, claims = {}, headerText, claimsText, by = 'issuer', as, shiftS = 0 }: TokenTrick = {}): string {
    const now = Math.floor(Date.now() / 1000) + shiftS
    const usual = { iss: this.url, aud: 'reins', sub: 's-1', iat: now, exp: now + 600, groups: ['admins'] }
    const fill = (text: string): string =>
      text
        .replaceAll('{iss}', this.url)
        .replaceAll('{evil}', `${this.url}/evil`)
        .replaceAll('"{strangers-key}"', JSON.stringify(this.#stranger.publicKey.export({ format: 'jwk' })))
    const h = encoded(fill(headerText ?? JSON.stringify({ alg: 'RS256', kid: 'k1', ...header })))
    const c = encoded(fill(claimsText ?? JSON.stringify({ ...usual, ...claims })))
    const s = this.#signature(`${h}.${c}`, by)
    return (as ?? '{h}.{c}.{s}').replaceAll('{h}', h).replaceAll('{c}', c).replaceAll('{s}', s)
  }

  #signature(text: string, by: NonNullable<TokenTrick['by']>): string {
    const rsa = (key: KeyObject): string => sign('sha256', Buffer.from(text), key).toString('base64url')
    switch (by) {
      case 'issuer':
        return rsa(this.#own.privateKey)
      case 'stranger':
        return rsa(this.#stranger.privateKey)
      case 'nobody':
        return ''
      case 'public-key': {
        const pem = this.#own.publicKey.export({ type: 'spki', format: 'pem' })
        return createHmac('sha256', pem).update(text).digest('base64url')
      }
      case 'empty-secret':
        return createHmac('sha256', '').update(text).digest('base64url')
      default:
        return by satisfies never
    }
  }
}
