// A real identity provider (oidc-provider) on this machine, whose people sign in without a password: the test says who sits at the
// browser. Whoever starts it closes it.
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

export interface Account {
  readonly id: string
  readonly email: string
  readonly groups: readonly string[]
}

export const audience = 'urn:reins:test'
export const clientId = 'reins-cli'

export class IdentityProvider {
  readonly issuer: string
  /** Who sits at the browser. */
  atBrowser: string
  /** The next person to be asked says no. */
  refuses = false
  /** s */
  accessTokenTtl = 600
  /** Answers nothing at all. */
  hangs = false
  readonly #server: Server
  readonly #accounts: ReadonlyMap<string, Account>
  #keys: readonly object[] = []
  #provider: Provider | undefined
  #kid = 0
  /** Paths that were asked for. */
  readonly asked: string[] = []

  private constructor(server: Server, accounts: readonly Account[]) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#accounts = new Map(accounts.map((one) => [one.id, one]))
    this.atBrowser = accounts[0]?.id ?? ''
  }

  static async start(accounts: readonly Account[]): Promise<IdentityProvider> {
    const holder: { one?: IdentityProvider } = {}
    const server = createServer((request, response) => void holder.one?.answer(request, response))
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const one = new IdentityProvider(server, accounts)
    holder.one = one
    one.rotateKeys()
    return one
  }

  /** From now on it signs with a new key, and shows no other. */
  rotateKeys(): void {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    this.#keys = [{ ...privateKey.export({ format: 'jwk' }), kid: `key-${++this.#kid}`, alg: 'RS256', use: 'sig' }]
    this.#provider = this.#make()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/' } = request
    this.asked.push(url.split('?')[0] ?? '')
    const provider = this.#provider
    if (this.hangs || !provider) return
    if (!url.startsWith('/interaction/')) return provider.callback()(request, response)
    try {
      await this.#interact(provider, request, response)
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  }

  /** What a person would click. */
  async #interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (this.refuses) {
      this.refuses = false
      const result = { error: 'access_denied', error_description: 'The person said no' }
      return provider.interactionFinished(request, response, result)
    }
    if (prompt.name === 'login')
      return provider.interactionFinished(request, response, { login: { accountId: this.atBrowser } })
    const grant = new provider.Grant({
      accountId: session?.accountId ?? this.atBrowser,
      clientId: String(params.client_id),
    })
    grant.addOIDCScope('openid profile email offline_access')
    const { missingResourceScopes = {} } = prompt.details
    for (const [resource, scopes] of Object.entries(missingResourceScopes))
      grant.addResourceScope(resource, scopes.join(' '))
    const grantId = await grant.save()
    return provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true })
  }

  #make(): Provider {
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: clientId,
          application_type: 'native',
          token_endpoint_auth_method: 'none',
          redirect_uris: ['http://127.0.0.1/callback'],
          response_types: ['code'],
          grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        },
      ],
      jwks: { keys: this.#keys },
      cookies: { keys: ['test'] },
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      claims: { email: ['email'], profile: ['name'] },
      conformIdTokenClaims: false,
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_: unknown, id: string) => {
        const account = this.#accounts.get(id)
        return account && { accountId: id, claims: async () => ({ sub: id, email: account.email }) }
      },
      extraTokenClaims: (_: unknown, { accountId }: { accountId?: string }) => {
        const account = this.#accounts.get(accountId ?? '')
        return account && { email: account.email, groups: account.groups }
      },
      rotateRefreshToken: true,
      features: {
        devInteractions: { enabled: false },
        deviceFlow: { enabled: true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => audience,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            ...{ scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: this.accessTokenTtl },
            jwt: { sign: { alg: 'RS256' } },
          }),
        },
      },
    })
    provider.on('server_error', (_context, error) => console.error('identity provider', error))
    return provider
  }
}

/** A browser that follows every link, sends every form, and keeps cookies by host and port. Gives the text of the last page. */
export async function browse(start: string): Promise<string> {
  const jar = new Map<string, Map<string, string>>()
  let next: { readonly url: URL; readonly form?: URLSearchParams } = { url: new URL(start) }
  for (let steps = 0; steps < 30; steps++) {
    const { url, form } = next
    const cookies = jar.get(url.host) ?? new Map<string, string>()
    jar.set(url.host, cookies)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (pair.slice(at + 1) === '') cookies.delete(pair.slice(0, at))
      else cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    const to = response.headers.get('location')
    const text = await response.text()
    if (to !== null) {
      next = { url: new URL(to, url) }
      continue
    }
    const action = /<form[^>]*\baction="([^"]*)"/.exec(text)?.[1]
    if (action === undefined) return text
    const inputs = [...text.matchAll(/<input[^>]*\bname="([^"]*)"[^>]*\bvalue="([^"]*)"/g)]
    next = {
      url: new URL(action.replaceAll('&amp;', '&'), url),
      form: new URLSearchParams(inputs.map(([, name = '', value = '']) => [name, value])),
    }
  }
  throw new Error(`${start} leads in a circle`)
}
